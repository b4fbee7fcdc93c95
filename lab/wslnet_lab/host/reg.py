r"""reg.exe: `add KEY /v NAME /t TYPE /d DATA /f` and `delete KEY /v NAME /f`, and nothing else of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet_lab.host.contract import Identity, NativeOutcome
from wslnet_lab.host.state.registry import RegistryValue, full_path

if TYPE_CHECKING:
    from wslnet_lab.host.state import MachineState

_NUMBER = "REG_DWORD"
_KINDS = frozenset({_NUMBER, "REG_SZ"})


class Reg:
    """The program."""

    def __init__(self, state: MachineState) -> None:
        self._state = state

    def run(self, argv: tuple[str, ...], identity: Identity) -> NativeOutcome:
        """Runs one command; 0 or 1."""
        words = list(argv[1:])
        if not identity.admin and not identity.system:
            return _said(1, "ERROR: Access is denied.")
        match words:
            case ["add", key, "/v", name, "/t", kind, "/d", data, "/f"] if kind in _KINDS and full_path(key):
                value = RegistryValue(kind, int(data, 0) if kind == _NUMBER else data)
                self._state.registry.set(key, name, value, identity.sid)
            case ["delete", key, "/v", name, "/f"] if full_path(key):
                if not self._state.registry.delete(key, name, identity.sid):
                    return _said(
                        1, "ERROR: The system was unable to find the specified registry key or value."
                    )
            case _:
                return _said(1, "ERROR: Invalid syntax.")
        return _said(0, "The operation completed successfully.")


def _said(code: int, text: str) -> NativeOutcome:
    return NativeOutcome(code, f"{text}\r\n".encode("ascii"), b"")
