"""The seam inside the Windows host: what `wire`, `engine`, `commands` and `wsl` say to each other.

Plain data only. `wire` decodes protocol messages into `Invocation`s and encodes the values below; `engine`
binds parameters and runs; `commands` holds the models of Windows' own commands. Nothing here does I/O.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from wslnet_lab.attached import Streams


class Category(IntEnum):
    """PowerShell's ErrorCategory numbers (System.Management.Automation.ErrorCategory)."""

    NOT_SPECIFIED = 0
    OPEN_ERROR = 1
    CLOSE_ERROR = 2
    DEVICE_ERROR = 3
    DEADLOCK_DETECTED = 4
    INVALID_ARGUMENT = 5
    INVALID_DATA = 6
    INVALID_OPERATION = 7
    INVALID_RESULT = 8
    INVALID_TYPE = 9
    METADATA_ERROR = 10
    NOT_IMPLEMENTED = 11
    NOT_INSTALLED = 12
    OBJECT_NOT_FOUND = 13
    OPERATION_STOPPED = 14
    OPERATION_TIMEOUT = 15
    SYNTAX_ERROR = 16
    PARSER_ERROR = 17
    PERMISSION_DENIED = 18
    RESOURCE_BUSY = 19
    RESOURCE_EXISTS = 20
    RESOURCE_UNAVAILABLE = 21
    READ_ERROR = 22
    WRITE_ERROR = 23
    FROM_STD_ERR = 24
    SECURITY_ERROR = 25
    PROTOCOL_ERROR = 26
    CONNECTION_ERROR = 27
    AUTHENTICATION_ERROR = 28
    LIMITS_EXCEEDED = 29
    QUOTA_EXCEEDED = 30
    NOT_ENABLED = 31


# ---- in: what a client asked for -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument as sent. `name` None: positional. A switch sent without value has `value` True."""

    name: str | None
    value: object


@dataclass(frozen=True, slots=True)
class Invocation:
    """One command of a statement. `is_script` marks script text, which the host runs nowhere.

    `pipeline_input` holds the objects that the client pipes in; only a pipeline's very first command has any.
    `errors_end_it`: what commands in its own body report has no error stream, so that it ends the pipeline
    (RedirectShellErrorOutputPipe false, jea-facts F; its own errors go to the stream, windows-facts 13).
    """

    name: str
    arguments: tuple[Argument, ...] = ()
    is_script: bool = False
    pipeline_input: tuple[object, ...] = ()
    errors_end_it: bool = False


Statement = tuple[Invocation, ...]
"""Commands joined by the pipe."""


# ---- values, both ways -----------------------------------------------------------------------------
# Plain Python values stand for themselves: None, bool, int (Int32), float (Double), str, bytes, list
# (array or ArrayList), dict (Hashtable), datetime.timedelta (TimeSpan), datetime.datetime (DateTime).


@dataclass(frozen=True, slots=True)
class Number:
    """An integer of a given width: `kind` is one of By SB I16 U16 I32 U32 I64 U64 (CLIXML tags)."""

    kind: str
    value: int


@dataclass(frozen=True, slots=True)
class EnumValue:
    """A .NET enum value at top level or in a PSCustomObject (Obj with ToString and number)."""

    type_name: str
    name: str
    number: int


@dataclass(frozen=True, slots=True)
class CimValue:
    """A CIM property value with its CIM type (`uint16`, `string[]`, `datetime`, `interval`, `instance` …)."""

    cim_type: str
    value: object


@dataclass(frozen=True)
class CimInstance:
    """A row of a CDXML command: raw values in `properties`, friendly text (types file) in `friendly`."""

    namespace: str
    class_name: str
    properties: Mapping[str, CimValue]
    keys: tuple[str, ...] = ()
    friendly: Mapping[str, object] = field(default_factory=dict)
    computer_name: str | None = None

    def __str__(self) -> str:
        """As .NET shows it: class name and keys (cdxml-facts 6)."""
        keys = [(key, self.properties[key].value) for key in self.keys if key in self.properties]
        if not keys:
            return self.class_name
        shown = ", ".join(
            f'{key} = "{content}"' if isinstance(content, str) else f"{key} = {content}"
            for key, content in keys
        )
        return f"{self.class_name} ({shown})"


@dataclass(frozen=True)
class PlainObject:
    """Any other .NET object: its type names, its own properties (Props) and notes (MS)."""

    type_names: tuple[str, ...]
    properties: Mapping[str, object]
    notes: Mapping[str, object] = field(default_factory=dict)
    to_string: str | None = None


