"""`wslnet net attach` and `wslnet net detach`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

import click

from wslnet.cli.carry_out import carry_out
from wslnet.cli.consent import allow_regression_option
from wslnet.cli.options import guarded, load
from wslnet.cli.output import progress

if TYPE_CHECKING:
    from pathlib import Path

    from wslnet.cli.options import Run

_ON = click.option("--on", "machine", required=True, metavar="MACHINE", help="The machine that has them.")


@click.command()
@click.argument("card")
@_ON
@click.option("--bridge", default="virbr0", show_default=True, metavar="LINK", help="The bridge.")
@allow_regression_option
@click.option("--force", is_flag=True, help="Although mirrored mode or Hyper-V's switch is against it.")
@guarded
def attach(  # noqa: PLR0917 - click passes options by name
    ctx: click.Context,
    card: str,
    machine: str,
    bridge: str,
    may_stop: tuple[str, ...],
    own_inventory: Path | None,
    *,
    force: bool,
    **run: Unpack[Run],
) -> int:
    """Plug CARD into a bridge that is there, such as libvirt's: its guests are on the card's LAN then."""
    from wslnet.app.net_attach import AttachWish, prepare_attach  # noqa: PLC0415 - kept out of `--help`
    from wslnet.app.rules import nothing_wished  # noqa: PLC0415
    from wslnet.model.consent import Consent, parse_pairs  # noqa: PLC0415
    from wslnet.transport.connections import Connections  # noqa: PLC0415

    say = progress(quiet=run["as_json"])
    inventory = nothing_wished(load(ctx, own_inventory))
    consent = Consent(frozenset(parse_pairs(may_stop, inventory)))
    with Connections(inventory) as fleet:
        prepared = prepare_attach(fleet, AttachWish(machine, card, bridge, force), say)
        return carry_out(prepared, say, verb="net attach", consent=consent, **run)


@click.command()
@click.argument("card")
@_ON
@guarded
def detach(
    ctx: click.Context,
    card: str,
    machine: str,
    own_inventory: Path | None,
    **run: Unpack[Run],
) -> int:
    """Take CARD out of the bridge again, with its addresses and routes."""
    from wslnet.app.net_attach import prepare_detach  # noqa: PLC0415 - kept out of `wslnet --help`
    from wslnet.app.rules import nothing_wished  # noqa: PLC0415
    from wslnet.transport.connections import Connections  # noqa: PLC0415

    say = progress(quiet=run["as_json"])
    with Connections(nothing_wished(load(ctx, own_inventory))) as fleet:
        prepared = prepare_detach(fleet, machine, card, say)
        return carry_out(prepared, say, verb="net detach", **run)
