"""`wslnet endpoint`: install, remove and show the constrained PowerShell endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

import click

from wslnet.cli.carry_out import carry_out_unguarded
from wslnet.cli.options import inventory_option, json_option, load, unguarded
from wslnet.cli.output import print_json, print_line

if TYPE_CHECKING:
    from pathlib import Path

    from wslnet.cli.options import UnguardedRun


@click.group()
def endpoint() -> None:
    """A PowerShell endpoint that can do what wslnet needs on Windows, and nothing else."""


@endpoint.command()
@click.option(
    "--for", "account", metavar="ACCOUNT", help=r"Who may connect (default: BUILTIN\Remote Management Users)."
)
@click.option(
    "--owner", metavar="ACCOUNT", help="Whose WSL it is (default: that account, if it is no group)."
)
@unguarded
def install(
    ctx: click.Context,
    account: str | None,
    owner: str | None,
    own_inventory: Path | None,
    **run: Unpack[UnguardedRun],
) -> int:
    """Put its files where administrators alone can write, and register it."""
    from wslnet.app.endpoint import REMOTE_USERS, prepare_install  # noqa: PLC0415 - kept out of --help
    from wslnet.transport.connections import Connections  # noqa: PLC0415

    with Connections(load(ctx, own_inventory)) as fleet:
        prepared = prepare_install(fleet, account or REMOTE_USERS, owner)
        return carry_out_unguarded(prepared, verb="endpoint install", **run)


@endpoint.command()
@unguarded
def remove(
    ctx: click.Context,
    own_inventory: Path | None,
    **run: Unpack[UnguardedRun],
) -> int:
    """Unregister it and remove its files."""
    from wslnet.app.endpoint import prepare_remove  # noqa: PLC0415 - kept out of `wslnet --help`
    from wslnet.transport.connections import Connections  # noqa: PLC0415

    with Connections(load(ctx, own_inventory)) as fleet:
        return carry_out_unguarded(prepare_remove(fleet), verb="endpoint remove", **run)


@endpoint.command()
@inventory_option
@json_option
@click.pass_context
def status(ctx: click.Context, own_inventory: Path | None, as_json: bool) -> int:  # noqa: FBT001
    """Whether it is registered, whole, and safe from everybody but administrators."""
    from wslnet.app.endpoint import endpoint_status  # noqa: PLC0415 - kept out of `wslnet --help`
    from wslnet.app.endpoint_local import local_line  # noqa: PLC0415 - as above
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
        print_line(f"wsl.exe runs as its owner by a task: {found.programs or 'not installed'}")
        print_line(local_line(*found.local))
    for problem in found.problems:
        print_line(f"problem: {problem}")
    return 0


@endpoint.command(hidden=True)
@click.option("--plan", required=True, help="The id of the plan that was shown.")
@click.option("--pipe", required=True, help="The name of the pipe to make.")
@click.option("--parent", type=int, required=True, help="The process that may open it.")
@click.option("--owner", required=True, help="The SID of the user that may open it.")
def bridge(plan: str, pipe: str, parent: int, owner: str) -> int:
    """What a run in an unelevated terminal starts elevated: the ops of one plan, over one pipe."""
    from wslnet.app.elevated import serve  # noqa: PLC0415 - kept out of `wslnet --help`
    from wslnet.model.machine import Kind, Machine  # noqa: PLC0415
    from wslnet.transport.elevated_way import accept  # noqa: PLC0415
    from wslnet.transport.windows_ways import here  # noqa: PLC0415

    session = here(Machine("windows", Kind.WINDOWS))
    try:
        serve(accept(pipe, owner, parent), session, plan)
    finally:
        session.close()
    return 0
