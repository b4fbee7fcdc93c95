"""The ports that Windows gives to outgoing connections: set by netsh, read back by its numbers.

For one protocol over IPv4. What netsh says is in the user's language and not looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet_win_agent import registry
from wslnet_win_agent.calls import files
from wslnet_win_agent.errors import WindowsAgentError
from wslnet_win_agent.facts.port_ranges import NETSH, dynamic_ports

if TYPE_CHECKING:
    from wslnet_win_agent.host import Host

    from .arguments import Arguments

_TIMEOUT_S = 20.0
_LOWEST, _LAST_PORT = 1024, 65535
_FEWEST = 255
"""Windows takes no smaller range; 1024 is the lowest start that was seen (wsl-facts 6, no. 4)."""


def put(host: Host, arguments: Arguments) -> dict[str, object]:
    """Let the dynamic ports of `proto` be those from `first` to `last`.

    Raises:
        WindowsAgentError: `bad-op` for what Windows takes for no range; `not-permitted`; `failed` when it
            reads back otherwise, or does not read.
    """
    proto, first, last = arguments.text("proto"), arguments.number("first"), arguments.number("last")
    if proto not in {"tcp", "udp"} or not _LOWEST <= first <= last + 1 - _FEWEST <= _LAST_PORT + 1 - _FEWEST:
        raise WindowsAgentError("bad-op", f"{arguments.verb}: {proto} {first}-{last} is no range of ports")
    before = dynamic_ports(host, proto)
    if before != (first, last):
        words = (f"startport={first}", f"numberofports={last - first + 1}")
        argv = (NETSH, "interface", "ipv4", "set", "dynamicport", proto, *words)
        host.native.run(argv, timeout_s=_TIMEOUT_S, changes=True)
        host.touched = True
    after = dynamic_ports(host, proto)
    if after != (first, last):
        reply = host.read([files.registry_keys([registry.FOR_ADMINISTRATORS])])
        denied = any(error.is_denied for error in reply.errors)
        message = f"the dynamic {proto} ports were set and read back otherwise"
        raise WindowsAgentError("not-permitted" if denied else "failed", message)
    return {"before": list(before) if before is not None else None, "after": list(after)}
