"""A number of the registry that decides whether WSL can have mirrored mode: read, one write, read back.

Windows takes either of them at its next start only (wsl-facts 2.1); which ones there are is fixed here.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from wslnet_win_agent import registry
from wslnet_win_agent.calls import files
from wslnet_win_agent.errors import WindowsAgentError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wslnet_win_agent.host import Host

    from .arguments import Arguments

_KEYS: Mapping[str, str] = MappingProxyType(
    {
        "DisabledComponents": registry.IPV6_PARAMETERS,
        "HyperVFirewallDisable": registry.FIREWALL_PARAMETERS,
    }
)


def put(host: Host, arguments: Arguments) -> dict[str, object]:
    """Set the value `name` to the number `value`; null removes it.

    Raises:
        WindowsAgentError: `bad-op` for another value, `not-permitted`, `failed` when it reads back otherwise.
    """
    name = arguments.text("name")
    key = _KEYS.get(name)
    if key is None:
        raise WindowsAgentError("bad-op", f"windows_value.set: {name} is not what this is for")
    wanted = None if arguments.given.get("value") is None else arguments.number("value")
    before = _read(host, key, name)
    if before != wanted:
        call = files.remove_value(key, name) if wanted is None else files.set_value(key, name, wanted)
        host.attempt(call, name)
    if _read(host, key, name) != wanted:
        raise WindowsAgentError("failed", f"{name} was set and reads back otherwise")
    return {"before": before, "after": wanted}


def _read(host: Host, key: str, name: str) -> int | None:
    return registry.read(host.read([files.registry_keys([key])]).outputs).number(key, name)
