"""What `wslnet config` prints of the files on the machines, as text and as JSON documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wslnet.cli.output import SCHEMA_VERSION, print_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wslnet.app.config_machine import MachineFiles
    from wslnet.app.config_report import Difference


def document(found: MachineFiles, key: str | None = None) -> dict[str, Any]:
    """The contract's document over all files read: `file` is the first, each entry names its own."""
    from wslnet.app.config_report import report  # noqa: PLC0415 - kept out of `wslnet --help`

    effective: dict[str, Any] = {}
    findings: list[Any] = []
    for file in found.files:
        told: Any = report(file, key)
        effective |= {name: {**entry, "file": file.path} for name, entry in told["effective"].items()}
        findings += [{**one, "file": file.path} for one in told["findings"]]
    return {
        "schema_version": SCHEMA_VERSION,
        "file": found.files[0].path,
        "files": [file.path for file in found.files],
        "effective": effective,
        "findings": findings,
        "unread": unread(found),
    }


def unread(found: MachineFiles) -> list[dict[str, str]]:
    """The files that could not be read, and why."""
    return [{"file": one.file, "machine": one.machine, "reason": one.error.message} for one in found.unread]


def print_findings(path: str, findings: Sequence[Any]) -> None:
    """The findings of lint of one file, a line each."""
    for one in findings:
        hint = f"; {one['suggestion']}" if one["suggestion"] else ""
        key = f"{one['key']}: " if one["key"] else ""
        print_line(f"{path}:{one['line']}: {one['code']}: {key}{one['message']}{hint}")
    print_line(f"{path}: {len(findings)} findings" if findings else f"{path}: WSL takes every line")


def print_unread(found: MachineFiles) -> None:
    """A line for each file that could not be read."""
    for one in found.unread:
        print_line(f"{one.file} of {one.machine} was not read: {one.error.message}")


def difference(one: Difference, path: str) -> dict[str, Any]:
    """One row of `config diff`."""
    return {
        "file": path,
        "key": one.key,
        "line": one.line,
        "written": one.written,
        "used": one.used,
        "now": one.now,
        "reason": one.reason,
    }


def print_difference(one: Difference, path: str) -> None:
    """The same for people."""
    place = f"{path}:{one.line}: {one.written}" if one.line else f"{path}: {one.key} {one.written}"
    now = f", now {one.now}" if one.now is not None else ""
    print_line(f"{place}: WSL uses {one.used}{now} ({one.reason})")
