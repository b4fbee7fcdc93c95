"""Reads the facts that are asked for in as few pipelines as possible.

One pipeline for everything that every Windows has, one for the Hyper-V firewall (whose cmdlets may be
missing), one for names of processes. Outputs of one pipeline arrive flat and are told apart by their class.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from wslnet_win_agent import registry
from wslnet_win_agent.bridge import Reply, demand
from wslnet_win_agent.calls import events as event_calls
from wslnet_win_agent.calls import files as file_calls
from wslnet_win_agent.calls import firewall as firewall_calls
from wslnet_win_agent.calls import host_firewall as host_firewall_calls
from wslnet_win_agent.calls import network as network_calls
from wslnet_win_agent.calls import security as security_calls
from wslnet_win_agent.calls import services as service_calls
from wslnet_win_agent.calls import system as system_calls
from wslnet_win_agent.errors import CallRefused, WindowsAgentError

from . import firewall, network
from .boot import boot
from .endpoint import access, endpoint, local_use
from .events import wsl_events
from .files import wslconfig
from .host_rules import host_profiles, host_rules
from .port_proxy import portproxy
from .port_ranges import port_ranges
from .security import security
from .services import services
from .session import session
from .wsl import wsl
from .wsl_nat import wsl_nat

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from wslnet_win_agent.call import Call
    from wslnet_win_agent.host import Host

_KEYS: dict[str, tuple[str, ...]] = {
    "host_rules": tuple(registry.HOST_RULES.values()),
    "os": (registry.CURRENT_VERSION,),
    "portproxy": tuple(registry.PORTPROXY.values()),
    "registry": (registry.IPV6_PARAMETERS, registry.FIREWALL_PARAMETERS, registry.WSL_POLICIES),
    "security": (*registry.APPLOCKER.values(), registry.NTLM),
    "wsl": (registry.WSL_MSI, registry.WSL_USER),
}
_NOT_ON_ENDPOINT = frozenset({"boot_time", "security"})
"""Facts that the constrained endpoint has nothing for."""

_CALLS: dict[str, tuple[Callable[[], Call], ...]] = {
    "adapters": (network_calls.adapters,),
    "boot_time": (system_calls.operating_system,),
    "interfaces": (network_calls.interfaces,),
    "addresses": (network_calls.addresses,),
    "routes": (network_calls.routes,),
    "profiles": (network_calls.profiles,),
    "listeners": (network_calls.tcp_listeners, network_calls.udp_listeners),
    "host_profiles": (host_firewall_calls.host_profiles,),
    "security": (
        security_calls.firewall_products,
        security_calls.device_guard,
    ),
    "services": (service_calls.services,),
}


def gather(host: Host, needs: Iterable[str]) -> dict[str, object]:
    """Give `{name: fact}` for the names in `needs`.

    A fact that could not be read is null and stands in a further one, `errors: {name: {code, message}}`.

    Raises:
        WindowsAgentError: `bad-op` for an unknown name; the first error when no fact at all could be read.
    """
    wanted = sorted(set(needs))
    unknown = set(wanted) - NAMES
    if unknown:
        raise WindowsAgentError("bad-op", f"there is no fact named {min(unknown)}")
    reading = _Reading(host, wanted)
    facts: dict[str, object] = {}
    errors: dict[str, WindowsAgentError] = {}
    for name in wanted:
        if name in reading.left_out:
            facts[name] = None
            continue
        try:
            facts[name] = _FACTS[name](host, reading.of(name))
        except WindowsAgentError as error:
            facts[name], errors[name] = None, error
    if errors and len(errors) == len(wanted):
        raise next(iter(errors.values()))
    if errors:
        facts["errors"] = {
            name: {"code": error.code, "message": error.message} for name, error in errors.items()
        }
    return facts


class _Reading:
    """What the shared pipeline gave; when a part of it failed each fact is read alone, to see which."""

    def __init__(self, host: Host, wanted: Sequence[str]) -> None:
        self._host = host
        self.left_out: frozenset[str] = frozenset()
        try:
            self._shared = self._read(wanted)
        except CallRefused:
            self._shared = self._read([name for name in wanted if name not in _NOT_ON_ENDPOINT])
            self.left_out = _NOT_ON_ENDPOINT

    def of(self, name: str) -> Reply:
        """Give the outputs for one fact.

        Raises:
            WindowsAgentError: its own reads failed.
        """
        if _is_answered(self._shared):
            return self._shared
        reply = self._read([name])
        if _is_answered(reply):
            return reply
        return demand(_without_absences(reply), f"reading {name}")

    def _read(self, names: Sequence[str]) -> Reply:
        calls = [make() for name in names for make in _CALLS.get(name, ())]
        paths = [path for name in names for path in _KEYS.get(name, ())]
        if paths:
            calls.append(file_calls.registry_keys(paths))
        return self._host.bridge.run(calls, deadline_s=self._host.deadline_s) if calls else Reply()


def _is_answered(reply: Reply) -> bool:
    return _without_absences(reply).ok


def _without_absences(reply: Reply) -> Reply:
    """An absent registry key, an empty table or an unset setting is an answer, any other error is not."""
    return replace(
        reply, errors=tuple(one for one in reply.errors if not (one.is_not_found or one.is_unknown_class))
    )


def _os(_host: Host, reply: Reply) -> dict[str, object]:
    keys = registry.read(reply.outputs)
    path = registry.CURRENT_VERSION
    return {
        "build": keys.number(path, "CurrentBuildNumber") or keys.number(path, "CurrentBuild") or 0,
        "revision": keys.number(path, "UBR") or 0,
        "edition": keys.text(path, "EditionID"),
        "product": keys.text(path, "ProductName"),
    }


def _elevated(host: Host, _reply: Reply) -> bool | None:
    """Whether the session has an administrator's rights; None when Windows does not say."""
    reply = host.bridge.run(
        [file_calls.registry_keys([registry.FOR_ADMINISTRATORS])], deadline_s=host.deadline_s
    )
    if any(error.is_denied for error in reply.errors):
        return False
    return True if reply.ok else None


