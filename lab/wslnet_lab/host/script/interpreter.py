"""Runs statements: control flow, assignments, pipelines, and what an error does to the rest (jea-facts E)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from wslnet_lab.host.contract import CommandError
from wslnet_lab.host.engine.preferences import SILENT, PipelineStopped, StoppedByPreference
from wslnet_lab.host.script import calling, members, operators
from wslnet_lab.host.script.ends import Broken, Exited, Returned, Terminated, Thrown, stopped_by, thrown
from wslnet_lab.host.script.evaluation import evaluate
from wslnet_lab.host.script.syntax import (
    Assignment,
    CommandCall,
    Foreach,
    FunctionSyntax,
    If,
    Index,
    Jump,
    Member,
    NotInTheLab,
    PipelineSyntax,
    Switch,
    Try,
    Unknown,
    Variable,
)
from wslnet_lab.host.script.values import collapsed, enumerated, text_of, truth_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from wslnet_lab.host.contract import Invocation, Session
    from wslnet_lab.host.engine.commands import Runnable
    from wslnet_lab.host.script.scopes import Flow
    from wslnet_lab.host.script.syntax import Expression, Statement


class Host(Protocol):
    """What a running script asks of the session that it runs in."""

    def find(self, invocation: Invocation, session: Session) -> Runnable:
        """The command of that name, hidden ones too."""

    def drive_item(self, drive: str, name: str) -> object:
        """`$drive:name` of a provider."""

    def static(self, type_name: str, name: str, arguments: list[object] | None) -> object:
        """A static member of .NET; raises NotInTheLab for what is not on the lab's list."""

    def native(self, path: str, arguments: list[str]) -> list[str]:
        """The lines that a native program writes; raises NotInTheLab for one that the lab has not."""


