"""`wslnet forward link`: WSL to WSL of two PCs on one LAN."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from wslnet.cli.options import dry_run_option, inventory_option, json_option, load, yes_option
from wslnet.cli.output import print_json, print_line, progress
from wslnet.cli.render_run import ask, print_plan, print_result

if TYPE_CHECKING:
    from wslnet.app.forward_link import LinkResult, Side


@click.command()
@click.option(
    "--with",
    "other",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The other PC's inventory.",
)
@click.option(
    "--port",
    "ports",
    multiple=True,
    required=True,
    metavar="[udp/]PORT[:PORT]",
    help="A port of both PCs on the LAN, and the port of WSL if that is another one.",
)
@yes_option
@dry_run_option
@inventory_option
@json_option
@click.pass_context
def link(
    ctx: click.Context,
    other: Path,
    ports: tuple[str, ...],
    own_inventory: Path | None,
    *,
    yes: bool,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Let WSL of this PC and WSL of another one on the LAN reach each other, proven by packets both ways."""
    from wslnet.app.forward_link import (  # noqa: PLC0415 - kept out of `wslnet --help`
        prepare_side,
        refuse_apart,
        run_link,
        side_inventory,
    )
    from wslnet.app.inventory_file import load_inventory  # noqa: PLC0415
    from wslnet.transport.connections import Connections  # noqa: PLC0415

    say = progress(quiet=as_json)
    one, two = load(ctx, own_inventory), load_inventory(other)
    with Connections(side_inventory(one, ports)) as here, Connections(side_inventory(two, ports)) as there:
        first, second = prepare_side(here, one, say), prepare_side(there, two, say)
        refuse_apart(first, second)
        pending = any(side.prepared is not None and side.prepared.plan.changes for side in (first, second))
        if dry_run:
            _show(first, second, as_json=as_json)
            return 10 if pending else 0
        if not as_json:
            _show(first, second, as_json=False)
        if pending and not yes:
            ask("forward link", as_json=as_json)
        result = run_link(first, second, say)
    _tell(result, as_json=as_json)
    return result.exit_code


def _show(*sides: Side, as_json: bool) -> None:
    plans = [(side, side.prepared.plan if side.prepared is not None else None) for side in sides]
    if as_json:
        listed = [
            {"inventory": str(side.loaded.path), "plan": plan.to_json() if plan is not None else None}
            for side, plan in plans
        ]
        print_json({"schema_version": 1, "sides": listed})
        return
    for side, plan in plans:
        print_line(f"{side.loaded.path} (WSL in mode {side.mode}, on the LAN at {side.address}):")
        if plan is None:
            print_line("Nothing to change.")
        else:
            print_plan(plan)


def _tell(result: LinkResult, *, as_json: bool) -> None:
    if as_json:
        print_json(result.to_json())
        return
    for side, run in result.sides:
        print_line(f"{side.loaded.path}:")
        print_result(run)
    for one in result.crossings:
        probe = one.measured.probe
        said = "not measured" if one.measured.ok is None else "reached" if one.measured.ok else "NOT reached"
        where = f"{one.target.address} {probe.proto}/{probe.port}"
        print_line(f"{said:12} WSL of {one.source.loaded.path} -> {where}  {one.measured.detail}".rstrip())
    if result.reason:
        print_line(f"reason: {result.reason}")
    print_line(f"link {result.result}")
