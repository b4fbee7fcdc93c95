"""Options and set-up that several verbs share."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from wslnet.errors import InputError, Unsupported

if TYPE_CHECKING:
    from wslnet.model.machine import Inventory

F = TypeVar("F", bound=Callable[..., Any])

json_option = click.option("--json", "as_json", is_flag=True, help="Print exactly one JSON document.")
inventory_option = click.option(
    "--inventory", "own_inventory", type=click.Path(path_type=Path), help="The inventory file.", hidden=True
)


dry_run_option = click.option(
    "--dry-run", is_flag=True, help="Only make the plan; exit 10 when changes are pending."
)
yes_option = click.option("--yes", is_flag=True, help="Do not ask.")


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
