"""`wslnet forward`: ports of WSL and of nested VMs for Windows and the LAN."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

import click

from wslnet.cli.carry_out import carry_out, show_only
from wslnet.cli.forward_link import link
from wslnet.cli.options import guarded, inventory_option, json_option, load
from wslnet.cli.output import print_json, print_line, progress

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from wslnet.app.setup import Prepared
    from wslnet.cli.options import Run
    from wslnet.model.machine import Inventory


@click.group()
def forward() -> None:
    """Publish ports of WSL or of nested VMs to Windows and the LAN, by the means that the mode allows."""


forward.add_command(link)


@forward.command()
@click.option("--to", "target", required=True, metavar="MACHINE:PORT", help="Who answers: wsl:8080, vm2:22.")
@click.option(
    "--listen",
    required=True,
    metavar="PORT[@lan|@host]",
    help="Port of Windows, for any source, the LAN, or Windows itself only.",
)
@click.option("--proto", type=click.Choice(["tcp", "udp"]), help="Default: tcp.")
@guarded
def add(
    ctx: click.Context,
    target: str,
    listen: str,
    proto: str | None,
    own_inventory: Path | None,
    **run: Unpack[Run],
) -> int:
    """Publish a port, proven by packets, or leave everything as it was."""
    from wslnet.app.forward import inventory_for, prepare_add  # noqa: PLC0415 - kept out of `wslnet --help`
    from wslnet.model.forward import forward_of  # noqa: PLC0415

    loaded = load(ctx, own_inventory)
    inventory = inventory_for(loaded, [forward_of(listen, target, proto)])
    return _run(loaded, inventory, "forward add", prepare_add, **run)


@forward.command()
@click.argument("listens", nargs=-1, required=True, metavar="PORT...")
@guarded
def remove(
    ctx: click.Context, listens: tuple[str, ...], own_inventory: Path | None, **run: Unpack[Run]
) -> int:
    """Take published ports back (2222 or udp/5353)."""
    from wslnet.app.forward import inventory_for, prepare_remove  # noqa: PLC0415
    from wslnet.model.forward import forward_of  # noqa: PLC0415

    loaded = load(ctx, own_inventory)
    keys = {forward_of(listen, "wsl:1").key for listen in listens}
    return _run(
        loaded,
        inventory_for(loaded, ()),
        "forward remove",
        lambda fleet, inventory, say: prepare_remove(fleet, inventory, keys, say),
        **run,
    )


@forward.command()
@guarded
def adopt(ctx: click.Context, own_inventory: Path | None, **run: Unpack[Run]) -> int:
    """Take portproxy rules over that lead to WSL, so that they follow its address."""
    from wslnet.app.forward import inventory_for  # noqa: PLC0415
    from wslnet.app.forward_rules import prepare_adopt  # noqa: PLC0415

    loaded = load(ctx, own_inventory)
    return _run(loaded, inventory_for(loaded, ()), "forward adopt", prepare_adopt, **run)


@forward.command()
@guarded
def prune(ctx: click.Context, own_inventory: Path | None, **run: Unpack[Run]) -> int:
    """Remove portproxy rules that mirrored mode made useless."""
    from wslnet.app.forward import inventory_for  # noqa: PLC0415
    from wslnet.app.forward_rules import prepare_prune  # noqa: PLC0415

    loaded = load(ctx, own_inventory)
    return _run(loaded, inventory_for(loaded, ()), "forward prune", prepare_prune, **run)


@forward.command("list")
@inventory_option
@json_option
@click.pass_context
def list_(ctx: click.Context, own_inventory: Path | None, *, as_json: bool) -> int:
    """Show what is published, by which means, and whether it is in place; and portproxy rules of others."""
    from wslnet.app.forward import inventory_for  # noqa: PLC0415
    from wslnet.app.forward_list import survey  # noqa: PLC0415
    from wslnet.app.forward_wish import declared  # noqa: PLC0415
    from wslnet.transport.connections import Connections  # noqa: PLC0415

    loaded = load(ctx, own_inventory)
    with Connections(inventory_for(loaded, declared(loaded))) as fleet:
        found = survey(fleet, progress(quiet=as_json))
    if as_json:
        print_json(found.to_json())
    else:
        for line in found.lines():
            print_line(line)
    return 0


@forward.command()
@inventory_option
@json_option
@click.pass_context
def check(ctx: click.Context, own_inventory: Path | None, *, as_json: bool) -> int:
    """Ask every published port with real packets, from Windows and the LAN; 1 when one does not answer."""
    from wslnet.app.forward import inventory_for  # noqa: PLC0415
    from wslnet.app.forward_list import ask  # noqa: PLC0415
    from wslnet.app.forward_wish import declared  # noqa: PLC0415
    from wslnet.cli.output import SCHEMA_VERSION  # noqa: PLC0415
    from wslnet.transport.connections import Connections  # noqa: PLC0415

    loaded = load(ctx, own_inventory)
    with Connections(inventory_for(loaded, declared(loaded))) as fleet:
        measured = ask(fleet, progress(quiet=as_json))
    if as_json:
        print_json({"schema_version": SCHEMA_VERSION, "pairs": [one.to_pair() for one in measured]})
    else:
        for one in measured:
            said = "not measured" if one.ok is None else "reached" if one.ok else "NOT reached"
            where = f"{one.probe.address}:{one.probe.port}/{one.probe.proto}"
            print_line(f"{said:12} {one.probe.source} -> {where} ({one.probe.target})  {one.detail}".rstrip())
        if not measured:
            print_line("Nothing is published.")
    return 1 if any(one.contradicts for one in measured) else 0


def _run(
    loaded: Inventory,
    inventory: Inventory,
    verb: str,
    prepare: Callable[..., Prepared],
    **run: Unpack[Run],
) -> int:
    from wslnet.app.forward import record  # noqa: PLC0415 - kept out of `wslnet --help`
    from wslnet.cli.render_run import print_result  # noqa: PLC0415
    from wslnet.transport.connections import Connections  # noqa: PLC0415

    as_json = run["as_json"]
    say = progress(quiet=as_json)
    with Connections(inventory) as fleet:
        prepared = prepare(fleet, loaded, say)
        if run["dry_run"]:
            return show_only(prepared.plan, None, as_json=as_json)
        recorded = None if prepared.plan.changes else record(prepared, loaded)
        if recorded is None:
            return carry_out(prepared, say, verb=verb, **run)
    if as_json:
        print_json(recorded.to_json())
    else:
        print_result(recorded)
    return recorded.exit_code
