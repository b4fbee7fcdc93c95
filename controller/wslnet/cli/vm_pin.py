"""`wslnet vm pin`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

import click

from wslnet.cli.carry_out import carry_out
from wslnet.cli.options import load, unguarded
from wslnet.cli.output import progress

if TYPE_CHECKING:
    from pathlib import Path

    from wslnet.cli.options import UnguardedRun


@click.command()
@click.argument("names", nargs=-1, metavar="[VM]...")
@unguarded
def pin(
    ctx: click.Context,
    names: tuple[str, ...],
    own_inventory: Path | None,
    **run: Unpack[UnguardedRun],
) -> int:
    """Have libvirt's DHCP keep the addresses that the VMs (all without a name) have now."""
    from wslnet.app.vm_pin import prepare, without_wish  # noqa: PLC0415 - kept out of `wslnet --help`
    from wslnet.transport.connections import Connections  # noqa: PLC0415

    say = progress(quiet=run["as_json"])
    with Connections(without_wish(load(ctx, own_inventory), names)) as fleet:
        prepared = prepare(fleet, names, say)
        return carry_out(prepared, say, verb="vm pin", **run)
