"""`wslnet matrix`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from wslnet.cli.options import inventory_option, json_option, load
from wslnet.cli.output import SCHEMA_VERSION, print_json, print_line, progress

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from wslnet.model.probe import Measured


@click.command()
@inventory_option
@json_option
@click.pass_context
def matrix(ctx: click.Context, own_inventory: Path | None, *, as_json: bool) -> int:
    """Who reaches whom, measured: ICMP and SSH, both directions, every machine.

    Exits 11 when a wished pair does not connect.
    """
    from wslnet.app.matrix import measure_matrix  # noqa: PLC0415 - kept out of `wslnet --help`
    from wslnet.transport.connections import Connections  # noqa: PLC0415

    inventory = load(ctx, own_inventory)
    with Connections(inventory) as fleet:
        snapshot, measured = measure_matrix(fleet, progress(quiet=as_json))
    if as_json:
        print_json({"schema_version": SCHEMA_VERSION, "pairs": [one.to_pair() for one in measured]})
    else:
        for line in table(list(inventory.machines), measured):
            print_line(line)
        for name, unseen in snapshot.unseen.items():
            print_line(f"not seen: {name}: {unseen.reason}")
    return 11 if any(one.contradicts for one in measured) else 0


def table(names: Sequence[str], measured: Sequence[Measured]) -> list[str]:
    """Rows are sources, columns targets; a cell says icmp/ssh as + (reached), - (not), ? (not measured)."""
    width = max(8, *(len(name) for name in names))
    lines = ["from \\ to".ljust(width + 2) + "".join(name.ljust(width + 1) for name in names)]
    found = {(one.probe.source, one.probe.target, one.probe.proto): one for one in measured}
    for source in names:
        cells = [_cell(source, target, found).ljust(width + 1) for target in names]
        lines.append(source.ljust(width + 2) + "".join(cells))
    lines.append("icmp/ssh: + reached, - not reached, ? not measured, ! not as wished")
    return [line.rstrip() for line in lines]


def _cell(source: str, target: str, found: dict[tuple[str, str, str], Measured]) -> str:
    if source == target:
        return "."
    signs = [
        _sign(found[source, target, proto]) for proto in ("icmp", "ssh") if (source, target, proto) in found
    ]
    return "/".join(signs) or "?"


def _sign(one: Measured) -> str:
    sign = "?" if one.ok is None else "+" if one.ok else "-"
    return sign + ("!" if one.contradicts else "")
