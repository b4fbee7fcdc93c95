"""The table of verbs, and the rules of a request: in order, and nothing after a failed change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet_win_agent.errors import WindowsAgentError
from wslnet_win_agent.facts import gather

from . import (
    boot_data,
    dynamic_ports,
    endpoint,
    endpoint_local,
    firewall,
    guard,
    host_rule,
    interfaces,
    machine_lock,
    nat_range,
    port_proxy,
    probes,
    relay,
    services,
    startup_script,
    tasks,
    windows_value,
    wsl,
    wslconfig,
)
from .arguments import Arguments

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from wslnet_win_agent.host import Host

_READS: dict[str, Callable[[Host, Arguments], object]] = {
    "endpoint.probe": endpoint_local.probe,
    "guard.status": guard.status,
    "lock.status": machine_lock.status,
    "facts": lambda host, arguments: gather(host, arguments.texts("needs")),
    "probes": probes.probe,
}
_WRITES: dict[str, Callable[[Host, Arguments], object]] = {
    "boot_data.remove": boot_data.remove,
    "boot_data.write": boot_data.write,
    "dynamic_ports.set": dynamic_ports.put,
    "endpoint.install": endpoint.install,
    "endpoint.remove": endpoint.remove,
    "endpoint.verdict": endpoint_local.keep,
    "forwarding.set": interfaces.set_forwarding,
    "guard.arm": guard.arm,
    "guard.disarm": guard.disarm,
    "guard.extend": guard.extend,
    "host_rule.put": host_rule.put,
    "host_rule.remove": host_rule.remove,
    "hyperv_rule.create": firewall.create_rule,
    "hyperv_rule.remove": firewall.remove_rule,
    "hyperv_setting.set": firewall.set_setting,
    "lock.hold": machine_lock.hold,
    "lock.release": machine_lock.release,
    "nat_range.set": nat_range.put,
    "portproxy.remove": port_proxy.remove,
    "portproxy.set": port_proxy.put,
    "relay.put": relay.put,
    "relay.remove": relay.remove,
    "service.set": services.put,
    "startup_script.put": startup_script.put,
    "startup_script.remove": startup_script.remove,
    "task.register": tasks.register,
    "task.start": tasks.start,
    "task.unregister": tasks.unregister,
    "windows_value.set": windows_value.put,
    "wsl.hold": wsl.hold,
    "wsl.shutdown": wsl.shutdown,
    "wsl.start": wsl.start,
    "wsl.update": wsl.update,
    "wslconfig.write": wslconfig.write,
}


def execute(host: Host, ops: Sequence[Mapping[str, object]]) -> list[dict[str, object]]:
    """Run ops in order; one result each in the shape of docs/protocols.md 1.

    After a changing op failed the rest is answered `not-run`. What a transport raises goes through.
    """
    return list(_results(host, ops))


def _results(host: Host, ops: Sequence[Mapping[str, object]]) -> Iterator[dict[str, object]]:
    stopped = False
    for op in ops:
        verb = str(op.get("verb"))
        if stopped:
            yield _failure("not-run", "an op before it failed")
            continue
        try:
            yield {"ok": True, "value": _run(host, verb, op.get("args"))}
        except WindowsAgentError as error:
            stopped = verb in _WRITES
            yield _failure(error.code, error.message)


def _run(host: Host, verb: str, args: object) -> object:
    handler = _READS.get(verb) or _WRITES.get(verb)
    if handler is None:
        raise WindowsAgentError("bad-op", f"there is no op {verb!r}")
    if args is not None and not isinstance(args, dict):
        raise WindowsAgentError("bad-op", f"{verb}: the arguments are no object")
    return handler(host, Arguments(verb, args or {}))


def _failure(code: str, message: str) -> dict[str, object]:
    return {"ok": False, "error": {"code": code, "message": message}}
