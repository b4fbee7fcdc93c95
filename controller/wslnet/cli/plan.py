"""`wslnet plan` and `wslnet apply FILE`: the two halves of `setup`, apart."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

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
    inventory_option,
    json_option,
    load,
    output_option,
    refuse_inside_wsl,
    wish_options,
    yes_option,
)
from wslnet.cli.output import progress
from wslnet.errors import InputError
from wslnet.model.allow import parse_allow


@click.command()
@wish_options
@output_option
@allow_regression_option
@inventory_option
@json_option
@click.pass_context
def plan(
    ctx: click.Context,
    mode: str | None,
    allow: tuple[str, ...],
    output: Path | None,
    own_inventory: Path | None,
    *,
    may_stop: tuple[str, ...],
    as_json: bool,
) -> int:
    """Make a plan and change nothing; exit 10 when changes are pending, 0 when none."""
    from wslnet.app.setup import prepare, wish_for  # noqa: PLC0415 - kept out of `wslnet --help`
    from wslnet.model.consent import parse_pairs  # noqa: PLC0415
    from wslnet.profiles.modes import SetupOptions  # noqa: PLC0415
    from wslnet.transport.connections import Connections  # noqa: PLC0415

    inventory = load(ctx, own_inventory)
    wanted = mode or inventory.wish.mode
    if wanted is None:
        raise InputError(f"plan: give a mode, or a wish to {inventory.path}: `[wish]` with `mode`")
    options = SetupOptions(
        tuple(parse_allow(text) for text in allow), allow_regression=parse_pairs(may_stop, inventory)
    )
    with Connections(wish_for(inventory, wanted, options)) as fleet:
        prepared = prepare(fleet, wanted, options, progress(quiet=as_json))
    return show_only(prepared.plan, output, as_json=as_json)


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@yes_option
@confirm_within_option
@allow_regression_option
@accept_irreversible_option
@force_option
@inventory_option
@json_option
@click.pass_context
def apply(
    ctx: click.Context,
    file: Path,
    confirm_within: float | None,
    may_stop: tuple[str, ...],
    own_inventory: Path | None,
    *,
    irreversible: bool,
    force: bool,
    yes: bool,
    as_json: bool,
) -> int:
    """Run the plan in FILE; it is refused when what it rests on has moved."""
    from wslnet.app.plan_file import demand_same, read_plan  # noqa: PLC0415 - kept out of `wslnet --help`
    from wslnet.app.setup import prepare, wish_for  # noqa: PLC0415
    from wslnet.model.consent import parse_pairs  # noqa: PLC0415
    from wslnet.transport.connections import Connections  # noqa: PLC0415

    saved = read_plan(file)
    refuse_inside_wsl("apply")
    say = progress(quiet=as_json)
    inventory = load(ctx, own_inventory)
    allowed = saved.options.allow_regression + parse_pairs(may_stop, inventory)
    options = replace(saved.options, allow_regression=allowed)
    consent = consent_of(options, irreversible=irreversible, force=force)
    with Connections(wish_for(inventory, saved.mode, saved.options)) as fleet:
        prepared = prepare(fleet, saved.mode, saved.options, say)
        demand_same(saved, prepared.plan)
        return carry_out(
            prepared,
            say,
            verb="apply",
            yes=yes,
            confirm_within=confirm_within,
            consent=consent,
            as_json=as_json,
        )
