"""Parses single values: numbers, texts, variables, types, groups, tables and blocks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from wslnet_lab.host.script import statements, texts
from wslnet_lab.host.script.syntax import (
    BlockLiteral,
    Grouped,
    Literal,
    Malformed,
    NotInTheLab,
    PipelineSyntax,
    Table,
    TypeName,
    Variable,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from wslnet_lab.host.script.scanner import Scanner
    from wslnet_lab.host.script.syntax import Expression, Statement

_NUMBER = re.compile(r"(0x[0-9a-f]+|\d+\.\d+|\d+)(kb|mb|gb)?(?![\w.]\w)", re.IGNORECASE)
_VARIABLE = re.compile(r"\$(?:\{(?:([A-Za-z]+):)?([^}]+)\}|(?:([A-Za-z]+):(?!:))?([A-Za-z_]\w*|[?$^]))")
_TYPE = re.compile(r"\[\s*([A-Za-z_][\w.+`]*)\s*((?:\[\])*)\s*\]")
_UNITS = {"kb": 2**10, "mb": 2**20, "gb": 2**30}
_KEY = re.compile(r"[A-Za-z_]\w*")
_VALUE_STARTS = "$@('\"{["


def starts_value(scanner: Scanner) -> bool:
    """Whether what comes next is a value that a type before it would convert."""
    return not scanner.ended and (
        scanner.text[scanner.at] in _VALUE_STARTS or scanner.text[scanner.at].isdigit()
    )


def atom(scanner: Scanner) -> Expression:
    """One value.

    Raises:
        Malformed, NotInTheLab: It is none, or one that the lab does not know.
    """
    for sign, parse in _BY_SIGN:
        if scanner.sees(sign):
            return parse(scanner)
    return _number(scanner)


def _group(scanner: Scanner) -> Grouped:
    sign = scanner.text[scanner.at]
    scanner.at += 1 if sign == "(" else 2
    return Grouped(sign, statements.until(scanner, ")"))


def _block(scanner: Scanner) -> BlockLiteral:
    scanner.expect("{")
    return BlockLiteral(statements.block(scanner, "}"))


def variable(scanner: Scanner) -> Variable:
    """A variable.

    Raises:
        Malformed: None comes next.
    """
    found = scanner.takes_match(_VARIABLE)
    if found is None:
        raise Malformed(f"no variable at {scanner.rest()!r}")
    return Variable(found[2] or found[4], (found[1] or found[3] or "").lower())


def sees_variable(scanner: Scanner) -> bool:
    """Whether a variable comes next."""
    return scanner.matches(_VARIABLE) is not None


def type_name(scanner: Scanner) -> TypeName:
    """A type in brackets.

    Raises:
        NotInTheLab: It is a generic one or something else in brackets.
    """
    found = scanner.takes_match(_TYPE)
    if found is None:
        raise NotInTheLab(f"the type at {scanner.rest()!r}")
    return TypeName(found[1] + found[2])


def _number(scanner: Scanner) -> Literal:
    found = scanner.takes_match(_NUMBER)
    if found is None:
        raise NotInTheLab(f"the expression at {scanner.rest()!r}")
    unit = _UNITS.get((found[2] or "").lower(), 1)
    digits = found[1]
    if "." in digits:
        return Literal(float(digits) * unit)
    return Literal(int(digits, 0 if digits[:2].lower() == "0x" else 10) * unit)


def _table(scanner: Scanner) -> Table:
    pairs: list[tuple[Expression, Statement]] = []
    scanner.expect("@{")
    scanner.statement_ends()
    while not scanner.takes("}"):
        found = scanner.takes_match(_KEY)
        key: Expression = Literal(found[0]) if found else atom(scanner)
        if any(_same_key(key, other) for other, _ in pairs):
            raise Malformed(f"a key of a table stands twice before {scanner.rest()!r}")
        scanner.lines()
        scanner.expect("=")
        scanner.lines()
        value = statements.statement(scanner)
        pairs.append((key, value if value is not None else PipelineSyntax(())))
        scanner.statement_ends()
    return Table(tuple(pairs))


def _same_key(one: Expression, other: Expression) -> bool:
    if not isinstance(one, Literal) or not isinstance(other, Literal):
        return False
    return str(one.value).lower() == str(other.value).lower()


_BY_SIGN: tuple[tuple[str, Callable[[Scanner], Expression]], ...] = (
    ("'", texts.single),
    ('"', texts.double),
    ("@'", texts.here),
    ('@"', texts.here),
    ("$(", _group),
    ("@(", _group),
    ("(", _group),
    ("@{", _table),
    ("{", _block),
    ("[", type_name),
    ("$", variable),
)
