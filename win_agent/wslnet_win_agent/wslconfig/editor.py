"""Changes one key of a `.wslconfig` or `wsl.conf` and leaves every other byte as it is.

Keeps encoding, byte order mark, line ends, comments and a missing line end at the end of the file. Each
result is read again before it is given out: an edit that would change what another key means is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .encoding import WslConfigError, decode
from .reader import read
from .syntax import Kind, parse
from .tables import WSLCONFIG

if TYPE_CHECKING:
    from .schema import Schema
    from .syntax import Statement

_BLANKS = " \t"
_ESCAPED = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\b": "\\b"})


@dataclass(frozen=True, slots=True)
class _Splice:
    """Replace the characters from `start` to `end`."""

    start: int
    end: int
    new: str


def set_value(data: bytes, section: str, key: str, value: str, schema: Schema = WSLCONFIG) -> bytes:
    """Give the file with `key` of `section` (WSL's spelling: `wsl2`, `networkingMode`) set to `value`.

    The line that holds is edited (the first one, an alias included); without one the key goes to the end of
    its first section, without that section both go to the end of the file. The same value again gives
    the same bytes.

    Raises:
        WslConfigError: `unknown-key`, `utf-16`, `truncated`, `not-encodable`, `bad-value`, `stopped` when
            WSL does not read as far as the line would stand, or `unsafe` when another key would change
            its meaning.
    """
    name = _known(schema, section, key)
    decoded = decode(data)
    statements = _read_by_wsl(parse(decoded.text), schema)
    holding = _holding(schema, statements, name)
    if holding is not None and holding.value == value:
        return data
    raw = _written(value)
    if holding is not None:
        splice = _Splice(holding.value_start, holding.value_end, raw)
    else:
        splice = _insertion(schema, decoded.text, statements, name, raw)
    edited = decoded.encode(_applied(decoded.text, (splice,)))
    _verify(schema, data, edited, name, value)
    return edited


def unset_value(data: bytes, section: str, key: str, schema: Schema = WSLCONFIG) -> bytes:
    """Give the file without any line for `key` of `section`, aliases included; trailing comments stay.

    Raises:
        WslConfigError: as `set_value` does.
    """
    name = _known(schema, section, key)
    decoded = decode(data)
    splices = []
    for statement in parse(decoded.text):
        if _is_line_of(schema, statement, name):
            tail = decoded.text[statement.value_end : statement.end].lstrip(_BLANKS)
            splices.append(_Splice(statement.start, statement.end, tail if tail.startswith("#") else ""))
    if not splices:
        return data
    edited = decoded.encode(_applied(decoded.text, tuple(splices)))
    _verify(schema, data, edited, name, None)
    return edited


def _known(schema: Schema, section: str, key: str) -> str:
    name = f"{section}.{key}"
    if name not in schema.known:
        raise WslConfigError("unknown-key", f"WSL does not know the key {name}")
    return name


def _read_by_wsl(statements: tuple[Statement, ...], schema: Schema) -> tuple[Statement, ...]:
    """Those up to the line at which WSL stops, if this kind of file has such."""
    if not schema.stops:
        return statements
    bad = next((at for at, one in enumerate(statements) if one.problem), None)
    return statements if bad is None else statements[: bad + 1]


def _is_line_of(schema: Schema, statement: Statement, name: str) -> bool:
    return statement.kind is Kind.KEY and schema.canonical(statement.section, statement.key) == name


def _holding(schema: Schema, statements: tuple[Statement, ...], name: str) -> Statement | None:
    return next((each for each in statements if _is_line_of(schema, each, name)), None)


def _written(value: str) -> str:
    raw = value.translate(_ESCAPED)
    if "\r" in value or "\x1a" in value:
        raise WslConfigError("bad-value", f"{value!r} cannot be written")
    if "#" in value or value != value.strip(_BLANKS):
        return f'"{raw}"'
    return raw


def _insertion(schema: Schema, text: str, statements: tuple[Statement, ...], name: str, raw: str) -> _Splice:
    section, _, key = name.partition(".")
    place = _end_of_section(statements, section)
    new = f"{key}={raw}"
    if place is None:
        if schema.stops and statements and statements[-1].problem:
            line = statements[-1].line
            raise WslConfigError("stopped", f"WSL stops reading at line {line}: correct or remove it first")
        place = len(text)
        line_end = _line_end_of(text, len(text), schema.line_end)
        gap = line_end if text and not text.endswith((line_end * 2, "\n\n")) else ""
        new = f"{gap}[{section}]{line_end}{new}"
    else:
        line_end = _line_end_of(text, place, schema.line_end)
    if place and not text[:place].endswith(("\n", "\r")):
        return _Splice(place, place, line_end + new)
    return _Splice(place, place, new + line_end)


def _end_of_section(statements: tuple[Statement, ...], section: str) -> int | None:
    """Behind the last line that counts in the first block of the section; None without one.

    Blank lines and comments at the end of a block mostly belong to what follows.
    """
    end = None
    for statement in statements:
        if end is None:
            if statement.kind is Kind.SECTION and statement.section.casefold() == section.casefold():
                end = statement.end
        elif statement.kind in (Kind.SECTION, Kind.BROKEN_SECTION):
            break
        elif statement.kind is Kind.KEY:
            end = statement.end
    return end


def _line_end_of(text: str, place: int, default: str) -> str:
    """The line end in use before `place`, else anywhere, else `default`."""
    before = text.rfind("\n", 0, place)
    at = before if before >= 0 else text.find("\n")
    if at < 0:
        return default
    return "\r\n" if text[at - 1 : at] == "\r" else "\n"


def _applied(text: str, splices: tuple[_Splice, ...]) -> str:
    parts, at = [], 0
    for splice in splices:
        parts += [text[at : splice.start], splice.new]
        at = splice.end
    return "".join([*parts, text[at:]])


def _verify(schema: Schema, before: bytes, after: bytes, name: str, value: str | None) -> None:
    """Read both again: the key is as asked, every other line means what it meant, unknown keys included.

    A backslash at the end of the file would become a continuation by the line end put behind it.
    """
    old = {key: each.value for key, each in read(before, schema).effective.items() if key != name}
    new = {key: each.value for key, each in read(after, schema).effective.items()}
    got = new.pop(name, None)
    if got != value or new != old or _others(schema, before, name) != _others(schema, after, name):
        raise WslConfigError("unsafe", f"{name} cannot be changed without changing another line's meaning")


def _others(schema: Schema, data: bytes, name: str) -> list[tuple[str, str, str]]:
    """Every entry that WSL reads and that is not of this key, in order."""
    statements = _read_by_wsl(parse(decode(data).text), schema)
    entries = (each for each in statements if each.kind is Kind.KEY and not _is_line_of(schema, each, name))
    return [(each.section, each.key, each.value) for each in entries]
