"""`wslnet topo`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from wslnet.cli.options import inventory_option, json_option, load
from wslnet.cli.output import print_json, print_line, progress

if TYPE_CHECKING:
    from pathlib import Path

_FORMATS = ("text", "mermaid", "json")


@click.command()
@click.option(
    "--format", "form", type=click.Choice(_FORMATS), default="text", show_default=True, help="How to draw it."
)
@inventory_option
@json_option
@click.pass_context
def topo(ctx: click.Context, form: str, own_inventory: Path | None, *, as_json: bool) -> int:
    """Draw the live topology: machines, their interfaces, and what joins them."""
    from wslnet.app.topo import live_graph  # noqa: PLC0415 - kept out of `wslnet --help`
    from wslnet.cli.render_topo import mermaid, tree  # noqa: PLC0415
    from wslnet.errors import Unreachable  # noqa: PLC0415
    from wslnet.transport.connections import Connections  # noqa: PLC0415

    form = "json" if as_json else form
    inventory = load(ctx, own_inventory)
    with Connections(inventory) as fleet:
        graph = live_graph(fleet, progress(quiet=form == "json"))
    if form == "json":
        print_json(graph.to_json())
    else:
        for line in mermaid(graph) if form == "mermaid" else tree(graph):
            print_line(line, whole=form == "mermaid")
    return (
        0 if any(node.seen and node.kind != "network" for node in graph.machines) else Unreachable.exit_code
    )