class Interpreter:
    """Runs blocks in a host."""

    def __init__(self, host: Host) -> None:
        self.host = host

    def evaluate(self, node: Expression, flow: Flow) -> object:
        """The value of an expression; raises CommandError or NotInTheLab."""
        return evaluate(node, flow, self)

    def execute(self, statements: tuple[Statement, ...], flow: Flow) -> None:
        """Runs statements in order; an error that ends only its statement is written and the next one runs.

        Raises:
            CommandError: An error that ends more than its statement.
            NotInTheLab: Something the lab does not model.
        """
        for statement in statements:
            if flow.sink.stopping():
                raise PipelineStopped
            try:
                _STATEMENTS[type(statement)](self, statement, flow)
            except (StoppedByPreference, Thrown, Terminated):
                raise
            except CommandError as error:
                if flow.caught:
                    raise
                self._go_on(error, flow)

    def _go_on(self, error: CommandError, flow: Flow) -> None:
        wanted = text_of(flow.frame.find("ErrorActionPreference"))
        stop = stopped_by(wanted, error.details, flow.frame.function)
        if stop is not None:
            raise stop from error
        if wanted not in SILENT:
            flow.sink.error(error.details)

    def collected(self, statements: tuple[Statement, ...], flow: Flow) -> list[object]:
        """What statements put out."""
        found: list[object] = []
        self.execute(statements, flow.into(found.append))
        return found

    def value_of(self, statement: Statement, flow: Flow) -> object:
        """The value of a statement where one value is wanted: an array stays whole."""
        if isinstance(statement, PipelineSyntax) and len(statement.elements) == 1:
            [element] = statement.elements
            if not isinstance(element, CommandCall):
                return evaluate(element, flow, self)
        found: list[object] = []
        _STATEMENTS[type(statement)](self, statement, flow.into(found.append))
        return collapsed(found)

    def pipeline(self, node: PipelineSyntax, flow: Flow) -> None:
        """Runs one pipeline; what its last element puts out goes on."""
        objects: tuple[object, ...] | None = None
        for at, element in enumerate(node.elements):
            passed: list[object] = []
            target = flow if at == len(node.elements) - 1 else flow.into(passed.append)
            if isinstance(element, CommandCall):
                calling.run_command(self, element, objects, target)
            else:
                self._put(element, target)
            objects = tuple(passed)

    def _put(self, element: Expression, flow: Flow) -> None:
        value = evaluate(element, flow, self)
        if value is None and isinstance(element, Member) and element.arguments is not None:
            return
        for each in enumerated(value):
            flow.emit(each)

    def assign(self, node: Assignment, flow: Flow) -> None:
        """`target = value`."""
        value = self.value_of(node.value, flow)
        target = node.target
        if node.operator != "=":
            value = operators.apply(node.operator[0], evaluate(target, flow, self), value)
        match target:
            case Variable(drive="" | "local" | "script" | "private"):
                flow.frame.assign(target.name, value)
            case Variable(drive="global"):
                flow.frame.root.assign(target.name, value)
            case Index():
                members.set_member(
                    evaluate(target.target, flow, self), evaluate(target.index, flow, self), value
                )
            case Member(static=False):
                members.set_member(
                    evaluate(target.target, flow, self), evaluate(target.name, flow, self), value
                )
            case _:
                raise NotInTheLab(f"assigning to {target}")

    def choose(self, node: If, flow: Flow) -> None:
        """`if`."""
        for condition, body in node.branches:
            if truth_of(self.value_of(condition, flow)):
                self.execute(body, flow)
                return
        self.execute(node.otherwise, flow)

    def switch(self, node: Switch, flow: Flow) -> None:
        """`switch`: every clause that equals the value; `default` when none does."""
        for value in enumerated(self.value_of(node.value, flow)):
            hit = False
            try:
                for pattern, body in node.clauses:
                    if pattern is None:
                        continue
                    if operators.apply("eq", value, evaluate(pattern, flow, self)):
                        hit = True
                        self.execute(body, flow)
                for pattern, body in node.clauses:
                    if pattern is None and not hit:
                        self.execute(body, flow)
            except Broken as jump:
                if not jump.goes_on:
                    return

    def loop(self, node: Foreach, flow: Flow) -> None:
        """`foreach`."""
        values = self.value_of(node.values, flow)
        for value in [] if values is None else enumerated(values):
            flow.frame.assign(node.name, value)
            try:
                self.execute(node.body, flow)
            except Broken as jump:
                if not jump.goes_on:
                    return

    def attempt(self, node: Try, flow: Flow) -> None:
        """`try`: any error that ends a statement goes to `catch`, with `$_` as its record."""
        try:
            self.execute(node.body, flow if node.catch is None else replace(flow, caught=True))
        except CommandError as error:
            if node.catch is None:
                raise
            before = flow.frame.variables.get("_")
            flow.frame.variables["_"] = error.details
            self.execute(node.catch, flow)
            flow.frame.variables["_"] = before
        finally:
            self.execute(node.last, flow)

    def jump(self, node: Jump, flow: Flow) -> None:
        """`throw`, `return`, `exit`, `break`, `continue`."""
        match node.kind:
            case "throw":
                value = None if node.value is None else self.value_of(node.value, flow)
                raise thrown(value if node.value is not None else flow.frame.find("_"))
            case "return":
                if node.value is not None:
                    _STATEMENTS[type(node.value)](self, node.value, flow)
                raise Returned
            case "exit":
                raise Exited
        raise Broken(goes_on=node.kind == "continue")

    def refuse(self, node: Unknown, _flow: Flow) -> None:
        """What the lab does not know."""
        raise NotInTheLab(node.why)

    def define(self, node: FunctionSyntax, _flow: Flow) -> None:
        """`function` inside a block."""
        raise NotInTheLab(f"the function {node.name} inside another")


_STATEMENTS: Mapping[type, Callable[[Interpreter, Any, Flow], None]] = {
    PipelineSyntax: Interpreter.pipeline,
    Assignment: Interpreter.assign,
    If: Interpreter.choose,
    Switch: Interpreter.switch,
    Foreach: Interpreter.loop,
    Try: Interpreter.attempt,
    Jump: Interpreter.jump,
    FunctionSyntax: Interpreter.define,
    Unknown: Interpreter.refuse,
}
