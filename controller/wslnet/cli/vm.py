"""`wslnet vm`: what concerns the nested VMs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

import click

from wslnet.cli.carry_out import carry_out
from wslnet.cli.options import guarded, load
from wslnet.cli.output import progress
from wslnet.cli.vm_enroll import enroll, forget
from wslnet.cli.vm_list import list_
from wslnet.cli.vm_pin import pin

if TYPE_CHECKING:
    from pathlib import Path

    from wslnet.cli.options import Run


@click.group()
def vm() -> None:
    """Nested VMs: find them, enter them, route to them and let them be forwarded, pin their addresses."""


vm.add_command(list_)
vm.add_command(enroll)
vm.add_command(forget)
vm.add_command(pin)


@vm.command()
@click.argument("names", nargs=-1, metavar="[VM]...")
@click.option(
    "--mode",
    type=click.Choice(["accept", "delete"]),
    default="accept",
    show_default=True,
    help="Put accepts above what rejects, or delete libvirt's rejects.",
)
@guarded
def reach(
    ctx: click.Context,
    names: tuple[str, ...],
    mode: str,
    own_inventory: Path | None,
    **run: Unpack[Run],
) -> int:
    """Let the VMs (all without a name) and every machine above them reach each other, proven by packets."""
    from wslnet.app.vm_reach import prepare, reach_of  # noqa: PLC0415 - kept out of `wslnet --help`
    from wslnet.transport.connections import Connections  # noqa: PLC0415

    say = progress(quiet=run["as_json"])
    with Connections(reach_of(load(ctx, own_inventory), names)) as fleet:
        prepared = prepare(fleet, names, say, deleting=mode == "delete")
        return carry_out(prepared, say, verb="vm reach", **run)
