"""Forwarding of one interface: read, one write, read back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet_win_agent.bridge import demand
from wslnet_win_agent.calls import network as calls
from wslnet_win_agent.errors import WindowsAgentError
from wslnet_win_agent.values import name_of

if TYPE_CHECKING:
    from wslnet_win_agent.host import Host

    from .arguments import Arguments

_FAMILIES = (4, 6)


def set_forwarding(host: Host, arguments: Arguments) -> dict[str, object]:
    """Switch forwarding of one interface and family; values are `{"enabled": bool}`."""
    index = arguments.number("interface_index")
    family = arguments.number("family")
    if family not in _FAMILIES:
        raise WindowsAgentError("bad-op", f"forwarding.set: {family} is not a valid family")
    enabled = arguments.flag("enabled")
    before = _forwarding(host, index, family)
    host.attempt(calls.set_forwarding(index, family, enabled=enabled), f"forwarding of interface {index}")
    after = _forwarding(host, index, family)
    if after != enabled:
        raise WindowsAgentError("failed", f"forwarding of interface {index} was set and reads back as before")
    return {"before": {"enabled": before}, "after": {"enabled": after}}


def _forwarding(host: Host, index: int, family: int) -> bool:
    reply = demand(host.read([calls.interface(index, family)]), f"interface {index} (IPv{family})")
    rows = reply.rows("MSFT_NetIPInterface")
    if not rows:
        raise WindowsAgentError("not-found", f"there is no interface {index} (IPv{family})")
    return name_of(rows[0], "Forwarding") == "Enabled"
