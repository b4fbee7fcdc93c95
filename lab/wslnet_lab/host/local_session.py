"""A PowerShell session at a Windows without the wire: commands in, what they put out kept.

For tests and for looking at the models by hand; nothing of a running lab uses it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from wslnet_lab.host.contract import (
    Argument,
    CimInstance,
    ErrorDetails,
    Identity,
    Invocation,
    NativeOutcome,
    Notice,
    Outcome,
    Remark,
    Session,
    Statement,
)
from wslnet_lab.host.engine.build import EngineSettings, build_engine, reading_of
from wslnet_lab.host.machine import WindowsMachine, build_windows
from wslnet_lab.host.paper_hardware import PaperHardware
from wslnet_lab.host.state.settings import OWNER_SID

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

OWNER = Identity("owner", OWNER_SID)


@dataclass
class Screen:
    """A `Sink` that keeps what one pipeline put out, and how it ended."""

    outputs: list[object] = field(default_factory=list)
    errors: list[ErrorDetails] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    end: Outcome = field(default_factory=lambda: Outcome("Completed"))

    def output(self, value: object) -> None:
        """Kept."""
        self.outputs.append(value)

    def error(self, details: ErrorDetails) -> None:
        """Kept."""
        self.errors.append(details)

    def warning(self, text: str) -> None:
        """Kept."""
        self.warnings.append(text)

    def remark(self, kind: Remark, text: str) -> None:
        """Noise."""

    def notice(self, record: Notice) -> None:
        """Noise."""

    def stopping(self) -> bool:
        """Nobody stops it."""
        return False

    @property
    def ids(self) -> list[str]:
        """The ids of the errors in the stream, and of the one that ended the pipeline."""
        last = [self.end.reason.fqid] if self.end.reason is not None else []
        return [details.fqid for details in self.errors] + last

    def rows(self) -> list[dict[str, object]]:
        """The raw values, without nulls, of the CIM rows among the outputs."""
        return [
            {name: held.value for name, held in each.properties.items() if held.value is not None}
            for each in self.outputs
            if isinstance(each, CimInstance)
        ]

    def friendly(self) -> list[Mapping[str, object]]:
        """What the types file shows of the CIM rows among the outputs."""
        return [each.friendly for each in self.outputs if isinstance(each, CimInstance)]


class KeptLog:
    """A `CallLog` in memory."""

    def __init__(self) -> None:
        self.entries: list[Mapping[str, object]] = []

    def write(self, entry: Mapping[str, object]) -> None:
        """Kept."""
        self.entries.append(entry)


class LocalSession:
    """A Windows on paper in a folder, and someone in front of it."""

    def __init__(self, folder: Path, hardware: PaperHardware | None = None) -> None:
        """Boots the Windows whose state lies in `folder`; `windows.json` there is read as in a lab."""
        self.folder = folder
        self.hardware = hardware or PaperHardware()
        self.log = KeptLog()
        self.windows: WindowsMachine
        self.boot()

    def boot(self, *, resumed: bool = False) -> None:
        """Starts Windows again on the same state and hardware."""
        self.windows = build_windows(self.folder, self.hardware, self.log, resumed=resumed)
        reading = reading_of(self.windows.state.settings.build)
        self._engine = build_engine(self.windows.registry, EngineSettings(reading=reading))
        self.windows.boot()

    def run(
        self, command: str, parameters: Mapping[str, object] | None = None, *, identity: Identity = OWNER
    ) -> Screen:
        """One command with named parameters."""
        return self.pipe(Invocation(command, _arguments(parameters)), identity=identity)

    def pipe(self, *commands: Invocation, identity: Identity = OWNER) -> Screen:
        """Commands joined by the pipe."""
        statement: Statement = commands
        screen = Screen()
        screen.end = self._engine.run((statement,), Session(identity), screen)
        return screen

    def native(
        self,
        *argv: str,
        identity: Identity = OWNER,
        environment: Mapping[str, str] | None = None,
        stdin: bytes = b"",
    ) -> NativeOutcome:
        """One native program, as over WinRS with WSL_UTF8=1 unless another environment is given."""
        variables = {"WSL_UTF8": "1"} if environment is None else environment
        return self.windows.programs.run(argv, identity=identity, environment=variables, stdin=stdin)

    def write_wslconfig(self, text: str) -> None:
        """Puts text into the owner's `.wslconfig`."""
        self.windows.state.disk.write(self.windows.state.wslconfig_path(), text.encode())


def _arguments(parameters: Mapping[str, object] | None) -> tuple[Argument, ...]:
    return tuple(Argument(name, value) for name, value in (parameters or {}).items())
