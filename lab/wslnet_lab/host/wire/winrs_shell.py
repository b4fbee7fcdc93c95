"""A cmd shell (WinRS): native programs with environment, stdin, output streams and exit codes."""

from __future__ import annotations

import sys
import tempfile
import threading
import traceback
import uuid
from typing import IO, TYPE_CHECKING

from wslnet_lab.attached import Streams
from wslnet_lab.host.contract import CallLog, NativeOutcome, NativePrograms
from wslnet_lab.host.wire import call_entries, faults, soap
from wslnet_lab.host.wire.command_line import ShellSyntaxError, split_command_line
from wslnet_lab.host.wire.faults import FaultError
from wslnet_lab.host.wire.outbox import Chunk, Outbox
from wslnet_lab.host.wire.shells import Shell, ShellRecord

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wslnet_lab.host.contract import Identity
    from wslnet_lab.host.wire.settings import Settings

RESOURCE = soap.SHELL + "/cmd"

_STDIN_GRACE_S = 0.3
"""A program starts when its input ended, its output is asked for, or this long after the command."""

_CHUNK = 32768
_SYNTAX_EXIT = 255
_NO_ACCESS = NativeOutcome(1, b"", b"The file cannot be accessed by the system.\r\n")
"""What a WSL of the Store comes to in session 0 (windows-facts 5)."""

_CTRL_C_EXIT = 3221225786  # STATUS_CONTROL_C_EXIT


class Program:
    """One command of a cmd shell. It gets all its input at once, hence the late start."""

    def __init__(self, line: str, *, has_wsl: bool = True) -> None:
        """Takes the command line, and whether wsl.exe runs in this session."""
        self.line = line
        self._has_wsl = has_wsl
        self.outbox = Outbox()
        self.stdin = bytearray()
        self._begun = threading.Event()
        self._gone = threading.Event()

    def begin(self) -> None:
        """Lets the program start with the input so far."""
        self._begun.set()

    def end(self) -> None:
        """Nobody waits for it any more: what runs inside WSL is ended, and nothing of it is heard."""
        self._gone.set()
        self._begun.set()
        self.outbox.discard()

    def interrupt(self) -> None:
        """Ctrl-C: what runs inside WSL is ended, and its exit code says why."""
        self._gone.set()
        self._begun.set()
        if not self.outbox.wait_done(0):
            self.outbox.finish(exit_code=_CTRL_C_EXIT)

    def run(
        self, programs: NativePrograms, shell: ShellRecord, environment: Mapping[str, str], log: CallLog
    ) -> None:
        """Waits for the start, runs the program and fills the outbox."""
        self._begun.wait(_STDIN_GRACE_S)
        argv: tuple[str, ...] = ()
        try:
            argv = split_command_line(self.line)
            refused = not self._has_wsl and argv[0].lower().endswith("wsl.exe")
            outcome = _NO_ACCESS if refused else self._with_streams(programs, argv, shell.owner, environment)
        except ShellSyntaxError as error:
            argv, outcome = (self.line,), NativeOutcome(_SYNTAX_EXIT, b"", f"lab: {error}\r\n".encode())
        except Exception as error:  # noqa: BLE001 - a fault in one program's model must not hang its client
            traceback.print_exc(file=sys.stderr)
            outcome = NativeOutcome(_SYNTAX_EXIT, b"", f"lab: {error}\r\n".encode())
        state = "Stopped" if self.outbox.gone else "Completed"
        log.write(call_entries.native(argv, shell.owner, outcome.exit_code, state))
        streams = (("stdout", outcome.stdout), ("stderr", outcome.stderr))
        chunks = [
            Chunk(name, data[at : at + _CHUNK])
            for name, data in streams
            for at in range(0, len(data), _CHUNK)
        ]
        self.outbox.finish(chunks, outcome.exit_code)

    def _with_streams(
        self,
        programs: NativePrograms,
        argv: tuple[str, ...],
        identity: Identity,
        environment: Mapping[str, str],
    ) -> NativeOutcome:
        """Runs on files of its own, so that what runs inside WSL ends when the shell does."""
        with (
            tempfile.TemporaryFile() as given,
            tempfile.TemporaryFile() as out,
            tempfile.TemporaryFile() as err,
        ):
            given.write(self.stdin)
            given.seek(0)
            streams = Streams(given.fileno(), out.fileno(), err.fileno(), self._gone)
            try:
                outcome = programs.run(argv, identity=identity, environment=environment, stdin=streams)
            finally:
                self._gone.set()
            # What wsl.exe says itself comes before what Linux says.
            return NativeOutcome(
                outcome.exit_code, outcome.stdout + _written(out), outcome.stderr + _written(err)
            )


class WinRsShell(Shell):
    """A cmd shell and its commands."""

    def __init__(
        self, record: ShellRecord, programs: NativePrograms, log: CallLog, environment: Mapping[str, str]
    ) -> None:
        """Takes what runs programs, and the environment that the client set."""
        super().__init__(record)
        self._programs = programs
        self._log = log
        self._environment = dict(environment)
        self._commands: dict[str, Program] = {}

    def command(self, request: soap.Request, settings: Settings) -> str:
        """Starts a program; its line is the command and the arguments joined by blanks."""
        line = request.find("rsp:CommandLine")
        words = [line.findtext("rsp:Command", "", {"rsp": soap.SHELL}) if line is not None else ""]
        words += [argument.text or "" for argument in request.find_all("rsp:CommandLine/rsp:Arguments")]
        given = line.get("CommandId") if line is not None else None
        command_id = (given or str(uuid.uuid4())).upper()
        text = " ".join(word for word in words if word)
        program = self._commands[command_id] = Program(text, has_wsl=settings.wsl_over_network)
        arguments = (self._programs, self.record, self._environment, self._log)
        threading.Thread(target=program.run, args=arguments, name=f"winrs-{command_id}", daemon=True).start()
        return command_id

    def send(self, stream: str, data: bytes, command_id: str | None, *, end: bool) -> None:
        """Takes input for a program."""
        del stream
        program = self._find(command_id)
        program.stdin += data
        if end:
            program.begin()

    def signal(self, command_id: str | None, code: str, timeout_s: float) -> None:
        """Ends a program (ctrl_c), or ends and forgets it (terminate)."""
        del timeout_s
        program = self._find(command_id)
        if code.endswith("/signal/terminate"):
            self._commands.pop((command_id or "").upper(), None)
            program.end()
        else:
            program.interrupt()

    def outbox(self, command_id: str | None) -> Outbox:
        """A program's output; asking for it means that no more input comes."""
        program = self._find(command_id)
        program.begin()
        return program.outbox

    def close(self) -> None:
        """Ends and forgets all programs."""
        for program in list(self._commands.values()):
            program.end()
        self._commands.clear()

    def _find(self, command_id: str | None) -> Program:
        program = self._commands.get((command_id or "").upper())
        if program is None:
            raise FaultError(faults.NO_SUCH_COMMAND)
        return program


def _written(stream: IO[bytes]) -> bytes:
    stream.seek(0)
    return stream.read()
