"""`wslnet confirm`: lets the run that waits for it stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from wslnet.cli.options import inventory_option, json_option, load
from wslnet.cli.output import print_json, progress
from wslnet.cli.render_run import print_result

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@click.argument("run", required=False)
@inventory_option
@json_option
@click.pass_context
def confirm(ctx: click.Context, run: str | None, own_inventory: Path | None, *, as_json: bool) -> int:
    """Confirm RUN, or the one that waits: what it changed stays."""
    from wslnet.app.confirm import confirm as let_stand  # noqa: PLC0415 - kept out of `wslnet --help`
    from wslnet.transport.connections import Connections  # noqa: PLC0415

    with Connections(load(ctx, own_inventory)) as fleet:
        result = let_stand(fleet, run, progress(quiet=as_json))
    if as_json:
        print_json(result.to_json())
    else:
        print_result(result)
    return result.exit_code
