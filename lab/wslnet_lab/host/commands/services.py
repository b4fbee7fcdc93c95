"""Get-Service and Get-Process: the services of the state, the processes behind the hardware's sockets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet_lab.host.commands.provider_errors import hardware_failure, no_such_name, not_modelled
from wslnet_lab.host.contract import BoundCall, CommandError, PlainObject, Sink
from wslnet_lab.host.engine.wildcards import is_pattern, matches

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from wslnet_lab.host.engine import Registry
    from wslnet_lab.host.hardware import Hardware
    from wslnet_lab.host.state import MachineState

_CONTROLLER = (
    "System.ServiceProcess.ServiceController",
    "System.ComponentModel.Component",
    "System.MarshalByRefObject",
    "System.Object",
)
_PROCESS = ("System.Diagnostics.Process", *_CONTROLLER[1:])
_SYSTEM_PROCESSES = {4: "System"}


class Services:
    """The bodies of both cmdlets."""

    def __init__(self, state: MachineState, hardware: Hardware) -> None:
        self._state = state
        self._hardware = hardware

    def get_service(self, call: BoundCall, sink: Sink) -> Iterator[object]:
        """Get-Service by -Name or -DisplayName (wildcards), or all."""
        rows = self._state.services.data
        by_display = "DisplayName" in call.parameters
        wanted = call.parameters.get("DisplayName" if by_display else "Name")
        patterns = [str(item) for item in wanted] if isinstance(wanted, list) else ["*"]
        for pattern in patterns:
            found = [
                name
                for name, row in sorted(rows.items(), key=lambda item: item[0].lower())
                if matches(pattern, row["display"] if by_display else name)
            ]
            if not found and not is_pattern(pattern):
                error_id = "NoServiceFoundForGivenDisplayName" if by_display else "NoServiceFoundForGivenName"
                kind = "display name" if by_display else "service name"
                message = f"Cannot find any service with {kind} '{pattern}'."
                sink.error(no_such_name(call.command, error_id, message, pattern))
            for name in found:
                yield service_object(name, rows[name])

    def get_process(self, call: BoundCall, sink: Sink) -> Iterator[object]:
        """Get-Process by -Id or -Name, or all that the lab knows."""
        for name in ("Module", "FileVersionInfo", "IncludeUserName"):
            if call.parameters.get(name):
                raise CommandError(not_modelled(call.command, f"-{name}"))
        with hardware_failure(call.command):
            listeners = self._hardware.listeners()
        known = _SYSTEM_PROCESSES | {each.pid: each.process for each in listeners if each.pid}
        ids = call.parameters.get("Id")
        names = call.parameters.get("Name")
        if isinstance(ids, list):
            for pid in ids:
                if pid in known:
                    yield _process(pid, known[pid])
                else:
                    message = f"Cannot find a process with the process identifier {pid}."
                    sink.error(no_such_name(call.command, "NoProcessFoundForGivenId", message, str(pid)))
            return
        for pattern in [str(item) for item in names] if isinstance(names, list) else ["*"]:
            found = {pid: name for pid, name in known.items() if matches(pattern, _bare(name))}
            if not found and not is_pattern(pattern):
                message = f'Cannot find a process with the name "{pattern}".'
                sink.error(no_such_name(call.command, "NoProcessFoundForGivenName", message, pattern))
            for pid, name in sorted(found.items()):
                yield _process(pid, name)


def service_object(name: str, row: Mapping[str, str]) -> PlainObject:
    """A service as the cmdlets give it."""
    properties = {
        "CanPauseAndContinue": False,
        "CanShutdown": False,
        "CanStop": row["state"] == "Running",
        "DisplayName": row["display"],
        "MachineName": ".",
        "ServiceName": name,
        "ServiceType": "Win32ShareProcess",
        "StartType": row["start"],
        "Status": row["state"],
    }
    return PlainObject(_CONTROLLER, properties, {"Name": name}, to_string=_CONTROLLER[0])


def register(registry: Registry, state: MachineState, hardware: Hardware) -> None:
    """Enters both cmdlets."""
    services = Services(state, hardware)
    registry.add("Get-Service", services.get_service)
    registry.add("Get-Process", services.get_process)


def _process(pid: int, name: str) -> PlainObject:
    properties = {
        "Id": pid,
        "ProcessName": _bare(name),
        "MachineName": ".",
        "SessionId": 0,
        "Responding": True,
    }
    text = f"{_PROCESS[0]} ({_bare(name)})"
    return PlainObject(_PROCESS, properties, {"Name": _bare(name)}, to_string=text)


def _bare(name: str) -> str:
    return name.removesuffix(".exe")
