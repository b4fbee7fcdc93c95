r"""The native programs that a remote shell can start: wsl.exe, whoami.exe. Found as cmd.exe finds them.

A shell of the lab would be script text, so cmd.exe and powershell.exe are refused. Other programs join in
`host.machine`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from wslnet_lab.host.contract import Identity, NativeOutcome
from wslnet_lab.host.state.disk import normal_path

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from wslnet_lab.attached import Streams
    from wslnet_lab.host.state import MachineState

_PATH = ("C:\\Windows\\System32", "C:\\Program Files\\WSL")
_REFUSED = frozenset({"cmd.exe", "powershell.exe", "pwsh.exe"})


class Program(Protocol):
    """One native program."""

    def run(
        self,
        argv: tuple[str, ...],
        *,
        identity: Identity,
        environment: Mapping[str, str],
        stdin: bytes | Streams,
    ) -> NativeOutcome:
        """Runs and waits."""


@dataclass(frozen=True, slots=True)
class Plain:
    """A program that reads neither its environment nor its input."""

    act: Callable[[tuple[str, ...], Identity], NativeOutcome]

    def run(
        self,
        argv: tuple[str, ...],
        *,
        identity: Identity,
        environment: Mapping[str, str],
        stdin: bytes | Streams,
    ) -> NativeOutcome:
        """Runs and waits."""
        del environment, stdin
        return self.act(argv, identity)


class Whoami:
    """whoami.exe: who a session runs as."""

    def __init__(self, state: MachineState) -> None:
        self._state = state

    def run(self, argv: tuple[str, ...], identity: Identity) -> NativeOutcome:
        """`whoami`, or `whoami /user /fo csv /nh`."""
        name = (
            "nt authority\\system" if identity.system else f"{self._state.settings.computer}\\{identity.user}"
        )
        options = [word.lower() for word in argv[1:]]
        if not options:
            return NativeOutcome(0, f"{name.lower()}\r\n".encode(), b"")
        if options == ["/groups", "/fo", "csv", "/nh"]:
            lines = (f'"{sid}","","{sid}",""\r\n' for sid in self._groups(identity))
            return NativeOutcome(0, "".join(lines).encode(), b"")
        if options == ["/user", "/fo", "csv", "/nh"]:
            return NativeOutcome(0, f'"{name.lower()}","{identity.sid}"\r\n'.encode(), b"")
        return NativeOutcome(1, b"", b"ERROR: Invalid argument/option.\r\n")

    def _groups(self, identity: Identity) -> list[str]:
        """SIDs only: the names beside them are in Windows' language. A filtered administrator is one, too."""
        own = self._state.settings
        if identity.system:
            return ["S-1-5-32-544", "S-1-1-0", "S-1-16-16384"]
        is_owner = identity.sid == own.owner_sid
        groups = ["S-1-1-0", "S-1-5-113", "S-1-5-32-545"]
        if identity.admin or (is_owner and own.owner_admin):
            groups.append("S-1-5-32-544")
        if is_owner and own.microsoft_account:
            groups.append("S-1-11-96-3623454863-58364-18864-2661722203-1597581903-1")
        return [*groups, "S-1-16-12288" if identity.admin else "S-1-16-8192"]


class InstalledPrograms:
    """Finds a program by name or path on drive C: and runs its model."""

    def __init__(self, state: MachineState, programs: Mapping[str, Program]) -> None:
        self._state = state
        self._programs = programs

    def run(
        self,
        argv: tuple[str, ...],
        *,
        identity: Identity,
        environment: Mapping[str, str],
        stdin: bytes | Streams,
    ) -> NativeOutcome:
        """Runs `argv` as a user would from cmd.exe and waits for it."""
        given = argv[0].strip('"') if argv else ""
        path = self._find(given)
        if path is None:
            text = (
                f"'{given}' is not recognized as an internal or external command,\r\n"
                "operable program or batch file.\r\n"
            )
            return NativeOutcome(1, b"", text.encode())
        name = path.rpartition("\\")[2].lower()
        program = self._programs.get(name)
        if name in _REFUSED or program is None:
            return NativeOutcome(1, b"", f"the lab does not run {name}\r\n".encode())
        return program.run(argv, identity=identity, environment=environment, stdin=stdin)

    def _find(self, given: str) -> str | None:
        """The path of a program that is there: an absolute path as it is, a bare name along PATH."""
        if not given:
            return None
        name = given if given.lower().endswith(".exe") else f"{given}.exe"
        folders = ("",) if "\\" in name or "/" in name else _PATH
        for folder in folders:
            path = normal_path(f"{folder}\\{name}" if folder else name, self._state.settings.home)
            if path is not None and self._state.disk.locate(path) is not None:
                return path
        return None
