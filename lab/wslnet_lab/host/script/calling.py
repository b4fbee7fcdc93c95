"""Calls commands from a body: arguments, blocks, native programs, and whose errors count."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from wslnet_lab.host.contract import (
    Argument,
    Category,
    CommandError,
    ErrorDetails,
    Invocation,
    Notice,
    Remark,
    Sink,
)
from wslnet_lab.host.engine.commands import Stage
from wslnet_lab.host.engine.names import find_parameter
from wslnet_lab.host.engine.preferences import SILENT
from wslnet_lab.host.engine.types import Kind
from wslnet_lab.host.script.ends import Returned, stopped_by
from wslnet_lab.host.script.scopes import Frame
from wslnet_lab.host.script.syntax import Literal, NotInTheLab
from wslnet_lab.host.script.values import ScriptBlock, Switch, enumerated, text_of

if TYPE_CHECKING:
    from wslnet_lab.host.engine.signatures import Signature
    from wslnet_lab.host.script.interpreter import Interpreter
    from wslnet_lab.host.script.scopes import Flow
    from wslnet_lab.host.script.syntax import Block, CommandCall

_NATIVE = re.compile(r"/|[A-Za-z]:\\")


class BodySink:
    """Records of a command that a body calls: `$ErrorActionPreference` of the body decides."""

    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self._target: Sink = flow.sink

    def output(self, value: object) -> None:
        """Output goes on."""
        self._flow.emit(value)

    def error(self, details: ErrorDetails) -> None:
        """An error that did not end its command.

        Raises:
            StoppedByPreference: The body stops at errors.
        """
        wanted = text_of(self._flow.frame.find("ErrorActionPreference"))
        stop = stopped_by(wanted, details, self._flow.frame.function)
        if stop is not None:
            raise stop
        if wanted not in SILENT:
            self._target.error(details)

    def warning(self, text: str) -> None:
        """Warnings go on."""
        self._target.warning(text)

    def remark(self, kind: Remark, text: str) -> None:
        """Remarks go on."""
        self._target.remark(kind, text)

    def notice(self, record: Notice) -> None:
        """Progress and information go on."""
        self._target.notice(record)

    def stopping(self) -> bool:
        """Whether the client asked to stop."""
        return self._target.stopping()


def run_command(run: Interpreter, call: CommandCall, objects: tuple[object, ...] | None, flow: Flow) -> None:
    """Runs one command of a body.

    Raises:
        CommandError: It is not found, does not bind, or ends its statement.
        NotInTheLab: The lab has no such native program or builtin.
    """
    called = run.evaluate(call.name, flow)
    if isinstance(called, ScriptBlock):
        values = [run.evaluate(each.value, flow) for each in call.arguments if each.value is not None]
        run_block(run, called.block, flow, arguments=values, objects=objects)
        return
    name = text_of(called)
    if _NATIVE.match(name):
        texts = [text_of(item) for value in _plain_values(run, call, flow) for item in enumerated(value)]
        for line in run.host.native(name, texts):
            flow.emit(line)
        return
    command = (flow.find or run.host.find)(Invocation(name), flow.session)
    arguments = _arguments(run, call, command.signature, flow)
    binding = command.bind(arguments, piped=objects is not None)
    explicit = "ErrorAction" in binding.values
    sink = flow.sink if explicit else BodySink(flow)
    run_in = getattr(command, "run_in", None)
    stage = Stage(binding, objects, flow.session, sink, flow.emit)
    if run_in is not None:
        # Script functions and the engine's own commands see the scope they are called from.
        run_in(stage, flow)
    else:
        command.run(stage)


def run_block(
    run: Interpreter,
    block: Block,
    flow: Flow,
    *,
    arguments: list[object] | None = None,
    objects: tuple[object, ...] | None = None,
    variables: dict[str, object] | None = None,
) -> None:
    """Runs a block in a scope of its own, as `& { … }` does.

    Raises:
        NotInTheLab: It has parameters.
        CommandError: It ends by an error.
    """
    if block.parameters or block.process is not None:
        raise NotInTheLab("a block with parameters or a process part")
    frame = Frame(parent=flow.frame, function=flow.frame.function, variables=dict(variables or {}))
    frame.variables["args"] = arguments or []
    frame.variables["input"] = list(objects or ())
    try:
        run.execute(block.end, flow.inside(frame))
    except Returned:
        return


def _plain_values(run: Interpreter, call: CommandCall, flow: Flow) -> list[object]:
    values: list[object] = []
    for each in call.arguments:
        if each.name is not None:
            values.append(f"-{each.name}")
        if each.value is not None:
            values.append(run.evaluate(each.value, flow))
    return values


def _arguments(run: Interpreter, call: CommandCall, signature: Signature, flow: Flow) -> tuple[Argument, ...]:
    found: list[Argument] = []
    waiting: str | None = None
    for each in call.arguments:
        if each.name is not None:
            if waiting is not None:
                raise CommandError(_no_value(signature, waiting))
            if each.value is not None:
                found.append(Argument(each.name, _sent(run.evaluate(each.value, flow))))
            elif _takes_no_value(signature, each.name):
                found.append(Argument(each.name, value=True))
            else:
                waiting = each.name
            continue
        value = run.evaluate(each.value or Literal(None), flow)
        if each.splatted and isinstance(value, dict):
            found.extend(Argument(text_of(key), _sent(item)) for key, item in value.items())
            continue
        found.append(Argument(waiting, _sent(value)))
        waiting = None
    if waiting is not None:
        raise CommandError(_no_value(signature, waiting))
    return tuple(found)


def _sent(value: object) -> object:
    """A switch out of `$PSBoundParameters` binds as its Boolean."""
    return value.present if isinstance(value, Switch) else value


def _takes_no_value(signature: Signature, name: str) -> bool:
    """A switch, or a name that nothing has: the binder then says so."""
    found = find_parameter(signature, name)
    return found is None or found.type.kind is Kind.SWITCH


def _no_value(signature: Signature, name: str) -> ErrorDetails:
    return ErrorDetails(
        fqid=f"MissingArgument,{signature.tail}",
        category=Category.INVALID_ARGUMENT,
        message=f"Missing an argument for parameter '{name}'.",
        activity=signature.name,
    )
