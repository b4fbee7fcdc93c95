"""`wslnet` without a verb: what it found, and the one next thing to do.

Loads nothing heavy as long as there is no inventory.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from wslnet import __version__
from wslnet.cli.output import print_line, progress

if TYPE_CHECKING:
    from pathlib import Path


def welcome(named: Path | None) -> None:
    """Prints it; `named` is the inventory given by `--inventory`.

    Raises:
        InputError: an inventory is there, or was named, and cannot be read.
    """
    from wslnet.app.inventory_file import default_path  # noqa: PLC0415 - kept out of `wslnet --help`

    file = named or default_path()
    print_line(f"wslnet {__version__}: Windows 11, WSL2 and the VMs inside it as one reachable network")
    if named is None and not file.exists():
        _without_inventory(file)
    else:
        _with_inventory(named)
    print_line("all commands: wslnet --help")


def _without_inventory(file: Path) -> None:
    print_line(f"inventory: none yet ({file})")
    if sys.platform == "win32":
        print_line("next: wslnet init        it finds this Windows, its distros and the VMs in them")
    else:
        print_line("here: no Windows, so it is reached from afar, over WinRM")
        print_line("next: wslnet init --windows ADDRESS --user USER --secret-env NAME")
        print_line("      or `wslnet lab up`, a Windows with WSL and VMs to try everything on")


def _with_inventory(named: Path | None) -> None:
    from wslnet.app.inventory_file import load_inventory  # noqa: PLC0415 - only with an inventory
    from wslnet.app.welcome import look_around  # noqa: PLC0415
    from wslnet.transport.connections import Connections  # noqa: PLC0415

    inventory = load_inventory(named)
    print_line(f"inventory: {inventory.path}, {len(inventory.machines)} machines")
    with Connections(inventory) as fleet:
        lines, step = look_around(fleet, progress(quiet=False))
    for line in lines:
        print_line(line)
    option = f" --inventory {named}" if named is not None else ""
    print_line(f"next: wslnet{option} {step.command}")
    print_line(f"      {step.why}")
