"""`wslnet status`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from wslnet.cli.options import inventory_option, json_option, load
from wslnet.cli.output import SCHEMA_VERSION, print_complaint, print_json, print_line, progress
from wslnet.errors import Unreachable

if TYPE_CHECKING:
    from pathlib import Path

    from wslnet.model.snapshot import Snapshot
    from wslnet.model.windows_wsl import WslVersions


@click.command()
@click.argument("part", type=click.Choice(["net", "version"]), required=False, metavar="[net|version]")
@click.option("--wake", is_flag=True, help="Start a stopped WSL first; reading never does by itself.")
@click.option("--host-ip", is_flag=True, help="Only the address by which WSL comes to Windows.")
@inventory_option
@json_option
@click.pass_context
def status(
    ctx: click.Context,
    part: str | None,
    own_inventory: Path | None,
    *,
    wake: bool,
    host_ip: bool,
    as_json: bool,
) -> int:
    """What is there now: machines, mode as measured, adapters, addresses, routes, bridges, VMs.

    `status net`: the virtual routers with their gateway, DHCP range and leases. `status version`: only the
    versions of WSL and of what comes with it. Exits 20 when no machine at all can be seen, or with --host-ip
    when that address is not known.
    """
    from wslnet.app.status import look, look_at_versions, look_routers  # noqa: PLC0415 - kept out of `wslnet --help`
    from wslnet.cli import render_routers, render_status  # noqa: PLC0415
    from wslnet.transport.connections import Connections  # noqa: PLC0415

    inventory = load(ctx, own_inventory)
    with Connections(inventory) as fleet:
        if part == "version":
            return _tell_versions(look_at_versions(fleet), as_json=as_json)
        if part == "net":
            snapshot, found = look_routers(fleet, progress(quiet=as_json), wake=wake)
            document, lines = found.to_json(), render_routers.render(found)
        else:
            snapshot, picture = look(fleet, progress(quiet=as_json), wake=wake)
            document, lines = picture.to_json(), render_status.render(picture)
    if host_ip:
        return _tell_host_ip(snapshot, as_json=as_json)
    if as_json:
        print_json(document)
    else:
        for line in lines:
            print_line(line)
    return 0 if snapshot.facts else Unreachable.exit_code


def _tell_host_ip(snapshot: Snapshot, *, as_json: bool) -> int:
    from wslnet.model.topology import host_address  # noqa: PLC0415 - kept out of `wslnet --help`

    address = host_address(snapshot)
    if as_json:
        print_json({"schema_version": SCHEMA_VERSION, "mode": snapshot.mode, "host_ip": address})
    elif address is not None:
        print_line(address)
    else:
        print_complaint("WSL does not run or was not seen: its way to Windows is not known")
    return 0 if address is not None else Unreachable.exit_code


def _tell_versions(found: WslVersions, *, as_json: bool) -> int:
    from wslnet.cli.render_status import render_versions  # noqa: PLC0415 - kept out of `wslnet --help`

    if as_json:
        print_json({"schema_version": SCHEMA_VERSION, "versions": asdict(found)})
    else:
        for line in render_versions(found):
            print_line(line)
    return 0
