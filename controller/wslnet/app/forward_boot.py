"""Keeps what a start of Windows puts back in step with what is published: SYSTEM reads its own file only."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import PureWindowsPath
from typing import TYPE_CHECKING

from wslnet.model.boot_data import read_boot_data
from wslnet.resources.boot_data import BootDataFile

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wslnet.model.forward import Forward
    from wslnet.model.snapshot import Snapshot


def boot_resources(snapshot: Snapshot, published: Iterable[Forward]) -> tuple[BootDataFile, ...]:
    """The data of the boot tasks with these forwards in it; nothing where the tasks are not installed.

    Raises:
        InputError: the data is there and cannot be read.
    """
    boot = snapshot.windows.boot if snapshot.windows is not None else None
    windows = snapshot.inventory.windows
    if boot is None or boot.data.content is None or windows is None:
        return ()
    data = read_boot_data(PureWindowsPath(boot.data.path), base64.b64decode(boot.data.content))
    wish = replace(data.inventory.wish, forward=tuple(published))
    content = replace(data, inventory=replace(data.inventory, wish=wish)).to_bytes()
    return (BootDataFile(windows.name, content, boot.sid, "a start of Windows puts back what is published"),)
