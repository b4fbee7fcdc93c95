"""What `wslnet config get`, `lint` and `diff` tell of a file, as data. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet_win_agent.wslconfig.encoding import WslConfigError, decode
from wslnet_win_agent.wslconfig.lint import lint
from wslnet_win_agent.wslconfig.syntax import Kind, parse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.app.config_file import ConfigFile
    from wslnet_win_agent.wslconfig import Finding
    from wslnet_win_agent.wslconfig.syntax import Statement

SCHEMA_VERSION = 1

_NOTHING = "(nothing)"
_BY_POLICY = "(what the policy says)"
_VOID = frozenset(
    {"unknown-key", "wrong-section", "wrong-file", "invalid-value", "dead-key", "too-new", "policy"}
    | {"bad-escape", "open-quote", "no-equals", "duplicate-key", "dns-conflict"}
)
"""Codes of findings that say that a line does not do what it reads."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A line that WSL does not take as it reads: what is `written`, and what WSL will really use.

    `now` is what the running WSL uses, where that is another value and was measured; `line` 0: not written.
    """

    key: str
    line: int
    written: str
    used: str
    reason: str
    now: str | None = None


def report(file: ConfigFile, only: str | None = None) -> dict[str, object]:
    """The contract's document of `config get` and `config lint`; `only` names one key."""
    config = file.config
    findings = lint(config, file.schema, file.around)
    return {
        "schema_version": SCHEMA_VERSION,
        "file": file.path,
        "effective": {
            name: {"value": setting.value, "line": setting.line}
            for name, setting in config.effective.items()
            if setting.valid and only in {None, name}
        },
        "findings": [told(one) for one in findings if only in {None, one.key}],
    }


def told(finding: Finding) -> dict[str, object]:
    """A finding as the contract has it."""
    return {
        "code": finding.code,
        "line": finding.line,
        "key": finding.key,
        "message": finding.message,
        "suggestion": finding.suggestion,
    }


def differences(file: ConfigFile) -> tuple[Difference, ...]:
    """The lines of a file that do not do what they read, in order."""
    try:
        text = decode(file.content or b"").text
    except WslConfigError as error:
        return (Difference("", 1, file.path, _NOTHING, str(error)),)
    findings = lint(file.config, file.schema, file.around)
    stop = next((one.line for one in findings if one.code == "stops-here"), None)
    return tuple(_differences(file, parse(text), findings, stop))


def _differences(
    file: ConfigFile, statements: tuple[Statement, ...], findings: tuple[Finding, ...], stop: int | None
) -> Iterator[Difference]:
    for one in statements:
        if one.kind is not Kind.KEY and not (one.kind is Kind.BROKEN and one.key):
            continue
        name = file.schema.canonical(one.section, one.key)
        written = f"{one.key}={one.value}".replace("\n", "\\n")
        shown = name or f"{one.section}.{one.key}".strip(".").replace("\0", "")
        if stop is not None and one.line > stop:
            yield Difference(shown, one.line, written, _used(file, name, ""), f"WSL stops at line {stop}")
            continue
        void = next((each for each in findings if each.line == one.line and each.code in _VOID), None)
        if void is not None:
            yield Difference(shown, one.line, written, _used(file, name, void.code), void.message)


def _used(file: ConfigFile, name: str | None, code: str) -> str:
    """What WSL takes in the place of a line that does not count, for the reason of `code`."""
    if name is None:
        return _NOTHING
    if code == "policy":
        return _BY_POLICY
    if code in {"dead-key", "dns-conflict"}:
        return _NOTHING
    holding = file.config.effective.get(name)
    if holding is not None and holding.valid and code != "too-new":
        return holding.value
    return file.schema.defaults[name]
