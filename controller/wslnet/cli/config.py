"""`wslnet config`: `.wslconfig` and `wsl.conf`, read as WSL reads them and edited without losing a byte.

With `--file` any file, without a machine; otherwise those of the inventory's Windows and WSL, where an edit
is a plan like any other.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from wslnet.cli.carry_out import carry_out
from wslnet.cli.config_hosts import hosts
from wslnet.cli.config_machine import (
    difference,
    document,
    print_difference,
    print_findings,
    print_unread,
    unread,
)
from wslnet.cli.config_nat import nat_pin
from wslnet.cli.options import (
    confirm_within_option,
    dry_run_option,
    inventory_option,
    json_option,
    load,
    refuse_inside_wsl,
    yes_option,
)
from wslnet.cli.output import SCHEMA_VERSION, print_json, print_line, progress
from wslnet.errors import InputError

if TYPE_CHECKING:
    from wslnet.app.config_file import ConfigFile
    from wslnet.app.config_machine import MachineFiles
    from wslnet_win_agent.wslconfig import Schema

F = TypeVar("F", bound=Callable[..., Any])

_FOUND = 11


def _which(command: F) -> F:
    for option in (
        click.option("--file", "path", type=click.Path(path_type=Path, dir_okay=False),
                     help="Any file of this computer instead; no machine is needed."),
        click.option("--kind", type=click.Choice(["wslconfig", "wsl.conf"]),
                     help="Which of the two files, if the key or the file's name does not tell."),
        inventory_option,
    ):  # fmt: skip
        command = option(command)
    return json_option(command)


def _editing(command: F) -> F:
    for option in (
        click.option("--restart", is_flag=True, help="Restart WSL in the same run, so that it counts."),
        dry_run_option,
        yes_option,
        confirm_within_option,
    ):
        command = option(command)
    return command


_wake_option = click.option("--wake", is_flag=True, help="Start a stopped WSL to read its wsl.conf.")


@click.group()
def config() -> None:
    """`.wslconfig` and `/etc/wsl.conf`, lossless: every byte that was not asked to change stays."""


config.add_command(hosts)
config.add_command(nat_pin)


@config.command()
@click.argument("name", metavar="SECTION.KEY")
@_wake_option
@_which
@click.pass_context
def get(
    ctx: click.Context,
    name: str,
    path: Path | None,
    kind: str | None,
    own_inventory: Path | None,
    *,
    wake: bool,
    as_json: bool,
) -> int:
    """Show the value that WSL takes for one key, and from which line."""
    from wslnet.app.config_file import known_key  # noqa: PLC0415 - kept out of `wslnet --help`
    from wslnet.app.config_machine import schema_of_key  # noqa: PLC0415
    from wslnet.app.config_report import report  # noqa: PLC0415

    if path is not None:
        file = _there(path, kind)
        key = known_key(file.schema, name)
        told = report(file, key)
    else:
        schema, key = schema_of_key(name, kind)
        found = _read(ctx, own_inventory, (schema,), wake=wake)
        file = found.files[0]
        told = document(found, key)
    if as_json:
        print_json(told)
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
@_editing
@_which
@click.pass_context
def set_key(ctx: click.Context, /, name: str, value: str, **options: Any) -> int:  # noqa: ANN401 - click passes options by name
    """Set one key; the line that holds is edited, or one is added to its section."""
    return _edit(ctx, name, value, verb="config set", **options)


@config.command()
@click.argument("name", metavar="SECTION.KEY")
@_editing
@_which
@click.pass_context
def unset(ctx: click.Context, /, name: str, **options: Any) -> int:  # noqa: ANN401 - click passes options by name
    """Remove every line of one key, so that WSL's default holds."""
    return _edit(ctx, name, None, verb="config unset", **options)


@config.command()
@click.option("--strict", is_flag=True, help="Exit 11 when anything was found.")
@_wake_option
@_which
@click.pass_context
def lint(
    ctx: click.Context,
    path: Path | None,
    kind: str | None,
    own_inventory: Path | None,
    *,
    strict: bool,
    wake: bool,
    as_json: bool,
) -> int:
    """Say what WSL drops, ignores or takes otherwise than it reads."""
    from wslnet.app.config_report import report  # noqa: PLC0415 - kept out of `wslnet --help`

    if path is not None:
        told: Any = report(_there(path, kind))
        by_file = {str(path): told["findings"]}
    else:
        found = _read(ctx, own_inventory, _kinds(kind), wake=wake)
        told = document(found)
        by_file = {one.path: [each for each in told["findings"] if each["file"] == one.path]
                   for one in found.files}  # fmt: skip
    if as_json:
        print_json(told)
    else:
        for name, findings in by_file.items():
            print_findings(name, findings)
        if path is None:
            print_unread(found)
    return _FOUND if strict and told["findings"] else 0


