"""Reads the facts that are asked for in as few pipelines as possible.

One pipeline for everything that every Windows has, one for the Hyper-V firewall (whose cmdlets may be
missing), one for names of processes. Outputs of one pipeline arrive flat and are told apart by their class.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from wslnet_win_agent import registry
from wslnet_win_agent.bridge import Reply, demand
from wslnet_win_agent.calls import files as file_calls
from wslnet_win_agent.calls import firewall as firewall_calls
from wslnet_win_agent.calls import network as network_calls
from wslnet_win_agent.errors import WindowsAgentError

from . import firewall, network
from .files import wslconfig
from .wsl import wsl

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from wslnet_win_agent.call import Call
    from wslnet_win_agent.host import Host
    from wslnet_win_agent.registry import RegistryKeys

_KEYS: dict[str, tuple[str, ...]] = {
    "os": (registry.CURRENT_VERSION,),
    "portproxy": tuple(registry.PORTPROXY.values()),
    "registry": (registry.IPV6_PARAMETERS, registry.FIREWALL_PARAMETERS, registry.WSL_POLICIES),
    "wsl": (registry.WSL_MSI, registry.WSL_USER),
}
_CALLS: dict[str, tuple[Callable[[], Call], ...]] = {
    "adapters": (network_calls.adapters,),
    "interfaces": (network_calls.interfaces,),
    "addresses": (network_calls.addresses,),
    "routes": (network_calls.routes,),
    "profiles": (network_calls.profiles,),
    "listeners": (network_calls.tcp_listeners, network_calls.udp_listeners),
}
_ROWS: dict[str, Callable[[Reply], list[dict[str, object]]]] = {
    "adapters": network.adapters,
    "interfaces": network.interfaces,
    "addresses": network.addresses,
    "routes": network.routes,
    "profiles": network.profiles,
}
NAMES = frozenset({*_KEYS, *_CALLS, "hyperv_firewall", "wslconfig"})


def gather(host: Host, needs: Iterable[str]) -> dict[str, object]:
    """Give `{name: fact}` for the names in `needs`.

    Raises:
        WindowsAgentError: `bad-op` for an unknown name; `not-permitted` or `failed` when a read that every
            Windows has was refused.
    """
    wanted = set(needs)
    unknown = wanted - NAMES
    if unknown:
        raise WindowsAgentError("bad-op", f"there is no fact named {min(unknown)}")
    reply = _common(host, wanted)
    keys = registry.read(reply.outputs)
    facts: dict[str, object] = {name: _ROWS[name](reply) for name in _ROWS if name in wanted}
    for name, build in _BUILDERS.items():
        if name in wanted:
            facts[name] = build(host, reply, keys)
    return facts


def _common(host: Host, wanted: set[str]) -> Reply:
    calls = [make() for name in sorted(wanted & set(_CALLS)) for make in _CALLS[name]]
    paths = [path for name in sorted(wanted & set(_KEYS)) for path in _KEYS[name]]
    if paths:
        calls.append(file_calls.registry_keys(paths))
    if not calls:
        return Reply()
    reply = host.read(calls)
    _check_answers(reply, "reading Windows")
    return reply


def _check_answers(reply: Reply, what: str) -> None:
    """An absent registry key, an empty table or an unset setting is an answer, any other error is not."""
    real = tuple(error for error in reply.errors if not error.is_not_found)
    demand(replace(reply, errors=real), what)


def _os(_host: Host, _reply: Reply, keys: RegistryKeys) -> dict[str, object]:
    path = registry.CURRENT_VERSION
    return {
        "build": keys.number(path, "CurrentBuildNumber") or keys.number(path, "CurrentBuild") or 0,
        "revision": keys.number(path, "UBR") or 0,
        "edition": keys.text(path, "EditionID"),
        "product": keys.text(path, "ProductName"),
    }


def _registry(_host: Host, _reply: Reply, keys: RegistryKeys) -> dict[str, object]:
    policies = keys.values(registry.WSL_POLICIES)
    return {
        "ipv6_disabled_components": keys.number(registry.IPV6_PARAMETERS, "DisabledComponents"),
        "hyperv_firewall_disabled": keys.number(registry.FIREWALL_PARAMETERS, "HyperVFirewallDisable"),
        "policies": {name: value for name, value in policies.items() if isinstance(value, int | str)},
    }


def _portproxy(_host: Host, _reply: Reply, keys: RegistryKeys) -> list[dict[str, object]]:
    rules: list[dict[str, object]] = []
    for family, path in registry.PORTPROXY.items():
        for name, value in keys.values(path).items():
            listen_address, _, listen_port = name.rpartition("/")
            connect_address, _, connect_port = str(value).rpartition("/")
            if listen_port.isdigit() and connect_port.isdigit():
                rules.append(
                    {
                        "family": family,
                        "listen_address": listen_address,
                        "listen_port": int(listen_port),
                        "connect_address": connect_address,
                        "connect_port": int(connect_port),
                    }
                )
    return rules


def _listeners(host: Host, reply: Reply, _keys: RegistryKeys) -> list[dict[str, object]]:
    pids = network.owners(reply)
    names = network.process_names(host.read([network_calls.processes(pids)])) if pids else {}
    return network.listeners(reply, names)


def _hyperv_firewall(host: Host, _reply: Reply, _keys: RegistryKeys) -> dict[str, object]:
    reply = host.bridge.run(
        [firewall_calls.creator(), firewall_calls.setting(), firewall_calls.rules()],
        deadline_s=host.deadline_s,
    )
    if not any(error.is_unknown_command for error in reply.errors):
        _check_answers(reply, "reading the Hyper-V firewall")
    return firewall.hyperv_firewall(reply)


_BUILDERS: dict[str, Callable[[Host, Reply, RegistryKeys], object]] = {
    "os": _os,
    "registry": _registry,
    "portproxy": _portproxy,
    "listeners": _listeners,
    "hyperv_firewall": _hyperv_firewall,
    "wslconfig": lambda host, _reply, _keys: wslconfig(host),
    "wsl": lambda host, _reply, keys: wsl(host, keys),
}
