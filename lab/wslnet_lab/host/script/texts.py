"""Parses texts in quotes, with the variables and expressions that stand in those in double quotes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from wslnet_lab.host.script import atoms, statements
from wslnet_lab.host.script.scanner import Scanner
from wslnet_lab.host.script.syntax import Grouped, Literal, Malformed, Text

if TYPE_CHECKING:
    from wslnet_lab.host.script.syntax import Expression

_HERE = re.compile(r"@(['\"])[ \t]*\r?\n(?:(.*?)\r?\n)??\1@", re.DOTALL)
_SINGLE_QUOTES = "'\u2018\u2019\u201a\u201b"
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}


def single(scanner: Scanner) -> Literal:
    """A text in single quotes; a doubled quote stands for one.

    Raises:
        Malformed: It does not end.
    """
    scanner.expect("'")
    held: list[str] = []
    while not scanner.ended:
        character = scanner.text[scanner.at]
        scanner.at += 1
        if character not in _SINGLE_QUOTES:
            held.append(character)
        elif not scanner.ended and scanner.text[scanner.at] in _SINGLE_QUOTES:
            held.append(scanner.text[scanner.at])
            scanner.at += 1
        else:
            return Literal("".join(held))
    raise Malformed("a text in single quotes does not end")


def double(scanner: Scanner) -> Expression:
    """A text in double quotes.

    Raises:
        Malformed: It does not end.
    """
    scanner.expect('"')
    return _parts(scanner, quoted=True)


def here(scanner: Scanner) -> Expression:
    """A here-text: the lines between its marks.

    Raises:
        Malformed: It does not end.
    """
    found = scanner.takes_match(_HERE)
    if found is None:
        raise Malformed(f"the here-text at {scanner.rest()!r} does not end")
    lines = found[2] or ""
    return Literal(lines) if found[1] == "'" else expandable(lines)


def expandable(text: str) -> Expression:
    """The whole of `text` as if it stood in double quotes (ExpandString)."""
    return _parts(Scanner(text), quoted=False)


def _parts(scanner: Scanner, *, quoted: bool) -> Expression:
    parts: list[str | Expression] = []
    held: list[str] = []
    while not scanner.ended:
        if quoted and scanner.sees('"'):
            scanner.at += 1
            if not scanner.sees('"'):
                parts.append("".join(held))
                return Text(tuple(part for part in parts if part != ""))
            held.append('"')
            scanner.at += 1
        elif scanner.sees("$(") or atoms.sees_variable(scanner):
            parts.extend(("".join(held), _filled(scanner)))
            held = []
        else:
            held.append(_character(scanner))
    if quoted:
        raise Malformed("a text in double quotes does not end")
    parts.append("".join(held))
    return Text(tuple(part for part in parts if part != ""))


def _filled(scanner: Scanner) -> Expression:
    if scanner.takes("$("):
        return Grouped("$", statements.until(scanner, ")"))
    return atoms.variable(scanner)


def _character(scanner: Scanner) -> str:
    character = scanner.text[scanner.at]
    scanner.at += 1
    if character != "`" or scanner.ended:
        return character
    escaped = scanner.text[scanner.at]
    scanner.at += 1
    return _ESCAPES.get(escaped, escaped)
