"""`wslnet vm enroll` and `wslnet vm forget`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from wslnet.cli.carry_out import show_only
from wslnet.cli.options import dry_run_option, inventory_option, json_option, load, yes_option
from wslnet.cli.output import print_json, print_line, progress
from wslnet.cli.render_run import ask, print_plan, print_result
from wslnet.cli.secrets import console_password, secret_of, secret_options
from wslnet.errors import InputError, WslnetError

if TYPE_CHECKING:
    from collections.abc import Callable

    from wslnet.app.result import RunResult
    from wslnet.app.setup import Prepared
    from wslnet.app.vm_enroll import Enrolment
    from wslnet.engine.fleet import Fleet
    from wslnet.model.machine import Machine

_WAYS = ("agent", "ssh", "console")
via_option = click.option(
    "--via",
    type=click.Choice(_WAYS),
    help="How its host enters it first: guest agent, the host's own SSH (these two are tried), or console.",
)
_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("vm", metavar="[HOST/]VM")
@click.option("--name", metavar="NAME", help="Its name in the inventory (default: the domain's).")
@click.option("--user", metavar="USER", help="Whom to enter it as (default: as the machine that runs it).")
@click.option("--key", type=_FILE, help="The private key to enter it with (default: that of its host).")
@via_option
@secret_options
@dry_run_option
@yes_option
@inventory_option
@json_option
@click.pass_context
def enroll(  # noqa: PLR0917 - click passes options by name
    ctx: click.Context,
    vm: str,
    name: str | None,
    user: str | None,
    key: Path | None,
    via: str | None,
    secret_env: str | None,
    secret_keyring: str | None,
    secret_command: str | None,
    own_inventory: Path | None,
    *,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> int:
    """Put our key into a VM, pin its host key, and write it into the inventory.

    The machine that runs the VM does it: by the guest agent, by the SSH that it enters the VM with already,
    or with a password on the VM's console. Nothing is trusted because it was shown first.
    """
    from wslnet.app import vm_enroll  # noqa: PLC0415 - kept out of `wslnet --help`
    from wslnet.model.guest_entry import Way  # noqa: PLC0415
    from wslnet.transport.connections import Connections  # noqa: PLC0415

    say = progress(quiet=as_json)
    inventory = load(ctx, own_inventory)
    with Connections(inventory) as fleet:
        found = vm_enroll.find_vm(fleet, vm, say)
    with Connections(vm_enroll.host_part(inventory, found.host)) as fleet:
        secret = secret_of("vm enroll", secret_env, secret_keyring, secret_command)
        wanted = vm_enroll.Wanted(vm, name, user, key, Way(via) if via else None, secret)
        enrolment = vm_enroll.prepare(
            fleet, inventory, found, wanted, public_key=_public_key, password=_password(as_json=as_json)
        )
        if dry_run:
            return show_only(enrolment.prepared.plan, None, as_json=as_json)
        result = _run(enrolment.prepared, say, verb="vm enroll", yes=yes, as_json=as_json)
        written, note = False, None
        if result.exit_code == 0:
            try:
                written, note = vm_enroll.settle(enrolment, inventory, Connections)
            except WslnetError:
                _take_back(enrolment.prepared.fleet, result, say)
                raise
    enrolled = result.exit_code == 0
    if as_json:
        told = {**_document(enrolment), "inventory": str(inventory.path), "written": written, "note": note}
        print_json(result.to_json() | {"enrolled": told if enrolled else None})
        return result.exit_code
    print_result(result)
    if enrolled:
        key_read = f"{enrolment.host_key.fingerprint}, read by {enrolment.entry.words}"
        print_line(f"host key of {enrolment.machine.name}: {key_read}")
        print_line(f"{'written' if written else 'unchanged'}: {inventory.path}")
        if note:
            print_line(f"it is entered and can be read, but not changed: {note}")
        print_line(f"next: wslnet vm reach {enrolment.machine.name}")
    return result.exit_code


def _document(enrolment: Enrolment) -> dict[str, object]:
    """Who is entered now, and how; the inventory's part of the document is the caller's."""
    machine = enrolment.machine
    return {
        "machine": machine.name,
        "host": machine.parent,
        "address": machine.address,
        "user": machine.user,
        "via": str(enrolment.entry.way),
        "host_key": enrolment.host_key.fingerprint,
    }


@click.command()
@click.argument("name", metavar="VM")
@via_option
@yes_option
@inventory_option
@json_option
@click.pass_context
def forget(
    ctx: click.Context,
    name: str,
    via: str | None,
    own_inventory: Path | None,
    *,
    yes: bool,
    as_json: bool,
) -> int:
    """Take our key out of a VM, unpin its host key, and take it out of the inventory."""
    from wslnet.app import vm_forget  # noqa: PLC0415 - kept out of `wslnet --help`
    from wslnet.app.vm_enroll import host_part  # noqa: PLC0415
    from wslnet.model.guest_entry import Way  # noqa: PLC0415
    from wslnet.transport.connections import Connections  # noqa: PLC0415

    say = progress(quiet=as_json)
    inventory = load(ctx, own_inventory)
    machine = vm_forget.vm_to_forget(inventory, name)
    with Connections(host_part(inventory, machine.parent or "")) as fleet:
        key = _public_key(machine) if machine.key is not None else None
        way, password = Way(via) if via else None, _password(as_json=as_json)
        prepared, note = vm_forget.prepare(fleet, machine, key, way, password)
        result = _run(prepared, say, verb="vm forget", yes=yes, as_json=as_json, always=True)
    if result.exit_code == 0:
        vm_forget.settle(inventory, machine)
    if as_json:
        print_json(result.to_json() | {"forgotten": name if result.exit_code == 0 else None, "note": note})
        return result.exit_code
    print_result(result)
    if note:
        print_line(f"our key stays in it: {note}")
    if result.exit_code == 0:
        print_line(f"forgotten: {name}: its table in {inventory.path} and its pinned host key are gone")
    return result.exit_code


def _run(
    prepared: Prepared,
    say: Callable[[str, str], None],
    *,
    verb: str,
    yes: bool,
    as_json: bool,
    always: bool = False,
) -> RunResult:
    """Shows, asks and runs; `always`: asks also when nothing is to change on a machine."""
    from wslnet.app.execute import execute  # noqa: PLC0415 - as above

    if not as_json:
        print_plan(prepared.plan)
    if (always or prepared.plan.changes) and not yes:
        ask(verb, as_json=as_json)
    return execute(prepared, say)


def _take_back(fleet: Fleet, result: RunResult, say: Callable[[str, str], None]) -> None:
    """The login failed: what the run did is undone, whatever there is to be told about the login."""
    from wslnet.app.undo import run_to_undo, undo  # noqa: PLC0415 - as above

    if result.run is not None:
        fleet.forget(fleet.inventory.machines)
        undo(fleet, run_to_undo(fleet.inventory.state, result.run), say)


def _password(*, as_json: bool) -> Callable[[Machine], str | None]:
    return lambda machine: console_password(machine, as_json=as_json)


def _public_key(machine: Machine) -> str:
    from wslnet.transport.secrets import password_of  # noqa: PLC0415 - as above
    from wslnet.transport.ssh_auth import public_key  # noqa: PLC0415

    if machine.key is None:
        raise InputError(f"{machine.name}: no key to enter it with is known: give --key FILE")
    return public_key(machine.key, lambda: password_of(machine))
