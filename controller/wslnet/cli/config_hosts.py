"""`wslnet config hosts`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

import click

from wslnet.cli.carry_out import carry_out_unguarded
from wslnet.cli.options import load, unguarded
from wslnet.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from wslnet.cli.options import UnguardedRun

_USUAL = ("windows.local",)


@click.command("hosts")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--remove", is_flag=True, help="Take the line away again.")
@unguarded
def hosts(
    ctx: click.Context,
    names: tuple[str, ...],
    own_inventory: Path | None,
    *,
    remove: bool,
    **run: Unpack[UnguardedRun],
) -> int:
    """Let WSL know Windows by NAME (windows.local), in its /etc/hosts; the boot task keeps the address."""
    from wslnet.app.host_alias import prepare_hosts  # noqa: PLC0415 - kept out of `wslnet --help`
    from wslnet.transport.connections import Connections  # noqa: PLC0415

    if remove and names:
        raise InputError("config hosts --remove: takes no names, there is one line")
    with Connections(load(ctx, own_inventory)) as fleet:
        prepared = prepare_hosts(fleet, () if remove else names or _USUAL)
        return carry_out_unguarded(prepared, verb="config hosts", **run)
