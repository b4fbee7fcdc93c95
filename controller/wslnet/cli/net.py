"""`wslnet net`: bridges and taps on any Linux machine, and what their guests need."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

import click

from wslnet.cli.carry_out import carry_out
from wslnet.cli.net_attach import attach, detach
from wslnet.cli.options import guarded, inventory_option, json_option, load
from wslnet.cli.output import print_json, progress

if TYPE_CHECKING:
    from pathlib import Path

    from wslnet.app.virtual_net import NetWish
    from wslnet.cli.options import Run
    from wslnet.model.virtual_net import VirtualNet
    from wslnet.transport.connections import Connections

_ON = click.option("--on", "machine", required=True, metavar="MACHINE", help="The machine that has the net.")
_FORMS = ("cloud-init", "netplan", "ifupdown")
_TAP = click.option("--tap", metavar="TAP", help="One tap alone, by name or number from 0.")


@click.group()
def net() -> None:
    """Nets of bridges and taps on any Linux machine: private, routed, nat, l2."""


@net.command("list")
@click.option("--on", "machines", multiple=True, metavar="MACHINE", help="This machine alone (repeatable).")
@click.option("--fdb", is_flag=True, help="Which MAC addresses each bridge knows behind which port, too.")
@inventory_option
@json_option
@click.pass_context
def list_nets(
    ctx: click.Context, machines: tuple[str, ...], own_inventory: Path | None, *, fdb: bool, as_json: bool
) -> int:
    """Show bridges, their ports and taps, and whose they are."""
    from wslnet.app.virtual_net import survey  # noqa: PLC0415 - kept out of `wslnet --help`
    from wslnet.cli.render_net import list_to_json, print_list  # noqa: PLC0415

    with _fleet(ctx, own_inventory) as fleet:
        snapshot = survey(fleet, machines, fdb=fdb)
    if as_json:
        print_json(list_to_json(snapshot))
    else:
        print_list(snapshot)
    return 0


@net.command()
@click.argument("name")
@_ON
@click.option("--mode", type=click.Choice(["private", "routed", "nat", "l2"]), required=True)
@click.option("--subnet", metavar="PREFIX", help="Of the guests; without it one that nobody uses is chosen.")
@click.option("--taps", type=click.IntRange(0), default=0, help="How many taps.")
@click.option("--tap", "tap", multiple=True, metavar="TAP", help="A tap by name (repeatable).")
@click.option("--owner", metavar="USER", help="Who may open the taps, beside root.")
@click.option(
    "--uplink", metavar="LINK", help="nat: the only way out; l2: the card. Else by the default route."
)
@click.option(
    "--addr", default="keep", show_default=True, help="l2: keep, dhcp, or an address with its prefix."
)
@click.option("--mac-spoofing", is_flag=True, help="l2: this VM's Hyper-V port lets foreign MACs through.")
@click.option("--persist/--no-persist", default=True, show_default=True, help="Come back after a reboot.")
@guarded
def create(
    ctx: click.Context,
    /,
    own_inventory: Path | None,
    *,
    dry_run: bool,
    yes: bool,
    confirm_within: float | None,
    as_json: bool,
    **wish: object,
) -> int:
    """Make a bridge with taps: private, routed (guests and this machine), nat, or l2 (on the LAN)."""
    from wslnet.app.virtual_net import prepare_create  # noqa: PLC0415 - kept out of `wslnet --help`

    say = progress(quiet=as_json)
    with _fleet(ctx, own_inventory) as fleet:
        prepared = prepare_create(fleet, _wish(wish), say)
        return carry_out(
            prepared,
            say,
            verb="net create",
            dry_run=dry_run,
            yes=yes,
            confirm_within=confirm_within,
            as_json=as_json,
        )


@net.command()
@click.argument("name")
@_ON
@guarded
def destroy(
    ctx: click.Context,
    name: str,
    machine: str,
    own_inventory: Path | None,
    **run: Unpack[Run],
) -> int:
    """Take down a net that wslnet made, and nothing else."""
    from wslnet.app.virtual_net import prepare_destroy  # noqa: PLC0415 - kept out of `wslnet --help`

    say = progress(quiet=run["as_json"])
    with _fleet(ctx, own_inventory) as fleet:
        prepared = prepare_destroy(fleet, machine, name, say)
        return carry_out(prepared, say, verb="net destroy", **run)


net.add_command(attach)
net.add_command(detach)


@net.command()
@click.argument("name")
@_ON
@_TAP
@click.option("--libvirt-xml", is_flag=True, help="libvirt's network and cards in place of QEMU's arguments.")
@inventory_option
@json_option
@click.pass_context
def args(
    ctx: click.Context,
    name: str,
    machine: str,
    tap: str | None,
    own_inventory: Path | None,
    *,
    libvirt_xml: bool,
    as_json: bool,
) -> int:
    """Print the arguments with which QEMU plugs a guest into each tap."""
    from wslnet.cli.render_net import print_texts  # noqa: PLC0415 - kept out of `wslnet --help`
    from wslnet.model import guest_config as texts  # noqa: PLC0415

    found = _declared(ctx, own_inventory, machine, name, as_json=as_json)
    if libvirt_xml:
        parts = {port.name: texts.libvirt_interface(port) for port in texts.port_of(found, tap)}
        return print_texts("xml", {found.name: texts.libvirt_network(found), **parts}, as_json=as_json)
    ports = texts.port_of(found, tap)
    vectors = {port.name: list(texts.qemu_arguments(port)) for port in ports}
    return print_texts("args", vectors, as_json=as_json)


@net.command()
@click.argument("name")
@_ON
@_TAP
@click.option("--format", "form", type=click.Choice(_FORMS), default="cloud-init")
@click.option("--address", metavar="ADDRESS", help="The guest's, in the net's subnet; else the tap's own.")
@click.option("--device", metavar="LINK", help="How the guest calls its card (ifupdown needs it).")
@inventory_option
@json_option
@click.pass_context
def guest(
    ctx: click.Context,
    name: str,
    *,
    machine: str,
    tap: str | None,
    form: str,
    address: str | None,
    device: str | None,
    own_inventory: Path | None,
    as_json: bool,
) -> int:
    """Print the network configuration for the guest behind each tap."""
    from wslnet.cli.render_net import print_texts  # noqa: PLC0415 - kept out of `wslnet --help`
    from wslnet.errors import InputError  # noqa: PLC0415
    from wslnet.model.guest_config import guest_config, port_of  # noqa: PLC0415
    from wslnet.model.virtual_net import address_within  # noqa: PLC0415

    found = _declared(ctx, own_inventory, machine, name, as_json=as_json)
    ports = port_of(found, tap)
    if address is not None and len(ports) > 1:
        raise InputError("--address is one guest's: name its tap, too (--tap)")
    own = address_within(found, address) if address is not None else None
    configs = {port.name: guest_config(found, port, form, address=own, device=device) for port in ports}
    return print_texts("config", configs, as_json=as_json)


def _fleet(ctx: click.Context, own_inventory: Path | None) -> Connections:
    from wslnet.app.rules import nothing_wished  # noqa: PLC0415 - kept out of `wslnet --help`
    from wslnet.transport import connections  # noqa: PLC0415

    return connections.Connections(nothing_wished(load(ctx, own_inventory)))


def _declared(
    ctx: click.Context, own_inventory: Path | None, machine: str, name: str, *, as_json: bool
) -> VirtualNet:
    from wslnet.app.virtual_net import one_net  # noqa: PLC0415 - kept out of `wslnet --help`

    with _fleet(ctx, own_inventory) as fleet:
        return one_net(fleet, machine, name, progress(quiet=as_json))


def _wish(given: dict[str, object]) -> NetWish:
    from wslnet.app.virtual_net import NetWish  # noqa: PLC0415 - kept out of `wslnet --help`
    from wslnet.model.virtual_net import NetMode  # noqa: PLC0415

    return NetWish(**{**given, "mode": NetMode(str(given["mode"]))})  # type: ignore[arg-type]  # click typed them
