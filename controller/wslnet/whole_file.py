"""Files written whole: the old content stays until the new one is on disk, also when the disk is full.

For plans, inventories and other files of the user's; a journal is appended to instead.
"""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_SUFFIX = ".wslnet-tmp"


def write_whole(path: Path, data: bytes) -> None:
    """Puts `data` into `path`, all of it or nothing; missing folders are made.

    The mode of a file that is there is kept and a link is followed. What is no plain file (`/dev/stdout`)
    is written as it is.

    Raises:
        OSError: the disk refuses; the old file is as it was and nothing lies beside it.
    """
    if path.exists() and not path.is_file():
        path.write_bytes(data)
        return
    target = path.resolve()
    make_folder(target.parent)
    beside = target.with_name(target.name + _SUFFIX)
    try:
        with beside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            shutil.copymode(target, beside)
        beside.replace(target)
    except OSError:
        beside.unlink(missing_ok=True)
        raise
    sync_folder(target.parent)


def make_folder(folder: Path) -> None:
    """Makes the folder and those above it that are missing, each on disk when this returns.

    Raises:
        OSError: one cannot be made.
    """
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    for each in reversed(missing):
        each.mkdir(exist_ok=True)
        sync_folder(each.parent)


def sync_folder(folder: Path) -> None:
    """Waits until the names in a folder are on disk; Windows has no such call and keeps them in its journal.

    Raises:
        OSError: the disk refuses.
    """
    if os.name == "nt":
        return
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
