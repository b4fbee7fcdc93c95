"""`wslnet firewall`: what may come into WSL, rule by rule, and what the LAN can reach now."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Unpack

import click

from wslnet.cli.carry_out import carry_out
from wslnet.cli.options import guarded, inventory_option, json_option, load
from wslnet.cli.output import print_json, print_line, progress
from wslnet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from wslnet.app.firewall_audit import Audit
    from wslnet.app.firewall_list import Listing
    from wslnet.app.setup import Prepared
    from wslnet.cli.options import Run
    from wslnet.model.grant import Grant
    from wslnet.model.machine import Inventory


@click.group()
def firewall() -> None:
    """Let ports into WSL, for the LAN only and for a time if you like; show and audit what may come in."""


@firewall.command()
@click.argument("ports", nargs=-1, metavar="[PROTO/PORT[@lan]]...")
@click.option("--for", "lasts", metavar="T", help="Take it back after T (30m, 2h, 1d12h); a boot task does.")
@click.option("--until", "moment", metavar="WHEN", help="Take it back then (2026-11-21T20:00).")
@click.option("--open-all", is_flag=True, help="DefaultInboundAction Allow: everything may come in.")
@guarded
def allow(
    ctx: click.Context,
    ports: tuple[str, ...],
    lasts: str | None,
    moment: str | None,
    own_inventory: Path | None,
    *,
    open_all: bool,
    **run: Unpack[Run],
) -> int:
    """Let ports into WSL: a rule per port, proven by packets, or everything as it was."""
    from wslnet.app.firewall import prepare_allow  # noqa: PLC0415 - kept out of `wslnet --help`
    from wslnet.model.allow import parse_allow  # noqa: PLC0415
    from wslnet.model.grant import grants_until  # noqa: PLC0415

    if not ports and not open_all:
        raise InputError("firewall allow: name a port such as tcp/8080@lan")
    if (lasts or moment) and (open_all or (lasts and moment)):
        raise InputError("--for, --until: one of them, and for ports only")
    allows = [parse_allow(text) for text in ports]

    def grants() -> tuple[Grant, ...]:
        return grants_until(allows, lasts, moment, datetime.now().astimezone())

    def prepare(fleet: Any, say: Any) -> Prepared:  # noqa: ANN401 - passed through
        return prepare_allow(fleet, grants, say, open_all=open_all)

    # What cannot be read is refused before anything is asked.
    grants()

    return _run(load(ctx, own_inventory), "firewall allow", prepare, **run)


@firewall.command()
@click.argument("ports", nargs=-1, metavar="[PROTO/PORT]...")
@click.option("--open-all", is_flag=True, help="Take the open default back: Block.")
@guarded
def revoke(
    ctx: click.Context,
    ports: tuple[str, ...],
    own_inventory: Path | None,
    *,
    open_all: bool,
    **run: Unpack[Run],
) -> int:
    """Take rules of `allow` back."""
    from wslnet.app.firewall import prepare_revoke  # noqa: PLC0415 - kept out of `wslnet --help`
    from wslnet.model.allow import parse_allow  # noqa: PLC0415

    if not ports and not open_all:
        raise InputError("firewall revoke: name a port such as tcp/8080; `wslnet firewall list` shows them")
    keys = {(one.proto, one.port) for one in map(parse_allow, ports)}

    def prepare(fleet: Any, say: Any) -> Prepared:  # noqa: ANN401 - passed through
        return prepare_revoke(fleet, keys, say, open_all=open_all)

    return _run(load(ctx, own_inventory), "firewall revoke", prepare, shuts=True, **run)


@firewall.command("list")
@inventory_option
@json_option
@click.pass_context
def list_(ctx: click.Context, own_inventory: Path | None, *, as_json: bool) -> int:
    """Show wslnet's own rules with scope and end, and what a policy decides."""
    from wslnet.app.firewall_list import firewall_list  # noqa: PLC0415 - kept out of `wslnet --help`
    from wslnet.transport.connections import Connections  # noqa: PLC0415

    with Connections(load(ctx, own_inventory)) as fleet:
        found = firewall_list(fleet, progress(quiet=as_json))
    return _tell(found, as_json=as_json)


@firewall.command()
@inventory_option
@json_option
@click.pass_context
def audit(ctx: click.Context, own_inventory: Path | None, *, as_json: bool) -> int:
    """Say what the LAN can reach now, by which rule, and what was left open."""
    from wslnet.app.firewall_audit import firewall_audit  # noqa: PLC0415 - kept out of `wslnet --help`
    from wslnet.transport.connections import Connections  # noqa: PLC0415

    with Connections(load(ctx, own_inventory)) as fleet:
        found = firewall_audit(fleet, progress(quiet=as_json))
    return _tell(found, as_json=as_json)


def _tell(found: Audit | Listing, *, as_json: bool) -> int:
    if as_json:
        print_json(found.to_json())
    else:
        for line in found.lines():
            print_line(line)
    return 0


def _run(
    inventory: Inventory,
    verb: str,
    prepare: Callable[..., Prepared],
    *,
    shuts: bool = False,
    **run: Unpack[Run],
) -> int:
    from wslnet.app.firewall import shut_out  # noqa: PLC0415 - kept out of `wslnet --help`
    from wslnet.transport.connections import Connections  # noqa: PLC0415

    say = progress(quiet=run["as_json"])
    with Connections(inventory) as fleet:
        prepared = prepare(fleet, say)
        consent = shut_out(inventory) if shuts else None
        return carry_out(prepared, say, verb=verb, consent=consent, **run)
