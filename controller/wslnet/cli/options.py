"""Options and set-up that several verbs share."""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar

import click

from wslnet.errors import InputError, Unsupported

if TYPE_CHECKING:
    from wslnet.model.machine import Inventory

F = TypeVar("F", bound=Callable[..., Any])

_SECONDS = {"s": 1, "m": 60}
_LEAST_S, _MOST_S = 2, 1800

json_option = click.option("--json", "as_json", is_flag=True, help="Print exactly one JSON document.")
inventory_option = click.option(
    "--inventory", "own_inventory", type=click.Path(path_type=Path), help="The inventory file.", hidden=True
)
dry_run_option = click.option(
    "--dry-run", is_flag=True, help="Only make the plan; exit 10 when changes are pending."
)
yes_option = click.option("--yes", is_flag=True, help="Do not ask.")


def _seconds(_: click.Context, __: click.Parameter, value: str | None) -> float | None:
    if value is None:
        return None
    found = re.fullmatch(r"([0-9]{1,4})([sm])", value)
    seconds = int(found[1]) * _SECONDS[found[2]] if found else 0
    if not _LEAST_S <= seconds <= _MOST_S:
        raise click.BadParameter(f"{value!r} is no time from 2s to 30m, such as 30s or 2m")
    return float(seconds)


confirm_within_option = click.option(
    "--confirm-within",
    metavar="T",
    callback=_seconds,
    help="Take all back after T (30s, 2m) unless `wslnet confirm` comes.",
)

output_option = click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write the plan to a file."
)
_mirrored_option = click.option(
    "--mirrored", "mode", flag_value="mirrored", help="WSL shares Windows' own addresses."
)
_nat_option = click.option(
    "--nat", "mode", flag_value="nat", help="WSL behind Windows, which routes between switches."
)
_bridged_option = click.option(
    "--bridged", "mode", flag_value="bridged", help="WSL as a machine of the LAN, on an External switch."
)
_allow_option = click.option(
    "--allow", multiple=True, metavar="PROTO/PORT[@lan]", help="Let a port into WSL."
)


class UnguardedRun(TypedDict):
    """How a verb that cuts nobody off was asked to change machines."""

    dry_run: bool
    yes: bool
    as_json: bool


class Run(UnguardedRun):
    """How a verb that probes prove and a guard watches over was asked to change machines."""

    confirm_within: float | None


def unguarded(command: F) -> F:
    """The options of `UnguardedRun`, those of `load`, and the context; the last decorator of a verb."""
    return _with_context(command, dry_run_option, yes_option, inventory_option, json_option)


def guarded(command: F) -> F:
    """The options of `Run`, those of `load`, and the context; the last decorator of a verb."""
    options = (dry_run_option, yes_option, confirm_within_option, inventory_option, json_option)
    return _with_context(command, *options)


def wish_options(command: F) -> F:
    """The options that name a mode and the ports to let into WSL."""
    return _with(command, _mirrored_option, _nat_option, _bridged_option, _allow_option)


def _with_context(command: F, *options: Callable[[F], F]) -> F:
    command = click.pass_context(command)  # type: ignore[assignment]  # click forgets the function's own type
    return _with(command, *options)


def _with(command: F, *options: Callable[[F], F]) -> F:
    for option in reversed(options):
        command = option(command)
    return command


def load(ctx: click.Context, own: Path | None) -> Inventory:
    """The inventory named behind the verb or before it, else the default one.

    Raises:
        InputError: it cannot be read.
    """
    from wslnet.app.inventory_file import load_inventory  # noqa: PLC0415 - kept out of `wslnet --help`

    return load_inventory(own or ctx.obj.get("inventory"))


def known_machine(inventory: Inventory, name: str) -> str:
    """The name itself if the inventory has it.

    Raises:
        InputError: it has not; the message lists the names.
    """
    if name not in inventory.machines:
        raise InputError(f"unknown machine {name!r}; {inventory.path} has {', '.join(inventory.machines)}")
    return name


def refuse_inside_wsl(verb: str) -> None:
    """The controller must outlive `wsl --shutdown`, so it cannot run inside WSL.

    Raises:
        Unsupported: it does.
    """
    inside = "WSL_DISTRO_NAME" in os.environ or "microsoft" in platform.release().lower()
    if sys.platform != "win32" and inside:
        raise Unsupported(
            f"{verb} restarts WSL and would end itself: run wslnet on Windows or elsewhere, not inside WSL"
        )
