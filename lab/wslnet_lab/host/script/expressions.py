"""Parses expressions: operators by their order of precedence, then members, calls and indexes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from wslnet_lab.host.script import atoms
from wslnet_lab.host.script.syntax import Binary, Cast, Index, Items, Literal, Member, TypeName, Unary

if TYPE_CHECKING:
    from collections.abc import Callable

    from wslnet_lab.host.script.scanner import Scanner
    from wslnet_lab.host.script.syntax import Expression

_LEVELS = (
    re.compile(r"-(and|or|xor)\b", re.IGNORECASE),
    re.compile(
        r"-([ci]?(?:eq|ne|lt|le|gt|ge|like|notlike|match|notmatch|replace|contains|notcontains|in|notin|split)"
        r"|join|isnot|is|as)\b",
        re.IGNORECASE,
    ),
    re.compile(r"(\+|-(?![A-Za-z]))"),
    re.compile(r"([*/%])"),
    re.compile(r"-(f)\b", re.IGNORECASE),
    re.compile(r"(\.\.)"),
)
_UNARY = re.compile(r"-(not|join|split)\b|(!)|(-)(?=[\s$(\d.])|(\+)(?=[\s$(\d.])", re.IGNORECASE)
_MEMBER_NAME = re.compile(r"[A-Za-z_]\w*")


def expression(scanner: Scanner) -> Expression:
    """One expression.

    Raises:
        Malformed, NotInTheLab: It is none, or one that the lab does not know.
    """
    return _level(scanner, 0, _items)


def one(scanner: Scanner) -> Expression:
    """One expression that a comma ends, as between the brackets of a method or an attribute.

    Raises:
        Malformed, NotInTheLab: As `expression`.
    """
    return _level(scanner, 0, _unary)


def _level(scanner: Scanner, level: int, leaf: Callable[[Scanner], Expression]) -> Expression:
    if level == len(_LEVELS):
        return leaf(scanner)
    left = _level(scanner, level + 1, leaf)
    while True:
        scanner.blanks()
        found = scanner.takes_match(_LEVELS[level])
        if found is None:
            return left
        scanner.lines()
        left = Binary(found[1].lower(), left, _level(scanner, level + 1, leaf))


def _items(scanner: Scanner) -> Expression:
    first = _unary(scanner)
    items = [first]
    while True:
        scanner.blanks()
        if not scanner.takes(","):
            break
        scanner.lines()
        items.append(_unary(scanner))
    return first if len(items) == 1 else Items(tuple(items))


def _unary(scanner: Scanner) -> Expression:
    scanner.blanks()
    if scanner.takes(","):
        return Items((_unary(scanner),))
    found = scanner.takes_match(_UNARY)
    if found is not None:
        operator = next(text for text in found.groups() if text).lower()
        return Unary("not" if operator == "!" else operator, _unary(scanner))
    if scanner.sees("["):
        kind = atoms.type_name(scanner)
        if scanner.sees("::"):
            return _postfix(scanner, kind)
        scanner.blanks()
        return Cast(kind, _unary(scanner)) if atoms.starts_value(scanner) else kind
    return _postfix(scanner, atoms.atom(scanner))


def with_members(scanner: Scanner) -> Expression:
    """A value with its members, as it may stand among a command's arguments."""
    return _postfix(scanner, atoms.atom(scanner))


def _postfix(scanner: Scanner, target: Expression) -> Expression:
    while True:
        if scanner.takes("::"):
            target = _member(scanner, target, static=True)
        elif scanner.sees(".") and not scanner.sees("..") and not isinstance(target, TypeName):
            scanner.expect(".")
            target = _member(scanner, target, static=False)
        elif scanner.sees("[") and not isinstance(target, TypeName):
            scanner.expect("[")
            index = expression(scanner)
            scanner.lines()
            scanner.expect("]")
            target = Index(target, index)
        else:
            return target


def _member(scanner: Scanner, target: Expression, *, static: bool) -> Expression:
    found = scanner.takes_match(_MEMBER_NAME)
    name: Expression = Literal(found[0]) if found else atoms.atom(scanner)
    if not scanner.takes("("):
        return Member(target, name, static)
    arguments: list[Expression] = []
    scanner.lines()
    while not scanner.takes(")"):
        arguments.append(one(scanner))
        scanner.lines()
        scanner.takes(",")
        scanner.lines()
    return Member(target, name, static, tuple(arguments))
