"""The engine: binds and runs statements as a real pipeline does (binder-facts 7, psrp-facts 10)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from wslnet_lab.host.contract import Category, CommandError, ErrorDetails, Outcome
from wslnet_lab.host.engine.commands import Stage
from wslnet_lab.host.engine.errors import in_parent
from wslnet_lab.host.engine.preferences import PipelineStopped, StoppedByPreference

if TYPE_CHECKING:
    from collections.abc import Callable

    from wslnet_lab.host.contract import Notice, Remark, Session, Sink, Statement
    from wslnet_lab.host.engine.commands import Commands

_STOPPED = ErrorDetails(
    fqid="PipelineStopped",
    category=Category.OPERATION_STOPPED,
    message="The pipeline has been stopped.",
    exception_types=("System.Management.Automation.PipelineStoppedException",),
    reason="PipelineStoppedException",
)


class PipelineEngine:
    """`contract.Engine` over a table of commands."""

    def __init__(self, commands: Commands) -> None:
        self._commands = commands

    def run(self, statements: tuple[Statement, ...], session: Session, sink: Sink) -> Outcome:
        """Binds and runs all statements; a failing one stops the others only by its own ErrorAction Stop.

        The first of several that fails leaves its record in the error stream; a later one makes the pipeline
        Failed at once, and what follows it still runs, unseen (binder-facts 7).
        """
        failed: Outcome | None = None
        for index, statement in enumerate(statements):
            seen = _Muted(sink) if failed else sink
            try:
                run_statement(self._commands, statement, session, seen, seen.output)
            except StoppedByPreference as stop:
                return failed or _failed(stop)
            except CommandError as error:
                if failed is None and index == 0 and len(statements) > 1:
                    sink.error(in_parent(error.details))
                elif failed is None:
                    failed = _failed(error)
            except PipelineStopped:
                return Outcome("Stopped", _STOPPED)
        return failed or Outcome("Completed")


def run_statement(
    commands: Commands, statement: Statement, session: Session, sink: Sink, emit: Callable[[object], None]
) -> None:
    """Runs one statement; its last command's output goes to `emit`.

    Every command is bound before the first one runs: a binding error in one keeps all from running.

    Raises:
        CommandError: A command ended the statement.
        PipelineStopped: The client asked to stop.
    """
    fed = bool(statement) and bool(statement[0].pipeline_input)
    bound = []
    for index, invocation in enumerate(statement):
        command = commands.find(invocation, session)
        piped = index > 0 or fed
        bound.append((command, command.bind(invocation.arguments, piped=piped), piped))
    objects: tuple[object, ...] = statement[0].pipeline_input if statement else ()
    for index, (command, binding, piped) in enumerate(bound):
        passed: list[object] = []
        target = emit if index == len(bound) - 1 else passed.append
        ends = statement[index].errors_end_it
        command.run(Stage(binding, objects if piped else None, session, sink, target, ends))
        objects = tuple(passed)


def _failed(error: CommandError) -> Outcome:
    # In the state message a CDXML error is a plain record (cdxml-facts 1.1).
    return Outcome("Failed", replace(error.details, remoting=False))


class _Muted:
    """The sink of statements that run after the pipeline has failed: nothing of them is seen."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    def output(self, value: object) -> None:
        """Unseen."""

    def error(self, details: ErrorDetails) -> None:
        """Unseen."""

    def warning(self, text: str) -> None:
        """Unseen."""

    def remark(self, kind: Remark, text: str) -> None:
        """Unseen."""

    def notice(self, record: Notice) -> None:
        """Unseen."""

    def stopping(self) -> bool:
        """Whether the client asked to stop."""
        return self._sink.stopping()
