"""`wslnet doctor`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

import click

from wslnet.cli.carry_out import carry_out
from wslnet.cli.options import guarded, known_machine, load
from wslnet.cli.output import print_json, progress

if TYPE_CHECKING:
    from pathlib import Path

    from wslnet.cli.options import Run
    from wslnet.model.machine import Inventory


@click.command()
@click.option("--only", multiple=True, metavar="CODE", help="Only this check (repeatable).")
@click.option("--machine", metavar="NAME", help="Only findings about this machine.")
@click.option("--wake", is_flag=True, help="Start a stopped WSL first; reading never does by itself.")
@click.option("--fix", is_flag=True, help="Plan and do what fixes declare; other findings stay as they are.")
@guarded
def doctor(
    ctx: click.Context,
    only: tuple[str, ...],
    machine: str | None,
    own_inventory: Path | None,
    *,
    wake: bool,
    fix: bool,
    **run: Unpack[Run],
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
        return _fix(inventory, only, machine, **run)
    as_json = run["as_json"]
    with Connections(inventory) as fleet:
        diagnosis = diagnose(fleet, only=only, wake=wake, say=progress(quiet=as_json))
    if machine is not None:
        diagnosis = diagnosis.of_machine(machine)
    if as_json:
        print_json(diagnosis.to_json())
    else:
        print_diagnosis(diagnosis)
    return 11 if diagnosis.failed else 0


def _fix(inventory: Inventory, only: tuple[str, ...], machine: str | None, **run: Unpack[Run]) -> int:
    from wslnet.app.doctor_fix import prepare_fix  # noqa: PLC0415 - kept out of `wslnet --help`
    from wslnet.app.rules import nothing_wished  # noqa: PLC0415
    from wslnet.transport.connections import Connections  # noqa: PLC0415

    say = progress(quiet=run["as_json"])
    with Connections(nothing_wished(inventory)) as fleet:
        prepared = prepare_fix(fleet, inventory, say, only=only, machine=machine)
        return carry_out(prepared, say, verb="doctor --fix", **run)
