"""`wslnet doctor`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from wslnet.cli.options import inventory_option, json_option, known_machine, load
from wslnet.cli.output import print_json, progress

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@click.option("--only", multiple=True, metavar="CODE", help="Only this check (repeatable).")
@click.option("--machine", metavar="NAME", help="Only findings about this machine.")
@click.option("--wake", is_flag=True, help="Start a stopped WSL first; reading never does by itself.")
@inventory_option
@json_option
@click.pass_context
def doctor(
    ctx: click.Context,
    only: tuple[str, ...],
    machine: str | None,
    own_inventory: Path | None,
    *,
    wake: bool,
    as_json: bool,
) -> int:
    """Every check over every machine, with evidence, cause and fix. Exits 11 when one fails."""
    from wslnet.app.doctor import diagnose  # noqa: PLC0415 - kept out of `wslnet --help`
    from wslnet.cli.render_doctor import print_diagnosis  # noqa: PLC0415
    from wslnet.transport.connections import Connections  # noqa: PLC0415

    inventory = load(ctx, own_inventory)
    if machine is not None:
        known_machine(inventory, machine)
    with Connections(inventory) as fleet:
        diagnosis = diagnose(fleet, only=only, wake=wake, say=progress(quiet=as_json))
    if machine is not None:
        diagnosis = diagnosis.of_machine(machine)
    if as_json:
        print_json(diagnosis.to_json())
    else:
        print_diagnosis(diagnosis)
    return 11 if diagnosis.failed else 0