def _boot_time(_host: Host, reply: Reply) -> str | None:
    """Since when Windows runs, as it says it: only good for telling one start from another."""
    rows = reply.rows("Win32_OperatingSystem")
    return str(rows[0].get("LastBootUpTime")) if rows else None


def _registry(_host: Host, reply: Reply) -> dict[str, object]:
    keys = registry.read(reply.outputs)
    policies = keys.values(registry.WSL_POLICIES)
    return {
        "ipv6_disabled_components": keys.number(registry.IPV6_PARAMETERS, "DisabledComponents"),
        "hyperv_firewall_disabled": keys.number(registry.FIREWALL_PARAMETERS, "HyperVFirewallDisable"),
        "policies": {name: value for name, value in policies.items() if isinstance(value, int | str)},
    }


def _portproxy(_host: Host, reply: Reply) -> list[dict[str, object]]:
    return portproxy(registry.read(reply.outputs))


def _listeners(host: Host, reply: Reply) -> list[dict[str, object]]:
    pids = network.owners(reply)
    names = network.process_names(host.read([network_calls.processes(pids)])) if pids else {}
    return network.listeners(reply, names)


def _hyperv_firewall(host: Host, _reply: Reply) -> dict[str, object]:
    calls = [
        firewall_calls.creators(),
        firewall_calls.setting(),
        firewall_calls.stored_setting(),
        firewall_calls.rules(),
        firewall_calls.stored_rules(),
    ]
    # Early builds have rules and settings and no profiles: only then it takes a second pipeline.
    for asked in ([*calls, firewall_calls.hyperv_profiles()], calls):
        reply = host.bridge.run(asked, deadline_s=host.deadline_s)
        if not any(error.is_unknown_command for error in reply.errors):
            demand(_without_absences(reply), "reading the Hyper-V firewall")
            break
    return firewall.hyperv_firewall(reply)


def _wsl_events(host: Host, _reply: Reply) -> list[dict[str, object]] | None:
    """None where the log cannot be asked: the constrained endpoint does not offer it."""
    reply = host.bridge.run([event_calls.wsl_events()], deadline_s=host.deadline_s)
    if any(error.is_unknown_command for error in reply.errors):
        return None
    return wsl_events(demand(_without_absences(reply), "reading WSL's events"))


def _wsl(host: Host, reply: Reply) -> dict[str, object]:
    return wsl(host, registry.read(reply.outputs))


_FACTS: dict[str, Callable[[Host, Reply], object]] = {
    "adapters": lambda _host, reply: network.adapters(reply),
    "addresses": lambda _host, reply: network.addresses(reply),
    "boot": lambda host, _reply: boot(host),
    "boot_time": _boot_time,
    "elevated": _elevated,
    "endpoint": lambda host, _reply: endpoint(host),
    "endpoint_access": lambda host, _reply: access(host),
    "endpoint_local": lambda host, _reply: local_use(host),
    "host_profiles": lambda _host, reply: host_profiles(reply),
    "host_rules": lambda _host, reply: host_rules(registry.read(reply.outputs)),
    "hyperv_firewall": _hyperv_firewall,
    "interfaces": lambda _host, reply: network.interfaces(reply),
    "listeners": _listeners,
    "os": _os,
    "port_ranges": lambda host, _reply: port_ranges(host),
    "portproxy": _portproxy,
    "profiles": lambda _host, reply: network.profiles(reply),
    "registry": _registry,
    "routes": lambda _host, reply: network.routes(reply),
    "security": lambda _host, reply: security(reply),
    "services": lambda _host, reply: services(reply),
    "session": lambda host, _reply: session(host),
    "wsl": _wsl,
    "wsl_nat": lambda host, _reply: wsl_nat(host),
    "wsl_events": _wsl_events,
    "wslconfig": lambda host, _reply: wslconfig(host),
}
NAMES = frozenset(_FACTS)
