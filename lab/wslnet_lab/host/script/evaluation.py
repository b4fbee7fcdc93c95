"""Evaluates expressions: one function for each kind of node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wslnet_lab.host.script import members, operators, types
from wslnet_lab.host.script.syntax import (
    Binary,
    BlockLiteral,
    Cast,
    Grouped,
    Index,
    Items,
    Literal,
    Member,
    NotInTheLab,
    Table,
    Text,
    TypeName,
    Unary,
    Variable,
)
from wslnet_lab.host.script.values import Array, ScriptBlock, TypeValue, collapsed, text_of, truth_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from wslnet_lab.host.script.interpreter import Interpreter
    from wslnet_lab.host.script.scopes import Flow
    from wslnet_lab.host.script.syntax import Expression

_CONSTANTS = {"true": True, "false": False, "null": None}
_LOCAL = frozenset({"", "script", "local", "private"})
_LAZY = {"and": False, "or": True}


def evaluate(node: Expression, flow: Flow, run: Interpreter) -> object:
    """The value of an expression.

    Raises:
        CommandError: It fails.
        NotInTheLab: It needs what the lab does not model.
    """
    return _NODES[type(node)](node, flow, run)


def _variable(node: Variable, flow: Flow, run: Interpreter) -> object:
    name = node.name.lower()
    if node.drive == "global":
        return flow.frame.root.variables.get(name)
    if node.drive in _LOCAL:
        if name in _CONSTANTS:
            return _CONSTANTS[name]
        return flow.frame.find(name)
    # A function with cmdlet binding sees no drive, and says nothing (jea-facts A11).
    return None if flow.frame.hides_drives else run.host.drive_item(node.drive, node.name)


def _text(node: Text, flow: Flow, run: Interpreter) -> str:
    parts = (part if isinstance(part, str) else text_of(evaluate(part, flow, run)) for part in node.parts)
    return "".join(parts)


def _binary(node: Binary, flow: Flow, run: Interpreter) -> object:
    left = evaluate(node.left, flow, run)
    if node.operator in _LAZY and truth_of(left) is _LAZY[node.operator]:
        return _LAZY[node.operator]
    if node.operator == "as":
        raise NotInTheLab("-as")
    return operators.apply(node.operator, left, evaluate(node.right, flow, run))


def _unary(node: Unary, flow: Flow, run: Interpreter) -> object:
    value = evaluate(node.value, flow, run)
    match node.operator:
        case "not":
            return not truth_of(value)
        case "-":
            return -operators.number_of(value)
        case "join":
            return operators.apply("join", value, "")
    raise NotInTheLab(f"the operator {node.operator} before a value")


def _grouped(node: Grouped, flow: Flow, run: Interpreter) -> object:
    if node.sign == "(" and len(node.statements) == 1:
        return run.value_of(node.statements[0], flow)
    found = run.collected(node.statements, flow)
    return Array.of(found) if node.sign == "@" else collapsed(found)


def _table(node: Table, flow: Flow, run: Interpreter) -> object:
    made: dict[object, object] = {}
    for key, value in node.pairs:
        made[evaluate(key, flow, run)] = run.value_of(value, flow)
    return made


def _member(node: Member, flow: Flow, run: Interpreter) -> object:
    name = text_of(evaluate(node.name, flow, run))
    arguments = [evaluate(each, flow, run) for each in node.arguments or ()]
    if node.static:
        if not isinstance(node.target, TypeName):
            raise NotInTheLab("a static member of a value")
        return run.host.static(node.target.name, name, None if node.arguments is None else arguments)
    target = evaluate(node.target, flow, run)
    return members.member(target, name) if node.arguments is None else members.call(target, name, arguments)


_NODES: Mapping[type, Callable[[Any, Flow, Interpreter], object]] = {
    Literal: lambda node, _flow, _run: node.value,
    Text: _text,
    Variable: _variable,
    TypeName: lambda node, _flow, _run: TypeValue(node.name),
    Member: _member,
    Index: lambda node, flow, run: members.index(
        evaluate(node.target, flow, run), evaluate(node.index, flow, run)
    ),
    Cast: lambda node, flow, run: types.cast(node.type, evaluate(node.value, flow, run)),
    Unary: _unary,
    Binary: _binary,
    Items: lambda node, flow, run: Array.of(evaluate(each, flow, run) for each in node.items),
    Grouped: _grouped,
    Table: _table,
    BlockLiteral: lambda node, flow, _run: ScriptBlock(node.block, flow.frame),
}
