"""The range of WSL's NAT network in the registry, written value by value and read back (wsl-facts 1.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet_win_agent import registry
from wslnet_win_agent.calls import files
from wslnet_win_agent.errors import WindowsAgentError

if TYPE_CHECKING:
    from wslnet_win_agent.host import Host

    from .arguments import Arguments

_VALUES = {"network": "NatNetwork", "gateway": "NatGatewayIpAddress"}


def put(host: Host, arguments: Arguments) -> dict[str, object]:
    """Remember `network` and `gateway`; null forgets it.

    Raises:
        WindowsAgentError: `not-permitted`, `failed` when it reads back otherwise.
    """
    wanted = {name: arguments.optional_text(argument) for argument, name in _VALUES.items()}
    before = _read(host)
    for name, value in wanted.items():
        if before[name] == value:
            continue
        call = (
            files.remove_value(registry.WSL_MACHINE, name)
            if value is None
            else files.set_value(registry.WSL_MACHINE, name, value)
        )
        host.attempt(call, f"{name} of WSL")
    if _read(host) != wanted:
        raise WindowsAgentError("failed", "the range of WSL's NAT was written and reads back otherwise")
    return {"before": before, "after": wanted}


def _read(host: Host) -> dict[str, str | None]:
    keys = registry.read(host.read([files.registry_keys([registry.WSL_MACHINE])]).outputs)
    return {name: keys.text(registry.WSL_MACHINE, name) for name in _VALUES.values()}
