"""`wslnet rules`: show the filter and NAT rules of Linux machines, delete one by its exact words."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Unpack

import click

from wslnet.cli.carry_out import carry_out
from wslnet.cli.options import guarded, inventory_option, json_option, load
from wslnet.cli.output import print_json, progress

if TYPE_CHECKING:
    from wslnet.cli.options import Run

_TABLES = ("filter", "nat", "mangle", "raw", "security", "all")


@click.group()
def rules() -> None:
    """Filter and NAT rules of any Linux machine, decoded, numbered, with counters."""


@rules.command()
@click.argument("table", type=click.Choice(_TABLES), default="all", metavar="[TABLE]")
@click.option("--machine", "machines", multiple=True, metavar="NAME", help="Only this machine (repeatable).")
@click.option("--chain", "chains", multiple=True, metavar="NAME", help="Only this chain (repeatable).")
@click.option("--family", type=click.Choice(["4", "6"]), help="Only IPv4 or only IPv6.")
@click.option(
    "--file",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Decode what somebody saved (iptables-save, -S, -L, nft) instead of asking machines.",
)
@click.option("--order", is_flag=True, help="What forwarded packets meet, in the order of the kernel.")
@inventory_option
@json_option
@click.pass_context
def show(  # noqa: PLR0917 - click passes options by name
    ctx: click.Context,
    table: str,
    machines: tuple[str, ...],
    chains: tuple[str, ...],
    family: str | None,
    path: Path | None,
    own_inventory: Path | None,
    *,
    order: bool,
    as_json: bool,
) -> int:
    """Show the rules of all back ends: number, id, packets, bytes, words, owner. No name is ever resolved.

    TABLE is filter, nat, mangle, raw, security or all; tables of nftables count by the kind of their chains.
    """
    from wslnet.app.rules import listed, listed_file, survey  # noqa: PLC0415 - kept out of `wslnet --help`
    from wslnet.cli.render_rules import Selection, document, lines, ordered_lines  # noqa: PLC0415
    from wslnet.transport.connections import Connections  # noqa: PLC0415

    selection = Selection(table, frozenset(chains))
    if path is not None:
        found = listed_file(path)
    else:
        with Connections(load(ctx, own_inventory)) as fleet:
            found = listed(survey(fleet, machines), (int(family),) if family else (4, 6))
    if as_json:
        print_json(document(found, selection))
        return 0
    for line in ordered_lines(found, selection) if order else lines(found, selection):
        click.echo(line)
    return 0


# The words of a rule begin with a dash.
@rules.command(context_settings={"ignore_unknown_options": True})
@click.argument("machine")
@click.argument("rule", type=click.UNPROCESSED)
@guarded
def delete(
    ctx: click.Context,
    machine: str,
    rule: str,
    own_inventory: Path | None,
    **run: Unpack[Run],
) -> int:
    """Delete a rule, given by the id that `show` prints or by its exact words; `undo` puts it back."""
    from wslnet.app.rules import nothing_wished, prepare_deletion  # noqa: PLC0415 - as above
    from wslnet.transport.connections import Connections  # noqa: PLC0415

    say = progress(quiet=run["as_json"])
    with Connections(nothing_wished(load(ctx, own_inventory))) as fleet:
        prepared = prepare_deletion(fleet, machine, rule)
        return carry_out(prepared, say, verb="rules delete", **run)
