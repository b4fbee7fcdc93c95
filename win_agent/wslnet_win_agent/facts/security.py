"""What guards this Windows beside its own firewall, as facts. Pure: outputs in, plain data out.

Nothing of it is wslnet's to change: it is read to name who else decides (wsl-facts 6, 9, 11 and 15).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet_win_agent import registry
from wslnet_win_agent.values import integer, text

if TYPE_CHECKING:
    from wslnet_win_agent.bridge import Reply

_ON = 0x1000
"""The bit of `productState` of a product that is at work (root/SecurityCenter2)."""

_ENFORCED = 1
_CODE_INTEGRITY = ("UsermodeCodeIntegrityPolicyEnforcementStatus", "CodeIntegrityPolicyEnforcementStatus")


def security(reply: Reply) -> dict[str, object]:
    """Give the fact of docs/protocols.md 2; what Windows does not tell is null or not listed."""
    keys = registry.read(reply.outputs)
    return {
        "firewalls": [
            {"name": name, "on": None if state is None else bool(state & _ON)}
            for row in reply.rows("FirewallProduct")
            if (name := text(row.get("displayName")))
            for state in (integer(row.get("productState")),)
        ],
        "code_integrity": next(
            (
                value
                for row in reply.rows("Win32_DeviceGuard")
                for name in _CODE_INTEGRITY
                if (value := integer(row.get(name))) is not None
            ),
            None,
        ),
        "applocker": [
            kind
            for kind, path in registry.APPLOCKER.items()
            if keys.number(path, "EnforcementMode") == _ENFORCED
        ],
        "ntlm_incoming": keys.number(registry.NTLM, "RestrictReceivingNTLMTraffic"),
        "ntlm_outgoing": keys.number(registry.NTLM, "RestrictSendingNTLMTraffic"),
    }
