"""`wslnet setup`: shows the plan, asks, runs it, tells the result."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wslnet.cli.options import inventory_option, json_option, known_machine, load, refuse_inside_wsl
from wslnet.cli.output import print_json, progress
from wslnet.cli.render_run import ask, print_plan, print_result
from wslnet.errors import InputError
from wslnet.model.allow import parse_allow

if TYPE_CHECKING:
    from wslnet.app.setup import Prepared


@click.command()
@click.option("--mirrored", "mode", flag_value="mirrored", help="WSL shares Windows' own addresses.")
@click.option("--nat", "mode", flag_value="nat", help="WSL behind Windows, which routes between switches.")
@click.option("--allow", "allow", multiple=True, metavar="PROTO/PORT[@lan]", help="Let a port into WSL.")
@click.option("--open-all", is_flag=True, help="DefaultInboundAction Allow: everything may come in.")
@click.option("--host-loopback", is_flag=True, help="Also write hostAddressLoopback.")
@click.option("--recommended", is_flag=True, help="Also write the recommended keys.")
@click.option("--lan-peer", metavar="NAME", help="The peer that the LAN's side is measured from.")
@click.option("--dry-run", is_flag=True, help="Only make the plan; exit 10 when changes are pending.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write the plan to a file."
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@inventory_option
@json_option
@click.pass_context
def setup(  # noqa: PLR0917 - click passes options by name
    ctx: click.Context,
    mode: str | None,
    allow: tuple[str, ...],
    open_all: bool,  # noqa: FBT001
    host_loopback: bool,  # noqa: FBT001
    recommended: bool,  # noqa: FBT001
    lan_peer: str | None,
    dry_run: bool,  # noqa: FBT001
    output: Path | None,
    yes: bool,  # noqa: FBT001
    own_inventory: Path | None,
    as_json: bool,  # noqa: FBT001
) -> int:
    """Set up a networking mode as one workflow, proven by packets, or rolled back."""
    from wslnet.app.execute import execute  # noqa: PLC0415 - kept out of `wslnet --help`
    from wslnet.app.setup import prepare, wish_for  # noqa: PLC0415
    from wslnet.profiles.modes import SetupOptions  # noqa: PLC0415
    from wslnet.transport.connections import Connections  # noqa: PLC0415

    if mode is None:
        raise InputError("setup: give the mode: --mirrored or --nat")
    refuse_inside_wsl("setup")
    allows = tuple(parse_allow(text) for text in allow)
    options = SetupOptions(allows, open_all, host_loopback, recommended, lan_peer)
    inventory = wish_for(load(ctx, own_inventory), mode, options)
    if lan_peer is not None:
        known_machine(inventory, lan_peer)
    say = progress(quiet=as_json)
    with Connections(inventory) as fleet:
        prepared = prepare(fleet, mode, options, say)
        if dry_run or output is not None:
            return _show_only(prepared, output, as_json=as_json)
        if not as_json:
            print_plan(prepared.plan)
        if prepared.plan.changes and not yes:
            ask("setup", as_json=as_json)
        result = execute(prepared, say)
    if as_json:
        print_json(result.to_json())
    else:
        print_result(result)
    return result.exit_code


def _show_only(prepared: Prepared, output: Path | None, *, as_json: bool) -> int:
    document = prepared.plan.to_json()
    if output is not None:
        try:
            output.write_text(json.dumps(document, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
        except OSError as error:
            raise InputError(f"{output}: cannot be written: {error.strerror}") from error
    if as_json:
        print_json(document)
    else:
        print_plan(prepared.plan)
    return 10 if prepared.plan.changes else 0
