"""`wslnet config`: `.wslconfig` and `wsl.conf`, read as WSL reads them and edited without losing a byte."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from wslnet.cli.options import json_option
from wslnet.cli.output import SCHEMA_VERSION, print_json, print_line
from wslnet.errors import InputError

if TYPE_CHECKING:
    from wslnet.app.config_file import ConfigFile

F = TypeVar("F", bound=Callable[..., Any])

_FOUND = 11


def _on_a_file(command: F) -> F:
    for option in (
        click.option("--file", "path", type=click.Path(path_type=Path, dir_okay=False), required=True,
                     help="The file; no machine is needed."),
        click.option("--kind", type=click.Choice(["wslconfig", "wsl.conf"]), help="What the file is, if its "
                     "name does not tell."),
    ):  # fmt: skip
        command = option(command)
    return json_option(command)


@click.group()
def config() -> None:
    """`.wslconfig` and `/etc/wsl.conf`, lossless: every byte that was not asked to change stays."""


@config.command()
@click.argument("name", metavar="SECTION.KEY")
@_on_a_file
def get(name: str, path: Path, kind: str | None, *, as_json: bool) -> int:
    """Show the value that WSL takes for one key, and from which line."""
    from wslnet.app.config_file import known_key  # noqa: PLC0415 - kept out of `wslnet --help`
    from wslnet.app.config_report import report  # noqa: PLC0415

    file = _there(path, kind)
    key = known_key(file.schema, name)
    if as_json:
        print_json(report(file, key))
        return 0
    setting = file.config.effective.get(key)
    if setting is None:
        print_line(f"{key} is not set: WSL takes {file.schema.defaults[key]}")
    elif not setting.valid:
        print_line(f"{key}={setting.value} (line {setting.line}) is not valid: "
                   f"WSL takes {file.schema.defaults[key]}")  # fmt: skip
    else:
        print_line(f"{key}={setting.value} (line {setting.line})")
    return 0


@config.command("set")
@click.argument("name", metavar="SECTION.KEY")
@click.argument("value")
@_on_a_file
def set_key(name: str, value: str, path: Path, kind: str | None, *, as_json: bool) -> int:
    """Set one key; the line that holds is edited, or one is added to its section."""
    return _edit(path, kind, name, value, as_json=as_json)


@config.command()
@click.argument("name", metavar="SECTION.KEY")
@_on_a_file
def unset(name: str, path: Path, kind: str | None, *, as_json: bool) -> int:
    """Remove every line of one key, so that WSL's default holds."""
    return _edit(path, kind, name, None, as_json=as_json)


@config.command()
@click.option("--strict", is_flag=True, help="Exit 11 when anything was found.")
@_on_a_file
def lint(path: Path, kind: str | None, *, strict: bool, as_json: bool) -> int:
    """Say what WSL drops, ignores or takes otherwise than it reads."""
    from wslnet.app.config_report import report  # noqa: PLC0415 - kept out of `wslnet --help`

    document = report(_there(path, kind))
    findings: Any = document["findings"]
    if as_json:
        print_json(document)
    else:
        for one in findings:
            hint = f"; {one['suggestion']}" if one["suggestion"] else ""
            key = f"{one['key']}: " if one["key"] else ""
            print_line(f"{path}:{one['line']}: {one['code']}: {key}{one['message']}{hint}")
        print_line(f"{path}: {len(findings)} findings" if findings else f"{path}: WSL takes every line")
    return _FOUND if strict and findings else 0


@config.command()
@_on_a_file
def diff(path: Path, kind: str | None, *, as_json: bool) -> int:
    """Show the lines that do not do what they read, with what WSL will really use."""
    from wslnet.app.config_report import differences  # noqa: PLC0415 - kept out of `wslnet --help`

    found = differences(_there(path, kind))
    if as_json:
        rows = [
            {"key": one.key, "line": one.line, "written": one.written, "used": one.used, "reason": one.reason}
            for one in found
        ]
        print_json({"schema_version": SCHEMA_VERSION, "file": str(path), "differences": rows})
        return 0
    for one in found:
        print_line(f"{path}:{one.line}: {one.written}: WSL uses {one.used} ({one.reason})")
    if not found:
        print_line(f"{path}: WSL uses what it says")
    return 0


def _there(path: Path, kind: str | None) -> ConfigFile:
    from wslnet.app.config_file import local_file  # noqa: PLC0415 - as above

    file = local_file(path, kind)
    if file.content is None:
        raise InputError(f"{path}: there is no such file")
    return file


def _edit(path: Path, kind: str | None, name: str, value: str | None, *, as_json: bool) -> int:
    from wslnet.app.config_file import edited, known_key, local_file, replace_local  # noqa: PLC0415 - as above
    from wslnet.app.config_report import report  # noqa: PLC0415

    file = local_file(path, kind)
    key = known_key(file.schema, name)
    content = edited(file, key, value)
    changed = content != (file.content or b"")
    if changed:
        replace_local(path, content)
    if as_json:
        after = local_file(path, kind)
        print_json(report(after, key) | {"changed": changed})
    else:
        what = f"{key}={value}" if value is not None else f"{key} removed"
        print_line(f"{path}: {what}" if changed else f"{path}: unchanged")
    return 0
