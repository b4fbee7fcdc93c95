"""What a `.wslconfig` or `wsl.conf` means to WSL: the value each key really has, what WSL drops and why.

Pure: bytes in, data out. The first line of a key wins even when its value is invalid, aliases are the
same key, and a line that cannot be parsed is skipped in `.wslconfig` and ends a `wsl.conf` (wsl-facts 1.1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .encoding import WslConfigError, decode
from .syntax import Kind, Statement, parse
from .tables import SCHEMAS, WSLCONFIG

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .schema import Schema

_ASCII_END = 0x80
_PROBLEMS = {
    "invalid-key": "a line must start with a letter, [ or #",
    "no-equals": "there is no = after the key",
    "bad-escape": "a backslash must be doubled; WSL drops the whole line",
    "open-quote": 'a quote " is not closed; WSL drops the whole line',
    "invalid-section": "a section is [ letters and digits ] without blanks; the line is not taken as one",
    "text-after-section": "only a comment may follow ]; the section is not entered",
}


@dataclass(frozen=True, slots=True)
class Setting:
    """The value that a key has, and the line that gives it (from 1). `valid` False: WSL keeps its default."""

    value: str
    line: int
    valid: bool = True


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing WSL drops or takes otherwise than it looks; `code` is a stable word."""

    code: str
    line: int
    key: str
    message: str
    suggestion: str = ""


@dataclass(frozen=True, slots=True)
class WslConfig:
    """The file as WSL sees it: `effective` maps WSL's own `section.key` to what the key has."""

    effective: Mapping[str, Setting]
    findings: tuple[Finding, ...]

    def value(self, name: str) -> str | None:
        """Give the value of `section.key` if the file sets it validly, else None (WSL's default holds)."""
        setting = self.effective.get(name)
        return setting.value if setting is not None and setting.valid else None


def read(data: bytes, schema: Schema = WSLCONFIG) -> WslConfig:
    """Read the bytes of a file of WSL's; one that WSL cannot read gives one finding and no settings."""
    try:
        decoded = decode(data)
    except WslConfigError as error:
        return WslConfig({}, (Finding(error.code, 1, "", str(error)),))
    effective: dict[str, Setting] = {}
    findings = list(_encoding_findings(decoded.text, decoded.rest))
    statements = parse(decoded.text)
    for statement in statements:
        findings.extend(_take(statement, effective, schema))
        if schema.stops and statement.problem:
            findings.extend(_stopped(statement, statements))
            break
    return WslConfig(effective, tuple(findings))


def _encoding_findings(text: str, rest: str) -> Iterator[Finding]:
    if any("\udc80" <= char <= "\udcff" for char in text):
        yield Finding("not-utf-8", 1, "", "bytes that are not UTF-8; WSL may stop reading there")
    if rest:
        line = text.count("\n") + 1
        yield Finding("ctrl-z", line, "", "a Ctrl-Z ends the file for WSL; what follows is not read")


def _stopped(statement: Statement, statements: tuple[Statement, ...]) -> Iterator[Finding]:
    lost = [one for one in statements if one.start > statement.start and one.kind is Kind.KEY]
    if lost:
        message = f"WSL stops reading here; lines {lost[0].line} to {lost[-1].line} do not count"
        yield Finding("stops-here", statement.line, "", message, "correct or remove this line")


def _take(statement: Statement, effective: dict[str, Setting], schema: Schema) -> Iterator[Finding]:
    written = f"{statement.section}.{statement.key}".strip(".").replace("\0", "")
    if statement.problem:
        yield Finding(statement.problem, statement.line, written, _PROBLEMS[statement.problem])
    if statement.kind is not Kind.KEY:
        return
    name = schema.canonical(statement.section, statement.key)
    if name is None:
        yield _unknown(statement, written, schema)
        return
    first = effective.get(name)
    if first is not None:
        message = f"the first one, in line {first.line}, holds; this one is ignored"
        yield Finding("duplicate-key", statement.line, name, message, "remove one of them")
        return
    valid = schema.is_valid(name, statement.value)
    effective[name] = Setting(statement.value, statement.line, valid)
    if not valid:
        message = f"{statement.value!r} is not valid; WSL keeps its default, and a later line does not count"
        yield Finding("invalid-value", statement.line, name, message, _meant(schema, name, statement.value))
    if any(ord(char) >= _ASCII_END for char in statement.value):
        message = "WSL cuts other than ASCII characters to one byte"
        yield Finding("not-ascii", statement.line, name, message)


def _meant(schema: Schema, name: str, value: str) -> str:
    meant = schema.nearest(name, value)
    return f"write {meant}" if meant else ""


def _unknown(statement: Statement, written: str, schema: Schema) -> Finding:
    key = statement.key
    retired = schema.retired.get(written.casefold())
    if retired is not None:
        return Finding("unknown-key", statement.line, written, retired, "remove it")
    right = schema.section_of(key)
    if right is not None and right.casefold() != statement.section.casefold():
        message = f"WSL knows {key} only in [{right}]"
        return Finding("wrong-section", statement.line, written, message, f"move it under [{right}]")
    for other in SCHEMAS:
        section = other.section_of(key)
        if other is not schema and section is not None:
            message = f"WSL knows {key} only in {other.name}, section [{section}]"
            return Finding("wrong-file", statement.line, written, message, f"move it to {other.name}")
    like = schema.like(key)
    suggestion = f"write {like.partition('.')[2]} under [{like.partition('.')[0]}]" if like else ""
    return Finding("unknown-key", statement.line, written, "WSL does not know this key", suggestion)
