"""The tree of the PowerShell that configuration files and their functions hold: data only.

It covers what such files use, not the language; what the parser does not know it refuses by name.
"""

from __future__ import annotations

from dataclasses import dataclass


class NotInTheLab(Exception):
    """PowerShell that is valid, as far as the lab can tell, but that the lab does not model."""


class Malformed(Exception):
    """Text that is no PowerShell."""


@dataclass(frozen=True)
class Literal:
    """A number or a text without anything to fill in."""

    value: object


@dataclass(frozen=True)
class Text:
    """A text in double quotes: plain pieces and expressions."""

    parts: tuple[str | Expression, ...]


@dataclass(frozen=True)
class Variable:
    """`$name`, with its scope or drive (`global`, `env`) when it has one."""

    name: str
    drive: str = ""


@dataclass(frozen=True)
class TypeName:
    """`[name]`, array brackets included."""

    name: str


@dataclass(frozen=True)
class Member:
    """`target.name` or `[type]::name`; `arguments` None when it is not called."""

    target: Expression
    name: Expression
    static: bool
    arguments: tuple[Expression, ...] | None = None


@dataclass(frozen=True)
class Index:
    """`target[index]`."""

    target: Expression
    index: Expression


@dataclass(frozen=True)
class Cast:
    """`[type]value`."""

    type: TypeName
    value: Expression


@dataclass(frozen=True)
class Unary:
    """`-not x`, `-x`."""

    operator: str
    value: Expression


@dataclass(frozen=True)
class Binary:
    """`a -operator b`; the operator in lower case without its dash."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True)
class Items:
    """`a, b`."""

    items: tuple[Expression, ...]


@dataclass(frozen=True)
class Grouped:
    """`(…)` as it stands, `$(…)` or `@(…)`, by its sign: `(`, `$` or `@`."""

    sign: str
    statements: tuple[Statement, ...]


@dataclass(frozen=True)
class Table:
    """`@{ key = value }`."""

    pairs: tuple[tuple[Expression, Statement], ...]


@dataclass(frozen=True)
class Attribute:
    """`[Name(positional, Key = value)]` before a parameter or a param block."""

    name: str
    positional: tuple[Expression, ...] = ()
    named: tuple[tuple[str, Expression | None], ...] = ()


@dataclass(frozen=True)
class ParameterSyntax:
    """One parameter of a param block."""

    name: str
    attributes: tuple[Attribute, ...]
    type: TypeName | None
    default: Expression | None


@dataclass(frozen=True)
class Block:
    """The inside of braces or of a file; `text` is how it was written."""

    attributes: tuple[Attribute, ...]
    parameters: tuple[ParameterSyntax, ...]
    begin: tuple[Statement, ...]
    process: tuple[Statement, ...] | None
    end: tuple[Statement, ...]
    text: str

    @property
    def advanced(self) -> bool:
        """Whether it is a function with cmdlet binding, by either attribute that makes it one."""
        marked = any(each.name.lower() == "cmdletbinding" for each in self.attributes)
        return marked or any(
            attribute.name.lower() == "parameter" for each in self.parameters for attribute in each.attributes
        )


@dataclass(frozen=True)
class BlockLiteral:
    """`{ … }` as a value."""

    block: Block


@dataclass(frozen=True)
class CommandArgument:
    """An argument of a command: `-Name`, `-Name:value`, `value`, or `@splatted`."""

    name: str | None
    value: Expression | None
    splatted: bool = False


@dataclass(frozen=True)
class CommandCall:
    """One command of a pipeline; `operator` is `&`, `.` or empty."""

    name: Expression
    arguments: tuple[CommandArgument, ...]
    operator: str = ""


@dataclass(frozen=True)
class PipelineSyntax:
    """Commands joined by pipes; the first may be an expression."""

    elements: tuple[CommandCall | Expression, ...]


@dataclass(frozen=True)
class Assignment:
    """`target = value`, also `+=`."""

    target: Expression
    operator: str
    value: Statement


@dataclass(frozen=True)
class If:
    """`if … elseif … else`."""

    branches: tuple[tuple[Statement, tuple[Statement, ...]], ...]
    otherwise: tuple[Statement, ...]


@dataclass(frozen=True)
class Switch:
    """`switch (value) { … }`; a clause's pattern None is `default`."""

    value: Statement
    clauses: tuple[tuple[Expression | None, tuple[Statement, ...]], ...]


@dataclass(frozen=True)
class Foreach:
    """`foreach ($name in values) { … }`."""

    name: str
    values: Statement
    body: tuple[Statement, ...]


@dataclass(frozen=True)
class Try:
    """`try { } catch { } finally { }`; `catch` None when there is none."""

    body: tuple[Statement, ...]
    catch: tuple[Statement, ...] | None
    last: tuple[Statement, ...]


@dataclass(frozen=True)
class Jump:
    """`throw`, `return`, `exit`, `break`, `continue`, with the value after it."""

    kind: str
    value: Statement | None


@dataclass(frozen=True)
class Unknown:
    """The statements of a block that holds what the lab does not know: running it says so."""

    why: str


@dataclass(frozen=True)
class FunctionSyntax:
    """`function name { … }`."""

    name: str
    block: Block


Expression = (
    Literal
    | Text
    | Variable
    | TypeName
    | Member
    | Index
    | Cast
    | Unary
    | Binary
    | Items
    | Grouped
    | Table
    | BlockLiteral
)
Statement = PipelineSyntax | Assignment | If | Switch | Foreach | Try | Jump | FunctionSyntax | Unknown
