"""`wslnet setup`: shows the plan, asks, runs it, tells the result."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from wslnet.cli.carry_out import carry_out, show_only
from wslnet.cli.consent import (
    accept_irreversible_option,
    allow_regression_option,
    consent_of,
    force_option,
)
from wslnet.cli.options import (
    confirm_within_option,
    dry_run_option,
    inventory_option,
    json_option,
    known_machine,
    load,
    output_option,
    refuse_inside_wsl,
    wish_options,
    yes_option,
)
from wslnet.cli.output import progress
from wslnet.errors import InputError
from wslnet.model.allow import parse_allow

if TYPE_CHECKING:
    from pathlib import Path

    from wslnet.model.allow import Allow


@click.command()
@wish_options
@click.option("--open-all", is_flag=True, help="DefaultInboundAction Allow: everything may come in.")
@click.option("--host-loopback", is_flag=True, help="Also write hostAddressLoopback.")
@click.option("--recommended", is_flag=True, help="Also write the recommended keys.")
@click.option("--update-wsl", is_flag=True, help="Update WSL in the restart.")
@click.option("--pre", is_flag=True, help="With --update-wsl: to the newest pre-release.")
@click.option("--vm-switch", metavar="NAME", help="The External switch for --bridged.")
@click.option("--lan-peer", metavar="NAME", help="The peer that the LAN's side is measured from.")
@dry_run_option
@output_option
@yes_option
@confirm_within_option
@allow_regression_option
@accept_irreversible_option
@force_option
@inventory_option
@json_option
@click.pass_context
def setup(  # noqa: PLR0917 - click passes options by name
    ctx: click.Context,
    mode: str | None,
    allow: tuple[str, ...],
    open_all: bool,  # noqa: FBT001
    host_loopback: bool,  # noqa: FBT001
    recommended: bool,  # noqa: FBT001
    update_wsl: bool,  # noqa: FBT001
    pre: bool,  # noqa: FBT001
    lan_peer: str | None,
    vm_switch: str | None,
    dry_run: bool,  # noqa: FBT001
    output: Path | None,
    yes: bool,  # noqa: FBT001
    confirm_within: float | None,
    may_stop: tuple[str, ...],
    irreversible: bool,  # noqa: FBT001
    force: bool,  # noqa: FBT001
    own_inventory: Path | None,
    as_json: bool,  # noqa: FBT001
) -> int:
    """Set up a networking mode as one workflow, proven by packets, or rolled back."""
    from wslnet.app.setup import prepare, wish_for  # noqa: PLC0415 - kept out of `wslnet --help`
    from wslnet.model.consent import parse_pairs  # noqa: PLC0415
    from wslnet.profiles.modes import SetupOptions  # noqa: PLC0415
    from wslnet.transport.connections import Connections  # noqa: PLC0415

    allows = tuple(parse_allow(text) for text in allow)
    if mode is None:
        hint = _modes_that_serve(ctx, own_inventory, allows)
        raise InputError("setup: give the mode: --mirrored, --nat or --bridged", hint=hint)
    refuse_inside_wsl("setup")
    loaded = load(ctx, own_inventory)
    regressions = parse_pairs(may_stop, loaded)
    if vm_switch is not None and mode != "bridged":
        raise InputError(f"--vm-switch {vm_switch}: a switch belongs to --bridged")
    if pre and not update_wsl:
        raise InputError("--pre: it belongs to --update-wsl")
    update = ("pre" if pre else "stable") if update_wsl else None
    options = SetupOptions(
        allows, open_all, host_loopback, recommended, lan_peer, regressions, vm_switch, update
    )
    inventory = wish_for(loaded, mode, options)
    if lan_peer is not None:
        known_machine(inventory, lan_peer)
    say = progress(quiet=as_json)
    with Connections(inventory) as fleet:
        prepared = prepare(fleet, mode, options, say)
        if dry_run or output is not None:
            return show_only(prepared.plan, output, as_json=as_json)
        return carry_out(
            prepared,
            say,
            verb="setup",
            yes=yes,
            confirm_within=confirm_within,
            consent=consent_of(options, irreversible=irreversible, force=force),
            as_json=as_json,
        )


def _modes_that_serve(ctx: click.Context, own_inventory: Path | None, allows: tuple[Allow, ...]) -> str:
    """Which mode the wish speaks for, or why there is none to judge by."""
    from wslnet.app.explain import modes_for  # noqa: PLC0415 - kept out of `wslnet --help`
    from wslnet.transport.connections import Connections  # noqa: PLC0415

    try:
        loaded = load(ctx, own_inventory)
    except InputError as error:
        return error.message
    with Connections(loaded) as fleet:
        return modes_for(fleet, allows)
