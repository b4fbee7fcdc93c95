"""Parses statements, pipelines, commands and blocks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from wslnet_lab.host.script import atoms, control, expressions, parameters
from wslnet_lab.host.script.scanner import Scanner
from wslnet_lab.host.script.syntax import (
    Assignment,
    Block,
    CommandArgument,
    CommandCall,
    Index,
    Items,
    Literal,
    Malformed,
    Member,
    NotInTheLab,
    PipelineSyntax,
    Text,
    Unknown,
    Variable,
)

if TYPE_CHECKING:
    from wslnet_lab.host.script.syntax import Expression, Statement

_KEYWORD = re.compile(r"[A-Za-z]+(?=[\s({;}]|$)")
_ASSIGN = re.compile(r"(=|\+=|-=)(?!=)")
_NAMED_BLOCK = re.compile(r"(begin|process|end)\s*\{", re.IGNORECASE)
_PARAMETER = re.compile(r"-([A-Za-z_][\w]*)(:)?")
_WORD = re.compile(r"[^\s;|&(){},'\"$`<>]+")
_EXPRESSION_START = re.compile(r"[$@('\"\[{]|[+-]?\.?\d|-not\b|!|,", re.IGNORECASE)
_REDIRECTION = re.compile(r"[\d*]?>")


def script(text: str) -> Block:
    """A whole script, as a file or as text to run.

    Raises:
        Malformed, NotInTheLab: It cannot be read, or holds what the lab does not know.
    """
    return block(Scanner(text), "")


def until(scanner: Scanner, closing: str) -> tuple[Statement, ...]:
    """Statements up to `closing` (the end of the text when it is empty), which is gone past.

    What the lab does not know between braces is refused when it runs, with what follows it there.

    Raises:
        Malformed, NotInTheLab: As `script`.
    """
    found: list[Statement] = []
    start = scanner.at
    while True:
        scanner.statement_ends()
        if closing and scanner.takes(closing):
            return tuple(found)
        if scanner.ended:
            if closing:
                raise Malformed(f"expected {closing!r} before the end")
            return tuple(found)
        try:
            each = statement(scanner)
        except NotInTheLab as error:
            if closing != "}":
                raise
            scanner.at = start
            scanner.past_braces()
            return (*found, Unknown(str(error)))
        if each is None:
            raise Malformed(f"no statement at {scanner.rest()!r}")
        found.append(each)


def block(scanner: Scanner, closing: str) -> Block:
    """The inside of a block up to `closing`; what the lab does not know of it is refused when it runs.

    Raises:
        Malformed, NotInTheLab: As `script`.
    """
    start = scanner.at
    attributes, found = parameters.param_block(scanner)
    parts: dict[str, tuple[Statement, ...]] = {}
    scanner.statement_ends()
    while (named := scanner.takes_match(_NAMED_BLOCK)) is not None:
        parts[named[1].lower()] = until(scanner, "}")
        scanner.statement_ends()
    if parts:
        rest = until(scanner, closing)
        if rest:
            raise Malformed("statements beside begin, process and end")
    else:
        parts["end"] = until(scanner, closing)
    text = scanner.text[start : scanner.at - len(closing)]
    return Block(attributes, found, parts.get("begin", ()), parts.get("process"), parts.get("end", ()), text)


def statement(scanner: Scanner) -> Statement | None:
    """One statement; None when nothing stands here.

    Raises:
        Malformed, NotInTheLab: As `script`.
    """
    keyword = scanner.matches(_KEYWORD)
    parse = control.KEYWORDS.get(keyword[0].lower()) if keyword else None
    if parse is not None and keyword is not None:
        scanner.at = keyword.end()
        scanner.blanks()
        return parse(scanner, keyword[0].lower())
    return _pipeline(scanner)


def _pipeline(scanner: Scanner) -> Statement | None:
    elements: list[CommandCall | Expression] = []
    while True:
        element = _element(scanner)
        if element is None:
            break
        elements.append(element)
        scanner.blanks()
        assigned = scanner.matches(_ASSIGN)
        if assigned is not None and len(elements) == 1 and isinstance(element, Variable | Index | Member):
            scanner.at = assigned.end()
            scanner.lines()
            value = statement(scanner)
            if value is None:
                raise Malformed(f"nothing is assigned at {scanner.rest()!r}")
            return Assignment(element, assigned[1], value)
        if scanner.matches(_REDIRECTION) is not None or scanner.sees("||") or scanner.sees("&"):
            raise NotInTheLab(f"the redirection or chain at {scanner.rest()!r}")
        if not scanner.takes("|"):
            break
        scanner.lines()
    return PipelineSyntax(tuple(elements)) if elements else None


def _element(scanner: Scanner) -> CommandCall | Expression | None:
    for operator in ("&", "."):
        if scanner.sees(operator) and scanner.text[scanner.at + 1 : scanner.at + 2] in (" ", "$", "("):
            scanner.expect(operator)
            scanner.blanks()
            return CommandCall(atoms.atom(scanner), _arguments(scanner), operator)
    if scanner.matches(_EXPRESSION_START) is not None:
        return expressions.expression(scanner)
    word = scanner.takes_match(_WORD)
    if word is None:
        return None
    return CommandCall(Literal(word[0]), _arguments(scanner))


def _arguments(scanner: Scanner) -> tuple[CommandArgument, ...]:
    found: list[CommandArgument] = []
    while True:
        scanner.blanks()
        if scanner.ended or scanner.text[scanner.at] in "\r\n;|)}" or scanner.matches(_REDIRECTION):
            return tuple(found)
        found.append(_argument(scanner))


def _argument(scanner: Scanner) -> CommandArgument:
    named = scanner.takes_match(_PARAMETER)
    if named is not None:
        return CommandArgument(named[1], _values(scanner) if named[2] else None)
    if scanner.sees("@") and scanner.text[scanner.at + 1 : scanner.at + 2].isalpha():
        word = scanner.takes_match(_WORD)
        return CommandArgument(None, Variable(word[0][1:] if word else ""), splatted=True)
    return CommandArgument(None, _values(scanner))


def _values(scanner: Scanner) -> Expression:
    scanner.blanks()
    items = [_value(scanner)]
    while scanner.takes(","):
        scanner.lines()
        items.append(_value(scanner))
    return items[0] if len(items) == 1 else Items(tuple(items))


def _value(scanner: Scanner) -> Expression:
    if scanner.text[scanner.at : scanner.at + 1] in ("$", "(", "@", "'", '"', "{"):
        return expressions.with_members(scanner)
    word = scanner.takes_match(_WORD)
    if word is None:
        raise Malformed(f"no argument at {scanner.rest()!r}")
    parts: list[str | Expression] = [word[0]]
    while scanner.sees("$"):
        parts.append(atoms.atom(scanner))
        more = scanner.takes_match(_WORD)
        parts.extend([more[0]] if more else [])
    if len(parts) > 1:
        return Text(tuple(parts))
    return Literal(int(word[0]) if word[0].isdecimal() else word[0])
