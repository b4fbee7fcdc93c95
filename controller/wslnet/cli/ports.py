"""`wslnet ports`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from wslnet.cli.options import inventory_option, json_option, load
from wslnet.cli.output import print_json, print_line, progress

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from wslnet.engine.port_table import Holder, PortTable


@click.command()
@inventory_option
@json_option
@click.pass_context
def ports(ctx: click.Context, own_inventory: Path | None, *, as_json: bool) -> int:
    """Listeners of Windows and WSL side by side with their owners; reserved and never-steered ports.

    Exits 20 when neither side can be seen.
    """
    from wslnet.app.ports import live_ports  # noqa: PLC0415 - kept out of `wslnet --help`
    from wslnet.errors import Unreachable  # noqa: PLC0415
    from wslnet.transport.connections import Connections  # noqa: PLC0415

    inventory = load(ctx, own_inventory)
    with Connections(inventory) as fleet:
        table = live_ports(fleet, progress(quiet=as_json))
    if as_json:
        print_json(table.to_json())
    else:
        for line in render(table):
            print_line(line)
    sides = {machine.name for machine in (inventory.windows, inventory.wsl) if machine is not None}
    return Unreachable.exit_code if sides and sides <= set(table.unseen) else 0


def render(table: PortTable) -> Iterator[str]:
    """The lines: a row for each port, then ranges, then what could not be read."""
    rows = [("port", "windows", "wsl")]
    rows += [(f"{one.proto}/{one.port}", _who(one.windows), _who(one.wsl)) for one in table.ports]
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    notes = [(), *(one.notes for one in table.ports)]
    for row, noted in zip(rows, notes, strict=True):
        yield f"{row[0]:{widths[0]}}  {row[1]:{widths[1]}}  {row[2]}".rstrip()
        yield from (f"  note: {note}" for note in noted)
    for rule in table.portproxy:
        yield (
            f"portproxy: {rule.family} {rule.listen_address}:{rule.listen_port} -> "
            f"{rule.connect_address}:{rule.connect_port}"
        )
    if table.reserved is not None:
        first, last = table.reserved
        yield f"reserved for WSL: {first}-{last} (programs of Windows cannot bind there)"
    for one in table.ranges:
        if one.dynamic is not None:
            yield f"{one.proto} ports of outgoing connections: {one.dynamic[0]}-{one.dynamic[1]}"
        for block in one.excluded or ():
            who = "by an administrator" if block.administered else "by Windows"
            yield f"{one.proto} ports excluded {who}: {block.first}-{block.last}"
    if table.never_steered:
        yield f"never steered to WSL in mirrored mode: {', '.join(table.never_steered)}"
    yield from (f"not read: {line}" for line in table.unread)
    yield from (f"not seen: {name}: {reason}" for name, reason in table.unseen.items())


def _who(holders: tuple[Holder, ...]) -> str:
    if not holders:
        return "-"
    by_process: dict[str, list[str]] = {}
    for one in holders:
        owner = one.process or "not known"
        by_process.setdefault(f"{owner} ({one.pid})" if one.pid else owner, []).append(one.address)
    return "; ".join(f"{owner} on {', '.join(addresses)}" for owner, addresses in by_process.items())
