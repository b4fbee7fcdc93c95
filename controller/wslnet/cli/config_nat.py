"""`wslnet config nat-pin`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

import click

from wslnet.cli.carry_out import carry_out_unguarded
from wslnet.cli.options import load, unguarded

if TYPE_CHECKING:
    from pathlib import Path

    from wslnet.cli.options import UnguardedRun


@click.command("nat-pin")
@click.argument("network", required=False, metavar="[NETWORK]")
@unguarded
def nat_pin(
    ctx: click.Context,
    network: str | None,
    own_inventory: Path | None,
    **run: Unpack[UnguardedRun],
) -> int:
    """Keep the range of WSL's NAT network: NETWORK (172.30.96.0/20), or the one that it has now."""
    from wslnet.app.nat_pin import prepare_pin  # noqa: PLC0415 - kept out of `wslnet --help`
    from wslnet.transport.connections import Connections  # noqa: PLC0415

    with Connections(load(ctx, own_inventory)) as fleet:
        prepared = prepare_pin(fleet, network)
        return carry_out_unguarded(prepared, verb="config nat-pin", **run)
