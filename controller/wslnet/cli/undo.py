"""`wslnet undo`, `wslnet resume`, `wslnet history`: past runs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from wslnet.cli.consent import force_option
from wslnet.cli.options import inventory_option, json_option, load, yes_option
from wslnet.cli.output import SCHEMA_VERSION, print_json, print_line, progress
from wslnet.cli.render_run import ask, print_result

if TYPE_CHECKING:
    from pathlib import Path

    from wslnet.app.result import RunResult
    from wslnet.engine.fleet import Fleet
    from wslnet.engine.run_log import RunLog


@click.command()
@click.argument("run", required=False)
@yes_option
@force_option
@inventory_option
@json_option
@click.pass_context
def undo(
    ctx: click.Context,
    run: str | None,
    own_inventory: Path | None,
    *,
    yes: bool,
    force: bool,
    as_json: bool,
) -> int:
    """Take back RUN, or the newest committed run that is not undone yet."""
    from wslnet.app.undo import run_to_undo  # noqa: PLC0415 - kept out of `wslnet --help`
    from wslnet.app.undo import undo as take_back  # noqa: PLC0415
    from wslnet.transport.connections import Connections  # noqa: PLC0415

    inventory = load(ctx, own_inventory)
    log = run_to_undo(inventory.state, run)
    if log is not None and not yes:
        _show(log, as_json=as_json)
        ask("undo", as_json=as_json)
    with Connections(inventory) as fleet:
        way = _ways(fleet, log, as_json=as_json)
        attended = sys.stdin.isatty()
        result = take_back(way, log, progress(quiet=as_json), force=force, attended=attended)
        return _tell(result, as_json=as_json)


@click.command()
@click.option("--finish", "finish", flag_value=True, type=bool, default=None, help="Go on to the end.")
@click.option("--rollback", "finish", flag_value=False, type=bool, help="Take back what was done.")
@force_option
@inventory_option
@json_option
@click.pass_context
def resume(
    ctx: click.Context, own_inventory: Path | None, *, finish: bool | None, force: bool, as_json: bool
) -> int:
    """Bring an interrupted run to an end: back to the old state, unless only the last check is missing."""
    from wslnet.app.after_reboot import wish_of  # noqa: PLC0415 - kept out of `wslnet --help`
    from wslnet.app.undo import interrupted  # noqa: PLC0415
    from wslnet.app.undo import resume as bring_to_end  # noqa: PLC0415
    from wslnet.engine.run_log import End  # noqa: PLC0415
    from wslnet.transport.connections import Connections  # noqa: PLC0415

    inventory = load(ctx, own_inventory)
    log = interrupted(inventory.state)
    if log is not None and log.ended is End.NEEDS_REBOOT:
        inventory = wish_of(log, inventory)
    with Connections(inventory) as fleet:
        way = _ways(fleet, log, as_json=as_json)
        return _tell(
            bring_to_end(way, log, progress(quiet=as_json), finish=finish, force=force), as_json=as_json
        )


@click.command()
@inventory_option
@json_option
@click.pass_context
def history(ctx: click.Context, own_inventory: Path | None, *, as_json: bool) -> int:
    """List the runs of this inventory, oldest first, and how each ended."""
    from wslnet.engine.run_log import read_runs  # noqa: PLC0415 - kept out of `wslnet --help`

    runs = read_runs(load(ctx, own_inventory).state)
    if as_json:
        listed = [
            {"run": log.run, "at": log.began, "result": str(log.ended), "changes": len(log.changes)}
            for log in runs
        ]
        print_json({"schema_version": SCHEMA_VERSION, "runs": listed})
    else:
        for log in runs:
            print_line(f"{log.run}  {log.ended:20} {len(log.changes)} changes")
    return 0


def _ways(fleet: Fleet, log: RunLog | None, *, as_json: bool) -> Fleet:
    """The way back into VMs that were entered by their consoles."""
    from wslnet.app.guest_entry import as_before  # noqa: PLC0415 - kept out of `wslnet --help`
    from wslnet.cli.secrets import console_password  # noqa: PLC0415

    changes = log.left if log is not None else ()
    return as_before(fleet, changes, lambda machine: console_password(machine, as_json=as_json))


def _show(log: RunLog, *, as_json: bool) -> None:
    if not as_json:
        print_line(f"run {log.run} of {log.began}:")
        for change in reversed(log.changes):
            print_line(f"  - {change.machine}: {change.resource}")


def _tell(result: RunResult, *, as_json: bool) -> int:
    if as_json:
        print_json(result.to_json())
    else:
        print_result(result)
    return result.exit_code