@config.command()
@_wake_option
@_which
@click.pass_context
def diff(
    ctx: click.Context,
    path: Path | None,
    kind: str | None,
    own_inventory: Path | None,
    *,
    wake: bool,
    as_json: bool,
) -> int:
    """Show the lines that do not do what they read, and what WSL will use but does not use now."""
    from wslnet.app.config_in_force import not_in_force  # noqa: PLC0415 - kept out of `wslnet --help`
    from wslnet.app.config_report import differences  # noqa: PLC0415

    if path is not None:
        rows = [(str(path), one) for one in differences(_there(path, kind))]
        missing: list[dict[str, str]] = []
    else:
        found = _read(ctx, own_inventory, _kinds(kind), wake=wake)
        rows = [(file.path, one) for file in found.files for one in differences(file)]
        rows += not_in_force(found)
        missing = unread(found)
    if as_json:
        told = [difference(one, name) for name, one in rows]
        head = {"file": str(path)} if path is not None else {"file": found.files[0].path, "unread": missing}
        print_json({"schema_version": SCHEMA_VERSION, **head, "differences": told})
        return 0
    for name, one in rows:
        print_difference(one, name)
    if not rows:
        print_line(f"{path}: WSL uses what it says" if path is not None else "WSL uses what its files say")
    if path is None:
        print_unread(found)
    return 0


def _kinds(kind: str | None) -> tuple[Schema, ...]:
    from wslnet.app.config_file import KINDS  # noqa: PLC0415 - as above

    return tuple(KINDS.values()) if kind is None else (KINDS[kind],)


def _read(ctx: click.Context, own: Path | None, kinds: tuple[Schema, ...], *, wake: bool) -> MachineFiles:
    from wslnet.app.config_machine import read_files  # noqa: PLC0415 - as above
    from wslnet.transport.connections import Connections  # noqa: PLC0415

    with Connections(load(ctx, own)) as fleet:
        return read_files(fleet, kinds, wake=wake)


def _there(path: Path, kind: str | None) -> ConfigFile:
    from wslnet.app.config_file import local_file  # noqa: PLC0415 - as above

    file = local_file(path, kind)
    if file.content is None:
        raise InputError(f"{path}: there is no such file")
    return file


def _edit(
    ctx: click.Context,
    name: str,
    value: str | None,
    *,
    verb: str,
    path: Path | None,
    kind: str | None,
    own_inventory: Path | None,
    restart: bool,
    dry_run: bool,
    yes: bool,
    confirm_within: float | None,
    as_json: bool,
) -> int:
    if path is not None:
        if restart or confirm_within is not None:
            raise InputError(f"{verb} --file changes no machine: leave --restart and --confirm-within out")
        return _edit_file(path, kind, name, value, dry_run=dry_run, as_json=as_json)
    from wslnet.app.config_edit import prepare_edit, without_wish  # noqa: PLC0415 - as above
    from wslnet.app.config_machine import schema_of_key  # noqa: PLC0415
    from wslnet.transport.connections import Connections  # noqa: PLC0415

    if restart:
        refuse_inside_wsl(verb)
    schema, key = schema_of_key(name, kind)
    say = progress(quiet=as_json)
    inventory = load(ctx, own_inventory)
    with Connections(without_wish(inventory)) as fleet:
        prepared = prepare_edit(
            fleet, schema, key, value, say, restart_for=inventory.wish if restart else None
        )
        return carry_out(
            prepared,
            say,
            verb=verb,
            yes=yes,
            confirm_within=confirm_within,
            dry_run=dry_run,
            as_json=as_json,
        )


def _edit_file(
    path: Path, kind: str | None, name: str, value: str | None, *, dry_run: bool, as_json: bool
) -> int:
    from wslnet.app.config_file import edited, known_key, local_file, replace_local  # noqa: PLC0415 - as above
    from wslnet.app.config_report import report  # noqa: PLC0415

    file = local_file(path, kind)
    key = known_key(file.schema, name)
    content = edited(file, key, value)
    changed = content != (file.content or b"")
    if changed and not dry_run:
        replace_local(path, content)
    if as_json:
        after = file if dry_run else local_file(path, kind)
        print_json(report(after, key) | {"changed": changed})
    else:
        what = f"{key}={value}" if value is not None else f"{key} removed"
        would = "would be " if dry_run else ""
        print_line(f"{path}: {would}{what}" if changed else f"{path}: unchanged")
    return 10 if changed and dry_run else 0
