"""A script function as the engine's `Runnable`: binds by the engine's binder, runs in a scope of its own."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from wslnet_lab.host.contract import CommandError, EnumValue
from wslnet_lab.host.engine.binder import Binding, bind
from wslnet_lab.host.engine.errors import input_not_bound
from wslnet_lab.host.engine.piping import accept
from wslnet_lab.host.engine.preferences import EndingSink, PipelineStopped
from wslnet_lab.host.engine.signatures import Signature
from wslnet_lab.host.engine.types import Kind
from wslnet_lab.host.engine.validation import check_value
from wslnet_lab.host.script.ends import Exited, Returned, Terminated, not_modelled, tailed
from wslnet_lab.host.script.functions import split_for_simple
from wslnet_lab.host.script.scopes import Flow, Frame
from wslnet_lab.host.script.syntax import NotInTheLab, TypeName
from wslnet_lab.host.script.types import cast, held
from wslnet_lab.host.script.values import Opaque, Switch

if TYPE_CHECKING:
    from collections.abc import Callable

    from wslnet_lab.host.contract import Argument, ErrorDetails
    from wslnet_lab.host.engine.binder import Bound
    from wslnet_lab.host.engine.commands import Stage
    from wslnet_lab.host.engine.signatures import Parameter
    from wslnet_lab.host.script.interpreter import Interpreter
    from wslnet_lab.host.script.syntax import Block

_PREFERENCES = {
    "ErrorAction": "erroractionpreference",
    "WarningAction": "warningpreference",
    "InformationAction": "informationpreference",
}
_SWITCHED = {"Verbose": "verbosepreference", "Debug": "debugpreference"}
_ZERO: dict[Kind, object] = {
    Kind.TEXT: "",
    Kind.INTEGER: 0,
    Kind.REAL: 0.0,
    Kind.BOOLEAN: False,
    Kind.SWITCH: False,
}


@dataclass
class SimpleBinding(Binding):
    """The binding of a function without cmdlet binding, with what goes to `$args`."""

    rest: list[object] = field(default_factory=list)


@dataclass(frozen=True)
class ScriptFunction:
    """One function; `home` is the scope of its module, or the global one."""

    signature: Signature
    block: Block
    run_with: Interpreter
    home: Frame

    def bind(self, arguments: tuple[Argument, ...], *, piped: bool) -> Binding:
        """Binds the arguments; a simple function takes what does not fit into `$args`.

        Raises:
            CommandError: They do not fit.
        """
        if self.block.advanced:
            return bind(self.signature, arguments, piped=piped)
        fitting, rest = split_for_simple(self.signature, arguments)
        binding = bind(self.signature, fitting, piped=piped)
        return SimpleBinding(binding.signature, binding.values, binding.current, rest)

    def run(self, stage: Stage) -> None:
        """Runs it from the client.

        Raises:
            CommandError: It ends by an error.
        """
        sink = EndingSink(stage.sink, self.signature) if stage.errors_end_it else stage.sink
        flow = Flow(self.home, stage.session, sink, stage.emit)
        try:
            self._run(stage, flow, self.home)
        except Exited:
            return

    def run_in(self, stage: Stage, flow: Flow) -> None:
        """Runs it from a body: a function of no module sees its caller's variables.

        Raises:
            CommandError: It ends by an error.
        """
        parent = flow.frame if self.home.parent is None else self.home
        self._run(stage, replace(flow, emit=stage.emit), parent)

    def _run(self, stage: Stage, flow: Flow, parent: Frame) -> None:
        frame = Frame(
            parent=parent,
            function=self.signature.name if self.block.advanced else "",
            hides_drives=self.block.advanced,
        )

        def emit(value: object) -> None:
            if stage.sink.stopping():
                raise PipelineStopped
            stage.emit(value)

        inside = Flow(frame, stage.session, flow.sink, emit, flow.caught)
        try:
            self._run_parts(stage, inside)
        except Terminated as error:
            raise CommandError(tailed(error.details, self.signature.name)) from error
        except NotInTheLab as error:
            raise not_modelled(error, self.signature.name) from error

    def _run_parts(self, stage: Stage, flow: Flow) -> None:
        block, run = self.block, self.run_with
        binding = stage.binding
        self._enter(binding, binding.result().parameters, flow)
        flow.frame.variables["input"] = list(stage.objects or ())
        self._part(lambda: run.execute(block.begin, flow))
        for bound, value in self._calls(stage, flow):
            if block.process is not None:
                self._enter(binding, bound.parameters, flow)
                flow.frame.variables["_"] = value
                self._part(lambda: run.execute(block.process or (), flow))
        self._part(lambda: run.execute(block.end, flow))

    def _calls(self, stage: Stage, flow: Flow) -> list[tuple[Bound, object]]:
        if stage.objects is None:
            return [(stage.binding.result(), None)]
        calls: list[tuple[Bound, object]] = []
        for value in stage.objects:
            bound = accepted(stage.binding, value, flow.sink.error)
            if bound is not None:
                calls.append((bound, value))
        return calls

    def _part(self, run: Callable[[], None]) -> None:
        try:
            run()
        except Returned:
            return

    def _enter(self, binding: Binding, values: dict[str, object], flow: Flow) -> None:
        """Sets the parameters and the automatic variables of the scope."""
        frame = flow.frame
        given: dict[object, object] = {}
        for syntax in self.block.parameters:
            parameter = self.signature.parameters[syntax.name]
            frame.kept.pop(syntax.name.lower(), None)
            if syntax.name in values:
                value = held(values[syntax.name], parameter.type)
                given[syntax.name] = _as_bound(value, parameter)
            elif syntax.default is not None:
                value = self.run_with.evaluate(syntax.default, flow)
            else:
                value = None if parameter.type.depth else _ZERO.get(parameter.type.kind)
            frame.variables[syntax.name.lower()] = value
            if syntax.type is not None:
                frame.kept[syntax.name.lower()] = _keeper(self.signature, parameter, syntax.type)
        for name, value in values.items():
            given.setdefault(name, _as_bound(value, self.signature.parameters[name]))
        frame.variables["psboundparameters"] = given
        frame.variables["args"] = binding.rest if isinstance(binding, SimpleBinding) else []
        if self.block.advanced:
            frame.variables["pscmdlet"] = _cmdlet(self.signature.name)
        _set_preferences(values, frame)


@dataclass(frozen=True)
class Unmodelled:
    """A function whose parameters the lab does not know: it is there, and calling it says so."""

    name: str
    why: NotInTheLab

    @property
    def signature(self) -> Signature:
        """Nothing but its name."""
        return Signature(
            name=self.name,
            module="",
            function=True,
            cdxml=False,
            should_process=False,
            tail=self.name,
            sets=(),
            default_set=None,
            parameters={},
        )

    def bind(self, _arguments: tuple[Argument, ...], *, piped: bool) -> Binding:
        """Refuses.

        Raises:
            CommandError: Always.
        """
        del piped
        raise not_modelled(self.why, self.name)

    def run(self, _stage: Stage) -> None:
        """Never comes so far."""


def accepted(binding: Binding, value: object, error: Callable[[ErrorDetails], None]) -> Bound | None:
    """Binds one piped object; what does not fit is an error that ends nothing (jea-facts D)."""
    try:
        bound = accept(binding, value)
    except CommandError as refused:
        error(replace(refused.details, target_object=value))
        return None
    if bound is None:
        error(input_not_bound(binding.signature, value))
    return bound


def _as_bound(value: object, parameter: Parameter) -> object:
    if parameter.type.kind is Kind.SWITCH and isinstance(value, bool):
        return Switch(value)
    return held(value, parameter.type)


def _keeper(signature: Signature, parameter: Parameter, kind: TypeName) -> Callable[[object], object]:
    def keep(value: object) -> object:
        converted = cast(kind, value)
        try:
            check_value(signature, replace(parameter, places={}), converted)
        except CommandError as error:
            details = replace(error.details, fqid="ValidateSetFailure")
            raise CommandError(details) from error
        return converted

    return keep


def _set_preferences(values: dict[str, object], frame: Frame) -> None:
    for name, variable in _PREFERENCES.items():
        value = values.get(name)
        if isinstance(value, EnumValue):
            frame.variables[variable] = value.name
    for name, variable in _SWITCHED.items():
        if values.get(name) is True:
            frame.variables[variable] = "Continue"
    if "WhatIf" in values:
        frame.variables["whatifpreference"] = values["WhatIf"]


def _cmdlet(name: str) -> Opaque:
    def throw(record: ErrorDetails) -> None:
        raise Terminated(replace(record, fqid=f"{record.fqid},{name}", activity=name))

    return Opaque(
        "System.Management.Automation.PSScriptCmdlet",
        {"ParameterSetName": "__AllParameterSets"},
        {"ThrowTerminatingError": throw},
    )
