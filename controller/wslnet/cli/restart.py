"""`wslnet restart`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from wslnet.cli.consent import force_option
from wslnet.cli.options import inventory_option, json_option, load, refuse_inside_wsl, yes_option
from wslnet.cli.output import print_json, print_line, progress
from wslnet.cli.render_run import ask, print_plan, print_result

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@click.option("--dry-run", is_flag=True, help="Only say who is cut and what is put back; exit 10.")
@force_option
@yes_option
@inventory_option
@json_option
@click.pass_context
def restart(
    ctx: click.Context,
    own_inventory: Path | None,
    *,
    dry_run: bool,
    force: bool,
    yes: bool,
    as_json: bool,
) -> int:
    """Restart WSL: VMs down and up again, the mode measured, lost routes and accepts put back."""
    from wslnet.app.forward_wish import with_forwards  # noqa: PLC0415 - kept out of `wslnet --help`
    from wslnet.app.restart import prepare_restart, run_restart  # noqa: PLC0415
    from wslnet.transport.connections import Connections  # noqa: PLC0415

    refuse_inside_wsl("restart")
    inventory = with_forwards(load(ctx, own_inventory))
    say = progress(quiet=as_json)
    with Connections(inventory) as fleet:
        prepared = prepare_restart(fleet, say)
        if as_json and dry_run:
            print_json(prepared.plan.to_json())
        elif not as_json:
            print_plan(prepared.plan)
        if dry_run:
            return 10
        if not yes:
            ask("restart", as_json=as_json)
        result = run_restart(prepared, say, force=force)
    if as_json:
        print_json(result.to_json())
    else:
        print_result(result)
        for note in result.notes:
            print_line(f"note: {note}")
    return result.exit_code
