"""Files as they are seen in a machine: bytes, mode, owner, and where a link leads.

Only what differs from the bare system is kept, so that a file that was opened and closed again counts as
untouched. Forgotten: times; the numbers of processes; the lock file that iptables leaves when it lists; the
locks of wslnet, which run out by themselves (`LOCKS`), and the empty folder in which they and the guard lie.
"""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .parts import Parts

_SHOWN_BYTES = 4096
LOCKS = frozenset({"/run/wslnet/lock.json", "/mnt/wsl/wslnet/lock.json", "C:/ProgramData/wslnet.lock"})
_LEFT_BY_A_LOOK = frozenset({"/run/xtables.lock"})
_EMPTY_AT_REST = frozenset({"/run/wslnet", "/mnt/wsl/wslnet"})


def read_files(upper: Path, base: Path | None, prefix: str = "") -> Parts:
    """All below `upper` that is not the same in `base`; `prefix` says where `upper` lies in the machine."""
    found: Parts = {}
    for path in _walk(upper):
        relative = path.relative_to(upper)
        name = f"{prefix}/{relative}"
        described = describe(path)
        if name in LOCKS | _LEFT_BY_A_LOOK or name.endswith(".pid"):
            continue
        if name in _EMPTY_AT_REST and not {f"{name}/{each.name}" for each in path.iterdir()} - LOCKS:
            continue
        if base is None or describe(base / relative) != described:
            found[f"file {name}"] = described
    return found


def describe(path: Path) -> tuple[str, ...]:
    """Kind, mode, owner and content of one file, its text line by line when it is short text."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return ("absent",)
    head = f"{stat.filemode(status.st_mode)} {status.st_uid}:{status.st_gid}"
    if stat.S_ISLNK(status.st_mode):
        return (f"{head} -> {path.readlink()}",)
    if stat.S_ISCHR(status.st_mode) or stat.S_ISBLK(status.st_mode):
        return (f"{head} {os.major(status.st_rdev)},{os.minor(status.st_rdev)}",)
    if not stat.S_ISREG(status.st_mode):
        return (head,)
    content = path.read_bytes()
    head += f" {len(content)} bytes {hashlib.sha256(content).hexdigest()}"
    if len(content) > _SHOWN_BYTES:
        return (head,)
    return (head, *(repr(line) for line in content.splitlines(keepends=True)))


def _walk(folder: Path) -> Iterator[Path]:
    for inside, folders, files in os.walk(folder):
        for name in sorted([*folders, *files]):
            yield Path(inside, name)
