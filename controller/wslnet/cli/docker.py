"""`wslnet docker`: whether containers answer to localhost of Windows in mirrored mode, and what helps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

import click

from wslnet.cli.carry_out import carry_out
from wslnet.cli.options import guarded, inventory_option, json_option, load
from wslnet.cli.output import SCHEMA_VERSION, print_json, print_line, progress

if TYPE_CHECKING:
    from pathlib import Path

    from wslnet.cli.options import Run

_MODES = ("auto", "dnat", "userland")


@click.group()
def docker() -> None:
    """Containers under mirrored mode, by engine version."""


@docker.command()
@inventory_option
@json_option
@click.pass_context
def check(ctx: click.Context, own_inventory: Path | None, *, as_json: bool) -> int:
    """Say of each engine what it does with Windows' 127.0.0.1, by its rules and its version."""
    from wslnet.app.docker import inventory_for, look  # noqa: PLC0415 - kept out of `wslnet --help`
    from wslnet.transport.connections import Connections  # noqa: PLC0415

    with Connections(inventory_for(load(ctx, own_inventory))) as fleet:
        snapshot, verdicts = look(fleet, progress(quiet=as_json))
    if as_json:
        engines = [
            {
                "engine": one.engine,
                "version": one.version,
                "case": str(one.case),
                "evidence": list(one.evidence),
                "advice": one.advice,
                "fixable": one.fixable,
            }
            for one in verdicts
        ]
        print_json({"schema_version": SCHEMA_VERSION, "mode": snapshot.mode, "engines": engines})
        return 0
    print_line(f"WSL runs in mode {snapshot.mode}")
    for one in verdicts:
        print_line(f"{one.engine} {one.version}: {one.case}: {one.advice}")
        for line in one.evidence:
            print_line(f"  {line}")
    if not verdicts:
        print_line("No container engine answers.")
    return 0


@docker.command()
@click.option(
    "--mode",
    type=click.Choice(_MODES),
    default="auto",
    show_default=True,
    help="A rule before the engine's chain, or Docker's userland proxy alone.",
)
@click.option(
    "--restart/--no-restart",
    default=True,
    show_default=True,
    help="userland: docker is restarted with its new settings, which stops its containers for that time.",
)
@guarded
def fix(
    ctx: click.Context,
    mode: str,
    own_inventory: Path | None,
    *,
    restart: bool,
    **run: Unpack[Run],
) -> int:
    """Let containers answer to localhost of Windows, by what the engine and its version need."""
    from wslnet.app.docker import inventory_for, prepare_fix, verdict_lines  # noqa: PLC0415
    from wslnet.transport.connections import Connections  # noqa: PLC0415

    say = progress(quiet=run["as_json"])
    with Connections(inventory_for(load(ctx, own_inventory))) as fleet:
        prepared = prepare_fix(fleet, mode, say, restart=restart)
        code = carry_out(prepared, say, verb="docker fix", **run)
        if code == 0 and prepared.plan.changes and not run["dry_run"] and not run["as_json"]:
            for line in verdict_lines(fleet):
                print_line(f"now: {line}")
        return code
