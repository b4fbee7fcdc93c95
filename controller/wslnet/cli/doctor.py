"""`wslnet doctor`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from wslnet.cli.carry_out import carry_out, confirm_within_option
from wslnet.cli.options import (
    dry_run_option,
    inventory_option,
    json_option,
    known_machine,
    load,
    yes_option,
)
from wslnet.cli.output import print_json, progress

if TYPE_CHECKING:
    from pathlib import Path

    from wslnet.model.machine import Inventory


@click.command()
@click.option("--only", multiple=True, metavar="CODE", help="Only this check (repeatable).")
@click.option("--machine", metavar="NAME", help="Only findings about this machine.")
@click.option("--wake", is_flag=True, help="Start a stopped WSL first; reading never does by itself.")
@click.option("--fix", is_flag=True, help="Plan and do what fixes declare; other findings stay as they are.")
@dry_run_option
@yes_option
@confirm_within_option
@inventory_option
@json_option
@click.pass_context
def doctor(
    ctx: click.Context,
    only: tuple[str, ...],
    machine: str | None,
    confirm_within: float | None,
    own_inventory: Path | None,
    *,
    wake: bool,
    fix: bool,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> int:
    """Every check over every machine, with evidence, cause and fix. Exits 11 when one fails."""
    from wslnet.app.doctor import diagnose  # noqa: PLC0415 - kept out of `wslnet --help`
    from wslnet.app.forward_wish import with_forwards  # noqa: PLC0415
    from wslnet.cli.render_doctor import print_diagnosis  # noqa: PLC0415
    from wslnet.transport.connections import Connections  # noqa: PLC0415

    inventory = with_forwards(load(ctx, own_inventory))
    if machine is not None:
        known_machine(inventory, machine)
    if fix:
        return _fix(
            inventory,
            only,
            machine,
            yes=yes,
            dry_run=dry_run,
            confirm_within=confirm_within,
            as_json=as_json,
        )
    with Connections(inventory) as fleet:
        diagnosis = diagnose(fleet, only=only, wake=wake, say=progress(quiet=as_json))
    if machine is not None:
        diagnosis = diagnosis.of_machine(machine)
    if as_json:
        print_json(diagnosis.to_json())
    else:
        print_diagnosis(diagnosis)
    return 11 if diagnosis.failed else 0


def _fix(
    inventory: Inventory,
    only: tuple[str, ...],
    machine: str | None,
    *,
    yes: bool,
    dry_run: bool,
    confirm_within: float | None,
    as_json: bool,
) -> int:
    from wslnet.app.doctor_fix import prepare_fix  # noqa: PLC0415 - kept out of `wslnet --help`
    from wslnet.app.rules import nothing_wished  # noqa: PLC0415
    from wslnet.transport.connections import Connections  # noqa: PLC0415

    say = progress(quiet=as_json)
    with Connections(nothing_wished(inventory)) as fleet:
        prepared = prepare_fix(fleet, inventory, say, only=only, machine=machine)
        return carry_out(
            prepared,
            say,
            verb="doctor --fix",
            yes=yes,
            dry_run=dry_run,
            confirm_within=confirm_within,
            as_json=as_json,
        )
