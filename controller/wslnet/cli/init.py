"""`wslnet init`."""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wslnet.cli.options import inventory_option, json_option
from wslnet.cli.output import print_json, print_line, progress
from wslnet.cli.secrets import secret_of, secret_options
from wslnet.errors import InputError, WslnetError
from wslnet.whole_file import write_whole

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.app.init import Discovery
    from wslnet.model.machine import Inventory, Machine

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.option("-o", "--output", type=_FILE, help="The file to write (default: the inventory itself).")
@click.option("--windows", "address", metavar="ADDRESS", help="Windows over WinRM (default: this machine).")
@click.option("--port", type=click.IntRange(1, 65535), help="Its WinRM port.")
@click.option("--user", help="The Windows user who owns the distros.")
@secret_options
@click.option("--proxy", metavar="URL", help="Proxy to dial Windows through, such as socks5h://HOST:PORT.")
@click.option("--key", type=_FILE, help="SSH key that enters WSL and the VMs.")
@click.option("--wake", is_flag=True, help="Start a stopped WSL to look into it.")
@click.option("--yes", "--force", "yes", is_flag=True, help="Write over or into a file that exists.")
@inventory_option
@json_option
@click.pass_context
def init(  # noqa: PLR0917 - click passes options by name
    ctx: click.Context,
    output: Path | None,
    address: str | None,
    port: int | None,
    user: str | None,
    secret_env: str | None,
    secret_keyring: str | None,
    secret_command: str | None,
    proxy: str | None,
    key: Path | None,
    wake: bool,  # noqa: FBT001
    yes: bool,  # noqa: FBT001
    own_inventory: Path | None,
    as_json: bool,  # noqa: FBT001
) -> int:
    """Find Windows, the distro and all VMs, and write the inventory.

    An inventory that exists is what it begins with: its machines stay, what is new is added at its end.
    """
    from wslnet.app.init import discover, text_of  # noqa: PLC0415 - kept out of `wslnet --help`
    from wslnet.app.inventory_file import default_path  # noqa: PLC0415
    from wslnet.model.machine import Kind, Machine  # noqa: PLC0415
    from wslnet.transport.connections import Connections  # noqa: PLC0415

    source = own_inventory or ctx.obj.get("inventory") or default_path()
    target = output or source
    if address is None and source.exists():
        base, text = _existing(source, target)
    else:
        secret = secret_of("init", secret_env, secret_keyring, secret_command)
        windows = Machine("windows", Kind.WINDOWS, None, address, port, user, proxy=proxy, secret=secret)
        base, text = _new(windows, target), None
    first_contact = partial(Connections, enroll=True)
    discovery = discover(base, first_contact, progress(quiet=as_json), key=key, wake=wake)
    changed = bool(discovery.found) or target != source or not target.exists()
    if changed:
        _may_write(target, yes=yes, as_json=as_json)
        _write(target, text_of(discovery, text))
    if as_json:
        print_json(discovery.to_json(written=changed))
    else:
        for line in _told(discovery, target, written=changed):
            print_line(line)
    return 0


def _new(windows: Machine, target: Path) -> Inventory:
    """An inventory that holds Windows only: the one at an address, or this machine."""
    from wslnet.app.inventory_file import default_state  # noqa: PLC0415 - as above
    from wslnet.model.machine import Inventory  # noqa: PLC0415 - as above

    if windows.address is None and sys.platform != "win32":
        raise InputError(
            "init: this is no Windows; name one: --windows ADDRESS --user USER --secret-env NAME "
            "(or begin with a file that has its [machines.windows]: --inventory FILE)"
        )
    if windows.address is not None and (windows.user is None or windows.secret is None):
        raise InputError(
            "init: --windows needs --user and one of --secret-env, --secret-keyring, --secret-command"
        )
    return Inventory(target, default_state(target), {windows.name: windows})


def _existing(source: Path, target: Path) -> tuple[Inventory, str | None]:
    """The inventory of `source` as that of `target`, and its text if it may be taken over as it is.

    Paths in it are relative to its folder, so its text is taken over only inside that folder.
    """
    from wslnet.app.inventory_file import default_state, load_inventory  # noqa: PLC0415 - as above

    base = load_inventory(source)
    state = default_state(target) if base.state == default_state(source) else base.state
    text = None
    if target.resolve().parent == source.resolve().parent:
        text = source.read_text(encoding="utf-8-sig")
    return replace(base, path=target, state=state), text


def _may_write(target: Path, *, yes: bool, as_json: bool) -> None:
    if not target.exists() or yes:
        return
    if as_json or not sys.stdin.isatty():
        raise InputError(f"{target} exists: give --yes to write it; nothing was written")
    if not click.confirm(f"{target} exists. Write it?", err=True):
        raise WslnetError("nothing was written")


def _write(target: Path, text: str) -> None:
    """Writes the whole file at once: what is there stays until the new one is complete."""
    try:
        write_whole(target, text.encode())
    except OSError as error:
        raise InputError(f"{target}: cannot be written: {error.strerror}") from error


def _told(discovery: Discovery, target: Path, *, written: bool) -> Iterator[str]:
    for one in discovery.found:
        where = f" at {one.machine.address}" if one.machine.address else ""
        yield f"found: {one.machine.name}{where}: {one.how}"
    if not discovery.found:
        yield "nothing new was found"
    for name, reason in discovery.silent.items():
        yield f"does not answer: {name}: {reason}"
    yield from (f"missing: {line}" for line in discovery.missing)
    yield f"written: {target}" if written else f"unchanged: {target}"
    if written:
        yield f"host keys are pinned as they were seen now, in {discovery.inventory.state}"
    option = f" --inventory {target}" if target != _default() else ""
    yield f"next: wslnet{option} doctor"


def _default() -> Path:
    from wslnet.app.inventory_file import default_path  # noqa: PLC0415 - as above

    return default_path()
