r"""WSL's NAT network as the registry keeps it: the range, Windows' end, and each owner's address.

SYSTEM cannot ask wsl.exe (wsl-facts 3), and reads here which address WSL has now: WSL writes it back after
each start in NAT mode (wsl-facts 1.3). Whether WSL runs is not said here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from wslnet_win_agent import registry
from wslnet_win_agent.bridge import demand
from wslnet_win_agent.calls import files
from wslnet_win_agent.values import text

if TYPE_CHECKING:
    from wslnet_win_agent.bridge import WindowsObject
    from wslnet_win_agent.host import Host

_USERS = "Registry::HKEY_USERS"
_ACCOUNT = re.compile(r"S-1-(?:5-21|12-1)-[0-9-]+", re.IGNORECASE)
"""A person's account, local, of a domain or of Entra; `…_Classes` beside it is none."""


def wsl_nat(host: Host) -> dict[str, object]:
    """Give the fact of docs/protocols.md 2; hives that the session may not open are left out."""
    owners = _accounts(host)
    keys = [registry.WSL_MACHINE, *(rf"{_USERS}\{sid}\{registry.WSL_OF_USER}" for sid in owners)]
    rows = host.read([files.registry_keys(keys)]).outputs
    machine = registry.read(rows)
    found = {sid: _address(rows, sid) for sid in owners}
    return {
        "network": machine.text(registry.WSL_MACHINE, "NatNetwork"),
        "gateway": machine.text(registry.WSL_MACHINE, "NatGatewayIpAddress"),
        "owners": [{"sid": sid, "address": address} for sid, address in found.items() if address],
    }


def _accounts(host: Host) -> list[str]:
    reply = host.read([files.children(_USERS)])
    if any(not (error.is_denied or error.is_not_found) for error in reply.errors):
        demand(reply, "the loaded hives of users")
    names = [text(row.get("PSChildName")) or "" for row in reply.outputs]
    return [name for name in names if _ACCOUNT.fullmatch(name)]


def _address(rows: tuple[WindowsObject, ...], sid: str) -> str | None:
    for row in rows:
        path = (text(row.get("PSPath")) or "").casefold()
        if path.endswith(rf"\{sid}\{registry.WSL_OF_USER}".casefold()):
            return text(row.get("NatIpAddress"))
    return None