@dataclass(frozen=True)
class ErrorDetails:
    """One error record. `remoting` marks those that CDXML writes as RemotingErrorRecord (cdxml-facts 1.1).

    `details` is .NET's ErrorDetails.Message: the record's text where it is given, while `message` stays that
    of the exception (psrp-facts 5).
    """

    fqid: str
    category: Category
    message: str
    exception_types: tuple[str, ...] = ("System.Management.Automation.RuntimeException",)
    activity: str = ""
    reason: str = ""
    target_name: str = ""
    target_type: str = ""
    target_object: object = None
    remoting: bool = False
    details: str = ""


class CommandError(Exception):
    """A command ends with this record (terminating); to go on after an error, use `Sink.error`."""

    def __init__(self, details: ErrorDetails) -> None:
        super().__init__(details.message)
        self.details = details


# ---- running ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a session runs as: `admin` counts for writes, `system` is LocalSystem, which cannot run WSL."""

    user: str
    sid: str
    admin: bool = True
    system: bool = False


Remark = Literal["verbose", "debug"]


@dataclass(frozen=True, slots=True)
class Progress:
    """One progress record. `number` None stands for one made of the activity; -1 is .NET's "not known"."""

    activity: str
    status: str
    completed: bool = False
    percent: int = -1
    seconds_left: int = -1
    operation: str | None = None
    number: int | None = None
    parent: int = -1


@dataclass(frozen=True, slots=True)
class Information:
    """One information record: what Write-Information or Write-Host said, and which of them it was."""

    message: object
    source: str
    tags: tuple[str, ...] = ()


Notice = Progress | Information


class Sink(Protocol):
    """Where a running pipeline puts what it produces, in order."""

    def output(self, value: object) -> None:
        """One output object."""

    def error(self, details: ErrorDetails) -> None:
        """One non-terminating error."""

    def warning(self, text: str) -> None:
        """One warning record."""

    def remark(self, kind: Remark, text: str) -> None:
        """One verbose or debug record, which somebody asked for by `Verbose` or `Debug`."""

    def notice(self, record: Notice) -> None:
        """One progress or information record."""

    def stopping(self) -> bool:
        """Whether the client asked to stop; long commands look at it."""


@dataclass(frozen=True)
class Session:
    """A runspace: who, through which configuration, in which language mode, with which culture.

    `lacking` and `failing` are traps: patterns of commands (`Get-NetRoute`) and parameters (`Get-NetRoute
    -PolicyStore`) that this Windows has not, and commands that fail, with how (`continue` or `stop`).
    """

    identity: Identity
    configuration: str = "Microsoft.PowerShell"
    no_language: bool = False
    culture: str = "en-US"
    lacking: tuple[str, ...] = ()
    failing: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BoundCall:
    """A command with its parameters bound: full names, converted values, the chosen set."""

    command: str
    parameter_set: str
    parameters: Mapping[str, object]
    session: Session
    pipeline_input: tuple[object, ...] = ()


Command = Callable[[BoundCall, Sink], Iterator[object]]
"""The body of a non-CDXML command: yields outputs, raises `CommandError`."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a pipeline ended: `state` is Completed, Failed or Stopped; `reason` only for the last two."""

    state: str
    reason: ErrorDetails | None = None


class Engine(Protocol):
    """What `wire` needs of `engine`."""

    def run(self, statements: tuple[Statement, ...], session: Session, sink: Sink) -> Outcome:
        """Binds and runs all statements as a real pipeline would (binder-facts 7 for several statements)."""


@dataclass(frozen=True, slots=True)
class NativeOutcome:
    """What a native program left behind (WinRS)."""

    exit_code: int
    stdout: bytes
    stderr: bytes


class NativePrograms(Protocol):
    """What `wire` (WinRS) needs: runs a native program as a user would from cmd.exe."""

    def run(
        self,
        argv: tuple[str, ...],
        *,
        identity: Identity,
        environment: Mapping[str, str],
        stdin: bytes | Streams,
    ) -> NativeOutcome:
        """Runs `argv` (program name resolved as on PATH) and waits for it.

        With the streams of a local client instead of input, what runs inside WSL gets these streams.
        """


class CallLog(Protocol):
    """Append-only log behind `lab log`; survives shutdowns and reboots."""

    def write(self, entry: Mapping[str, object]) -> None:
        """Writes one entry of spec/cli.md's `lab log` shape (`at` is added here)."""
