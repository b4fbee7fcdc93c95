"""The values of data: what attributes, session configurations and role capabilities are written in.

Operators on constants are computed, nothing else runs here. A real Windows runs such files as scripts
(jea-facts A18); one that needs it is refused.
"""

from __future__ import annotations

from wslnet_lab.host.script import operators
from wslnet_lab.host.script.syntax import (
    Binary,
    BlockLiteral,
    Cast,
    CommandCall,
    Expression,
    Grouped,
    Items,
    Literal,
    NotInTheLab,
    PipelineSyntax,
    Statement,
    Table,
    Text,
    TypeName,
    Unary,
    Variable,
)
from wslnet_lab.host.script.values import Array, ScriptBlock, enumerated, text_of

_NAMED = {"true": True, "false": False, "null": None}


def constant(node: Expression) -> object:
    """The value of a node that needs nothing to run.

    Raises:
        NotInTheLab: It needs something to run.
    """
    match node:
        case Literal(value=value):
            return value
        case Text(parts=parts):
            return "".join(part if isinstance(part, str) else text_of(constant(part)) for part in parts)
        case Variable(name=name, drive="") if name.lower() in _NAMED:
            return _NAMED[name.lower()]
        case Unary(operator="-", value=Literal(value=int() as number)):
            return -number
        case BlockLiteral(block=block):
            return ScriptBlock(block)
    return _compound(node)


def _compound(node: Expression) -> object:
    match node:
        case Items(items=items):
            return Array.of(constant(each) for each in items)
        case Table(pairs=pairs):
            return {str(constant(key)): statement_value(value) for key, value in pairs}
        case Cast(type=TypeName(name="ordered"), value=value):
            return constant(value)
        case Grouped(sign="@", statements=statements):
            return Array.of(item for each in statements for item in enumerated(statement_value(each)))
        case Grouped(sign="(" | "$", statements=(only,)):
            return statement_value(only)
        case Binary(operator=operator, left=left, right=right):
            return operators.apply(operator, constant(left), constant(right))
    raise NotInTheLab(f"a value that has to be computed: {type(node).__name__}")


def statement_value(statement: Statement) -> object:
    """The value of a statement that is a constant.

    Raises:
        NotInTheLab: It is a command or runs.
    """
    match statement:
        case PipelineSyntax(elements=(only,)) if not isinstance(only, CommandCall):
            return constant(only)
    raise NotInTheLab("data that has to be computed")
