"""`wslnet explain [TOPIC]`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from wslnet.cli.options import inventory_option, json_option, load
from wslnet.cli.output import print_json, print_line, progress

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA_VERSION = 1


@click.command()
@click.argument("name", metavar="[TOPIC]", required=False)
@inventory_option
@json_option
@click.pass_context
def explain(ctx: click.Context, name: str | None, own_inventory: Path | None, *, as_json: bool) -> int:
    """Tell a concept with this network's own facts; without TOPIC, which topics there are."""
    from wslnet.app.explain import explained, topic_named  # noqa: PLC0415 - kept out of `wslnet --help`
    from wslnet.explain import discover  # noqa: PLC0415
    from wslnet.transport.connections import Connections  # noqa: PLC0415

    if name is None:
        topics = discover()
        if as_json:
            listed = [{"name": one.name, "title": one.title} for one in topics]
            print_json({"schema_version": SCHEMA_VERSION, "topics": listed})
        else:
            for one in topics:
                print_line(f"{one.name:12} {one.title}")
        return 0
    topic = topic_named(name)
    with Connections(load(ctx, own_inventory)) as fleet:
        told = explained(fleet, topic, progress(quiet=as_json))
    if as_json:
        print_json({"schema_version": SCHEMA_VERSION, "topic": topic.name, "title": topic.title, **told.data})
    else:
        for line in told.lines:
            print_line(line)
    return 0
