"""sc.exe: `query`, `start`, `stop`, `config NAME start= KIND`, `control NAME paramchange`, nothing else."""

from __future__ import annotations

from wslnet_lab.host.contract import Identity, NativeOutcome
from wslnet_lab.host.service_control import ServiceControl, ServiceError

_USAGE = 1639  # ERROR_INVALID_COMMAND_LINE
_FAILING_CALL = {"query": "EnumQueryServicesStatus", "start": "StartService"}
_STARTS = {"auto": "Automatic", "demand": "Manual", "disabled": "Disabled"}
_RUNNING = "4  RUNNING"
_STOPPED = "1  STOPPED"


class Sc:
    """The program."""

    def __init__(self, services: ServiceControl) -> None:
        self._services = services

    def run(self, argv: tuple[str, ...], identity: Identity) -> NativeOutcome:
        """Runs one command; ends with the Win32 error."""
        words = [word.lower() for word in argv[1:]]
        verb = words[0] if words else ""
        try:
            match words:
                case ["query", name]:
                    known = self._services.find(name)
                case ["start", name]:
                    self._services.start(name, identity)
                    known = self._services.find(name)
                case ["stop", name]:
                    self._services.stop(name, identity)
                    known = self._services.find(name)
                case ["config", name, "start=", kind] if kind in _STARTS:
                    self._services.configure(name, _STARTS[kind], identity)
                    known = self._services.find(name)
                case ["control", name, "paramchange"]:
                    self._services.tell_parameters_changed(name, identity)
                    known = self._services.find(name)
                case _:
                    return _said(_USAGE, "ERROR:  Unrecognized command")
        except ServiceError as error:
            call = _FAILING_CALL.get(verb, "ControlService")
            return _said(error.number, f"[SC] {call} FAILED {error.number}:\n\n{error}\n")
        state = _RUNNING if self._services.running(known) else _STOPPED
        return _said(
            0,
            f"\nSERVICE_NAME: {known}\n        TYPE               : 30  WIN32\n"
            f"        STATE              : {state}\n        WIN32_EXIT_CODE    : 0  (0x0)",
        )


def _said(code: int, text: str) -> NativeOutcome:
    return NativeOutcome(code, (text + "\n").replace("\n", "\r\n").encode("ascii"), b"")
