"""Parses what begins with a keyword: conditions, loops, try, jumps, functions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from wslnet_lab.host.script import atoms, statements
from wslnet_lab.host.script.syntax import (
    Foreach,
    FunctionSyntax,
    If,
    Jump,
    Literal,
    Malformed,
    NotInTheLab,
    Switch,
    Try,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from wslnet_lab.host.script.scanner import Scanner
    from wslnet_lab.host.script.syntax import Expression, Statement

_WORD = re.compile(r"[A-Za-z_][\w:-]*")
_ELSE = re.compile(r"\s*(elseif|else)\b", re.IGNORECASE)
_IN = re.compile(r"in\b", re.IGNORECASE)
_CATCH = re.compile(r"\s*(catch|finally)\s*(?=[{\[])", re.IGNORECASE)


def _condition(scanner: Scanner) -> Statement:
    scanner.blanks()
    scanner.expect("(")
    scanner.lines()
    found = statements.statement(scanner)
    scanner.lines()
    scanner.expect(")")
    if found is None:
        raise Malformed("an empty condition")
    return found


def _body(scanner: Scanner) -> tuple[Statement, ...]:
    scanner.lines()
    scanner.expect("{")
    return statements.until(scanner, "}")


def _if(scanner: Scanner, _word: str) -> If:
    branches = [(_condition(scanner), _body(scanner))]
    otherwise: tuple[Statement, ...] = ()
    while (found := scanner.takes_match(_ELSE)) is not None:
        if found[1].lower() == "else":
            otherwise = _body(scanner)
            break
        branches.append((_condition(scanner), _body(scanner)))
    return If(tuple(branches), otherwise)


def _switch(scanner: Scanner, _word: str) -> Switch:
    if scanner.sees("-"):
        raise NotInTheLab(f"switch {scanner.rest()!r}")
    value = _condition(scanner)
    scanner.lines()
    scanner.expect("{")
    clauses: list[tuple[Expression | None, tuple[Statement, ...]]] = []
    scanner.statement_ends()
    while not scanner.takes("}"):
        word = scanner.takes_match(_WORD)
        if word is None:
            clauses.append((atoms.atom(scanner), _body(scanner)))
        else:
            pattern = None if word[0].lower() == "default" else Literal(word[0])
            clauses.append((pattern, _body(scanner)))
        scanner.statement_ends()
    return Switch(value, tuple(clauses))


def _foreach(scanner: Scanner, _word: str) -> Foreach:
    scanner.expect("(")
    scanner.blanks()
    name = atoms.variable(scanner).name
    scanner.blanks()
    if scanner.takes_match(_IN) is None:
        raise Malformed("foreach without in")
    scanner.blanks()
    values = statements.statement(scanner)
    scanner.lines()
    scanner.expect(")")
    if values is None:
        raise Malformed("foreach over nothing")
    return Foreach(name, values, _body(scanner))


def _try(scanner: Scanner, _word: str) -> Try:
    body = _body(scanner)
    catch: tuple[Statement, ...] | None = None
    last: tuple[Statement, ...] = ()
    while (found := scanner.takes_match(_CATCH)) is not None:
        if scanner.sees("["):
            raise NotInTheLab("catch with a type")
        if found[1].lower() == "catch":
            catch = _body(scanner)
        else:
            last = _body(scanner)
    return Try(body, catch, last)


def _jump(scanner: Scanner, word: str) -> Jump:
    return Jump(word, statements.statement(scanner))


def _function(scanner: Scanner, _word: str) -> FunctionSyntax:
    name = scanner.takes_match(_WORD)
    if name is None:
        raise Malformed(f"a function without a name at {scanner.rest()!r}")
    scanner.lines()
    scanner.expect("{")
    return FunctionSyntax(name[0], statements.block(scanner, "}"))


def _unknown(scanner: Scanner, word: str) -> Statement:
    raise NotInTheLab(f"{word} at {scanner.rest()!r}")


KEYWORDS: Mapping[str, Callable[[Scanner, str], Statement]] = {
    "if": _if,
    "switch": _switch,
    "foreach": _foreach,
    "try": _try,
    "throw": _jump,
    "return": _jump,
    "exit": _jump,
    "break": _jump,
    "continue": _jump,
    "function": _function,
    **dict.fromkeys(
        (
            "while",
            "do",
            "for",
            "trap",
            "class",
            "enum",
            "using",
            "filter",
            "data",
            "workflow",
            "dynamicparam",
        ),
        _unknown,
    ),
}
