"""One pipeline of a runspace pool: runs in a thread of its own and writes its messages in order."""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID

from wslnet_lab.host.contract import (
    CallLog,
    Category,
    Engine,
    ErrorDetails,
    Notice,
    Outcome,
    Progress,
    Remark,
    Session,
    Statement,
)
from wslnet_lab.host.wire import call_entries, records
from wslnet_lab.host.wire.fragments import MessageType
from wslnet_lab.host.wire.outbox import Chunk, Outbox

if TYPE_CHECKING:
    from wslnet_lab.host.wire.encode import Encoder

_FIRST_USE = "Preparing modules for first use."
Pack = Callable[[MessageType, str, UUID | None], Iterable[Chunk]]
"""Turns a message into fragments."""


class Pipeline:
    """A `contract.Sink` that sends what it is given; it ends with exactly one final state."""

    def __init__(self, pipeline_id: UUID, pack: Pack, encoder: Encoder) -> None:
        """Takes its id, how messages become fragments and values CLIXML."""
        self.pipeline_id = pipeline_id
        self.outbox = Outbox()
        self.statements: tuple[Statement, ...] = ()
        self.input: list[object] = []
        self.started = False
        self._pack = pack
        self._encoder = encoder
        self._stop = threading.Event()
        self._ended = threading.Lock()
        self._first_error: str | None = None
        self._final = False

    # ---- contract.Sink

    def output(self, value: object) -> None:
        """One output object."""
        self._put(MessageType.PIPELINE_OUTPUT, self._encoder.document(value))

    def error(self, details: ErrorDetails) -> None:
        """One non-terminating error."""
        self._first_error = self._first_error or details.fqid
        self._put(MessageType.ERROR_RECORD, records.error_body(details, self._encoder))

    def warning(self, text: str) -> None:
        """One warning record."""
        self._put(MessageType.WARNING_RECORD, records.remark_body("Warning", text))

    def remark(self, kind: Remark, text: str) -> None:
        """One verbose or debug record."""
        message = MessageType.VERBOSE_RECORD if kind == "verbose" else MessageType.DEBUG_RECORD
        self._put(message, records.remark_body(kind.capitalize(), text))

    def notice(self, record: Notice) -> None:
        """One progress or information record."""
        if isinstance(record, Progress):
            self._put(MessageType.PROGRESS_RECORD, records.progress_body(record))
        else:
            body = records.information_body(record, self._encoder)
            self._put(MessageType.INFORMATION_RECORD, body)

    def stopping(self) -> bool:
        """Whether the client asked to stop."""
        return self._stop.is_set()

    # ---- running

    def run(self, engine: Engine, session: Session, log: CallLog, delay_s: float) -> None:
        """Runs the statements to their end, whatever that is, and logs them; `delay_s` comes first."""
        if delay_s:
            self.notice(Progress(_FIRST_USE, " "))
            self._stop.wait(delay_s)
            self.notice(Progress(_FIRST_USE, " ", completed=True))
        try:
            outcome = engine.run(self.with_input(), session, self)
        except Exception as error:  # noqa: BLE001 - a fault in one command's model must not hang its client
            traceback.print_exc(file=sys.stderr)
            outcome = Outcome("Failed", _internal(error))
        if self.stopping() and outcome.state != "Failed":
            outcome = Outcome("Stopped", records.STOPPED)
        reason = outcome.reason.fqid if outcome.reason else None
        log.write(call_entries.pipeline(self.statements, session, reason or self._first_error, outcome.state))
        self.end(outcome)

    def with_input(self) -> tuple[Statement, ...]:
        """The statements; objects the client piped in go to the first command of the first one."""
        if not self.input or not self.statements or not self.statements[0]:
            return self.statements
        first, *rest = self.statements[0]
        fed = replace(first, pipeline_input=tuple(self.input))
        return ((fed, *rest), *self.statements[1:])

    def end(self, outcome: Outcome) -> None:
        """Sends the final state, once."""
        with self._ended:
            if self._final:
                return
            self._final = True
        body = records.state_body(outcome, self._encoder)
        self.outbox.finish(self._pack(MessageType.PIPELINE_STATE, body, self.pipeline_id))

    def request_stop(self) -> None:
        """Asks the running commands to stop; a pipeline that never started ends at once without reason."""
        self._stop.set()
        if not self.started:
            self.end(Outcome("Stopped"))

    def _put(self, kind: MessageType, body: str) -> None:
        self.outbox.put(self._pack(kind, body, self.pipeline_id))


def _internal(error: Exception) -> ErrorDetails:
    return ErrorDetails(
        fqid=f"LabInternalError.{type(error).__name__}",
        category=Category.NOT_SPECIFIED,
        message=f"The lab's model of this command failed: {error}",
    )
