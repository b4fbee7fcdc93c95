"""`wslnet forwarding`: show, enable and disable Windows' routing between its Hyper-V switches."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from wslnet.cli.carry_out import carry_out_unguarded
from wslnet.cli.options import inventory_option, json_option, load, unguarded
from wslnet.cli.output import SCHEMA_VERSION, print_json, print_line

if TYPE_CHECKING:
    from pathlib import Path

    from wslnet.app.forwarding import Selection, Survey

F = TypeVar("F", bound=Callable[..., Any])


def _selecting(command: F) -> F:
    for option in (
        click.option("--ipv6", is_flag=True, help="IPv6 too; WSL's NAT and the Default Switch have none."),
        click.option("--include-external", is_flag=True, help="Also what leads out of this PC."),
        click.option("--match", metavar="REGEX", help="Interface names, instead of note 003's pattern."),
    ):
        command = option(command)
    return command


@click.group()
def forwarding() -> None:
    """Windows' IP forwarding on its Hyper-V switches, by interface index and address family."""


@forwarding.command()
@_selecting
@inventory_option
@json_option
@click.pass_context
def show(
    ctx: click.Context,
    match: str | None,
    own_inventory: Path | None,
    *,
    include_external: bool,
    ipv6: bool,
    as_json: bool,
) -> int:
    """Show the interfaces, their flag, and which of them `enable` would mean."""
    from wslnet.app.forwarding import Selection, survey  # noqa: PLC0415 - kept out of `wslnet --help`
    from wslnet.transport.connections import Connections  # noqa: PLC0415

    with Connections(load(ctx, own_inventory)) as fleet:
        selection = Selection(match, include_external, ipv6)
        found = survey(fleet, selection)
    if as_json:
        print_json(_document(found, selection))
    else:
        _print(found)
    return 0


@forwarding.command()
@_selecting
@unguarded
def enable(ctx: click.Context, /, **options: Any) -> int:  # noqa: ANN401 - click passes options by name
    """Switch forwarding on, so that Windows routes between these switches; a reboot of Windows loses it."""
    return _switch(ctx, enabled=True, **options)


@forwarding.command()
@_selecting
@unguarded
def disable(ctx: click.Context, /, **options: Any) -> int:  # noqa: ANN401 - click passes options by name
    """Switch forwarding off."""
    return _switch(ctx, enabled=False, **options)


def _switch(
    ctx: click.Context,
    *,
    enabled: bool,
    match: str | None,
    own_inventory: Path | None,
    include_external: bool,
    ipv6: bool,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> int:
    from wslnet.app.forwarding import Selection, prepare  # noqa: PLC0415 - as above
    from wslnet.transport.connections import Connections  # noqa: PLC0415

    with Connections(load(ctx, own_inventory)) as fleet:
        prepared = prepare(fleet, Selection(match, include_external, ipv6), enabled=enabled)
        verb = f"forwarding {'enable' if enabled else 'disable'}"
        return carry_out_unguarded(prepared, verb=verb, dry_run=dry_run, yes=yes, as_json=as_json)


def _document(found: Survey, selection: Selection) -> dict[str, object]:
    return {
        "schema_version": SCHEMA_VERSION,
        "machine": found.machine,
        "match": selection.match,
        "interfaces": [
            {
                "index": choice.interface.index,
                "alias": choice.interface.alias,
                "family": choice.interface.family,
                "forwarding": choice.interface.forwarding,
                "connected": choice.interface.connected,
                "external": choice.external,
                "chosen": choice.chosen,
                "reason": choice.reason,
            }
            for choice in found.choices
        ],
        "notes": list(found.notes),
    }


def _print(found: Survey) -> None:
    if not found.choices:
        print_line(f"{found.machine}: no virtual switch; WSL makes its own at its first NAT start")
    for choice in found.choices:
        one = choice.interface
        flag = "Enabled " if one.forwarding else "Disabled"
        why = f"  (left out: {choice.reason})" if choice.reason else ""
        print_line(f"{found.machine}: {flag} {one.index:>4} IPv{one.family} {one.alias}{why}")
    for note in found.notes:
        print_line(f"  note: {note}")
