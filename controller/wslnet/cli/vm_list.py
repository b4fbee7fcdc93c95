"""`wslnet vm list`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from wslnet.cli.options import inventory_option, json_option, known_machine, load
from wslnet.cli.output import print_json, print_line, progress

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from wslnet.app.vm_list import VmList
    from wslnet.model.nested_vms import NestedVm


@click.command("list")
@click.option(
    "--machine", "hosts", multiple=True, metavar="NAME", help="Only VMs of this machine (repeatable)."
)
@inventory_option
@json_option
@click.pass_context
def list_(ctx: click.Context, hosts: tuple[str, ...], own_inventory: Path | None, *, as_json: bool) -> int:
    """Find the VMs of all machines: addresses and who told them, cards and taps, known or not."""
    from wslnet.app.vm_list import list_vms  # noqa: PLC0415 - kept out of `wslnet --help`
    from wslnet.transport.connections import Connections  # noqa: PLC0415

    inventory = load(ctx, own_inventory)
    hosts = tuple(known_machine(inventory, host) for host in hosts)
    with Connections(inventory) as fleet:
        found = list_vms(fleet, hosts, progress(quiet=as_json))
    if as_json:
        print_json(found.to_json())
    else:
        for line in _lines(found):
            print_line(line)
    return 20 if found.unseen and not found.vms else 0


def _lines(found: VmList) -> Iterator[str]:
    for vm in found.vms:
        yield from _told(vm)
    if not found.vms:
        yield "no VMs were found"
    for name, reason in found.unseen.items():
        yield f"not seen: {name}: {reason}"


def _told(vm: NestedVm) -> Iterator[str]:
    addresses = ", ".join(f"{address} ({', '.join(sources)})" for address, sources in vm.addresses)
    known = f"in the inventory as {vm.name}" if vm.name else "not in the inventory"
    yield f"{vm.host}/{vm.domain or '?'}  {vm.state}  {addresses or 'no address known'}  {known}"
    for port in vm.ports:
        tap = f"tap {port.tap} {port.tap_mac or ''}".rstrip() if port.tap else "no tap"
        yield f"  card {port.mac}  {tap}  bridge {port.bridge or '-'}"
    yield f"  guest agent: {'answers' if vm.agent else 'none'}"
    if vm.moved:
        yield f"  the inventory has {vm.listed}: correct it, then pin it with wslnet vm pin {vm.name}"
    if vm.name is None and vm.domain is not None and vm.addresses:
        yield f"  next: wslnet vm enroll {vm.host}/{vm.domain}"
