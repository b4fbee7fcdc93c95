"""`wslnet probe`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from wslnet.cli.options import inventory_option, json_option, load
from wslnet.cli.output import SCHEMA_VERSION, print_json, print_line, progress

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO[:PORT]")
@click.option("--proto", type=click.Choice(["tcp", "udp", "ssh"]), default="tcp", show_default=True)
@inventory_option
@json_option
@click.pass_context
def probe(
    ctx: click.Context, source: str, target: str, proto: str, own_inventory: Path | None, *, as_json: bool
) -> int:
    """Ask one machine by ping and, with a port, by a connection; exits 1 when something is not reached.

    Where nobody listens on the port a short-lived server of wslnet's own answers there.
    """
    from wslnet.app.probe import probe as measure_one  # noqa: PLC0415 - kept out of `wslnet --help`
    from wslnet.transport.connections import Connections  # noqa: PLC0415

    with Connections(load(ctx, own_inventory)) as fleet:
        measured = measure_one(fleet, source, target, proto, progress(quiet=as_json))
    if as_json:
        print_json({"schema_version": SCHEMA_VERSION, "pairs": [one.to_pair() for one in measured]})
    for one in measured if not as_json else ():
        said = "not measured" if one.ok is None else "reached" if one.ok else "NOT reached"
        port = f"/{one.probe.port}" if one.probe.port else ""
        detail = f"  {one.detail}" if one.detail else ""
        print_line(
            f"{said:12} {source} -> {one.probe.target} {one.probe.proto}{port} at {one.probe.address}{detail}"
        )
    return 1 if any(one.contradicts for one in measured) else 0
