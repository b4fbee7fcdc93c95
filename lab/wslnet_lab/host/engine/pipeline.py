"""The engine: binds and runs statements as a real pipeline does (binder-facts 7, psrp-facts 10)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from wslnet_lab.host.contract import BoundCall, Category, CommandError, ErrorDetails, Outcome
from wslnet_lab.host.engine.binder import bind
from wslnet_lab.host.engine.cdxml import run_cdxml
from wslnet_lab.host.engine.cdxml_call import Call, Place
from wslnet_lab.host.engine.errors import (
    command_not_found,
    in_parent,
    input_not_bound,
    module_not_loaded,
    not_modelled,
    scripts_not_allowed,
)
from wslnet_lab.host.engine.lacking import fail, without_lacking
from wslnet_lab.host.engine.objects import COUNTS_NOTHING
from wslnet_lab.host.engine.piping import accept, accept_whole, takes_whole_objects
from wslnet_lab.host.engine.preferences import CommandSink, PipelineStopped, StoppedByPreference

if TYPE_CHECKING:
    from collections.abc import Callable

    from wslnet_lab.host.contract import Invocation, Session, Sink, Statement
    from wslnet_lab.host.engine.binder import Binding, Bound
    from wslnet_lab.host.engine.registry import Registry
    from wslnet_lab.host.engine.signatures import Oracle

_STOPPED = ErrorDetails(
    fqid="PipelineStopped",
    category=Category.OPERATION_STOPPED,
    message="The pipeline has been stopped.",
    exception_types=("System.Management.Automation.PipelineStoppedException",),
    reason="PipelineStoppedException",
)


@dataclass(frozen=True)
class _Stage:
    """One command of a statement, bound as far as its arguments go."""

    binding: Binding
    piped: bool


class PipelineEngine:
    """`contract.Engine` over an oracle and the registered models."""

    def __init__(self, oracle: Oracle, registry: Registry, place: Place) -> None:
        self._oracle = oracle
        self._registry = registry
        self._place = place

    def run(self, statements: tuple[Statement, ...], session: Session, sink: Sink) -> Outcome:
        """Binds and runs all statements; a failing one stops the others only by its own ErrorAction Stop.

        The first of several that fails leaves its record in the error stream; a later one makes the pipeline
        Failed at once, and what follows it still runs, unseen (binder-facts 7).
        """
        failed: Outcome | None = None
        for index, statement in enumerate(statements):
            try:
                self._run_statement(statement, session, _Muted(sink) if failed else sink)
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

    def _run_statement(self, statement: Statement, session: Session, sink: Sink) -> None:
        """Binds every command before the first one runs: a binding error in one keeps all from running."""
        fed = bool(statement) and bool(statement[0].pipeline_input)
        stages = [
            _Stage(self._bind(invocation, session, piped=index > 0 or fed), index > 0 or fed)
            for index, invocation in enumerate(statement)
        ]
        objects: tuple[object, ...] = statement[0].pipeline_input if statement else ()
        for index, stage in enumerate(stages):
            passed: list[object] = []
            emit = sink.output if index == len(stages) - 1 else passed.append
            self._run_stage(stage, objects, session, sink, emit)
            objects = tuple(passed)

    def _bind(self, invocation: Invocation, session: Session, *, piped: bool) -> Binding:
        if invocation.is_script:
            raise scripts_not_allowed()
        known = self._oracle.command(invocation.name)
        signature = known and without_lacking(known, session.lacking)
        if signature is None:
            qualified = "\\" in invocation.name
            raise module_not_loaded(invocation.name) if qualified else command_not_found(invocation.name)
        return bind(signature, invocation.arguments, piped=piped)

    def _run_stage(
        self,
        stage: _Stage,
        objects: tuple[object, ...],
        session: Session,
        sink: Sink,
        emit: Callable[[object], None],
    ) -> None:
        binding = stage.binding
        command_sink = CommandSink(binding.signature, binding.values, sink, emit)
        if not stage.piped:
            self._run_bound(binding.result(), binding, (), session, command_sink)
            return
        if takes_whole_objects(binding):
            if objects or binding.signature.name in COUNTS_NOTHING:
                self._run_bound(accept_whole(binding), binding, objects, session, command_sink)
            return
        for value in objects:
            bound = accept(binding, value)
            if bound is None:
                command_sink.error(input_not_bound(binding.signature, value))
            else:
                self._run_bound(bound, binding, (value,), session, command_sink)

    def _run_bound(
        self,
        bound: Bound,
        binding: Binding,
        objects: tuple[object, ...],
        session: Session,
        sink: CommandSink,
    ) -> None:
        signature = binding.signature
        if signature.name in session.failing:
            fail(signature, session, sink)
            return
        cdxml = self._registry.cdxml(signature.name)
        if cdxml is not None:
            run_cdxml(Call(cdxml, signature, bound.parameters, session, sink, self._place))
            return
        body = self._registry.body(signature.name)
        if body is None:
            raise not_modelled(signature)
        call = BoundCall(signature.name, bound.parameter_set, bound.parameters, session, objects)
        for value in body(call, sink):
            sink.output(value)


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

    def progress(self, activity: str, status: str, *, completed: bool) -> None:
        """Unseen."""

    def stopping(self) -> bool:
        """Whether the client asked to stop."""
        return self._sink.stopping()
