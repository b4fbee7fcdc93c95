"""`wslnet endpoint`: install, remove and show the constrained PowerShell endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from wslnet.cli.carry_out import carry_out_unguarded
from wslnet.cli.options import dry_run_option, inventory_option, json_option, load, yes_option
from wslnet.cli.output import print_json, print_line

if TYPE_CHECKING:
    from pathlib import Path


@click.group()
def endpoint() -> None:
    """A PowerShell endpoint that can do what wslnet needs on Windows, and nothing else."""


@endpoint.command()
@click.option(
    "--for", "account", metavar="ACCOUNT", help=r"Who may connect (default: BUILTIN\Remote Management Users)."
)
@dry_run_option
@yes_option
@inventory_option
@json_option
@click.pass_context
def install(  # noqa: PLR0917 - click passes options by name
    ctx: click.Context,
    account: str | None,
    dry_run: bool,  # noqa: FBT001
    yes: bool,  # noqa: FBT001
    own_inventory: Path | None,
    as_json: bool,  # noqa: FBT001
) -> int:
    """Put its files where administrators alone can write, and register it."""
    from wslnet.app.endpoint import LOOPBACK, REMOTE_USERS, prepare_install  # noqa: PLC0415 - kept out of --help
    from wslnet.transport.connections import Connections  # noqa: PLC0415

    with Connections(load(ctx, own_inventory)) as fleet:
        prepared = prepare_install(fleet, account or REMOTE_USERS)
        if not as_json:
            print_line(LOOPBACK)
        return carry_out_unguarded(
            prepared, verb="endpoint install", dry_run=dry_run, yes=yes, as_json=as_json
        )


@endpoint.command()
@dry_run_option
@yes_option
@inventory_option
@json_option
@click.pass_context
def remove(
    ctx: click.Context,
    dry_run: bool,  # noqa: FBT001
    yes: bool,  # noqa: FBT001
    own_inventory: Path | None,
    as_json: bool,  # noqa: FBT001
) -> int:
    """Unregister it and remove its files."""
    from wslnet.app.endpoint import prepare_remove  # noqa: PLC0415 - kept out of `wslnet --help`
    from wslnet.transport.connections import Connections  # noqa: PLC0415

    with Connections(load(ctx, own_inventory)) as fleet:
        return carry_out_unguarded(
            prepare_remove(fleet), verb="endpoint remove", dry_run=dry_run, yes=yes, as_json=as_json
        )


@endpoint.command()
@inventory_option
@json_option
@click.pass_context
def status(ctx: click.Context, own_inventory: Path | None, as_json: bool) -> int:  # noqa: FBT001
    """Whether it is registered, whole, and safe from everybody but administrators."""
    from wslnet.app.endpoint import LOOPBACK, endpoint_status  # noqa: PLC0415 - kept out of `wslnet --help`
    from wslnet.transport.connections import Connections  # noqa: PLC0415

    with Connections(load(ctx, own_inventory)) as fleet:
        found = endpoint_status(fleet)
    if as_json:
        print_json(found.to_json())
        return 0
    if not found.registered:
        print_line("Not registered. `wslnet endpoint install` does it.")
    else:
        print_line("Registered; " + ("whole." if found.intact else "not as this wslnet installs it."))
        print_line(LOOPBACK)
    for problem in found.problems:
        print_line(f"problem: {problem}")
    return 0
