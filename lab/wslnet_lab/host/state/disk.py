r"""Drive C: as a folder: Windows paths to files, in any case, links followed inside the drive only.

A symbolic link of Windows is a POSIX link there; its target may be relative or lie in the drive's folder.
Locked files (another process holds them without sharing) refuse every opening. Nothing else is checked.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_PROVIDER = ("filesystem::", "microsoft.powershell.core\\filesystem::")
_LINK_LIMIT = 40
_LONGEST_NAME = 255


class SharingViolation(OSError):
    """Another process holds the file."""


def normal_path(path: str, current: str) -> str | None:
    r"""The absolute `C:\…` path of `path`, relative ones from `current`; None for another drive or a share.

    `.` and `..` are taken out as Windows does, without looking at links.
    """
    text = path.replace("/", "\\")
    for prefix in _PROVIDER:
        if text.lower().startswith(prefix):
            text = text[len(prefix) :]
            break
    if text.startswith("\\\\"):
        return None
    if text[1:2] != ":":
        text = ("C:" + text) if text.startswith("\\") else f"{current}\\{text}"
    if text[0].upper() != "C":
        return None
    parts: list[str] = []
    for part in text[2:].split("\\"):
        if part == "..":
            parts = parts[:-1]
        elif part not in {"", "."}:
            parts.append(part)
    return "C:\\" + "\\".join(parts)


class Disk:
    """Drive C: in the folder `root`. `locked` gives the normal paths (any case) that are held right now."""

    def __init__(self, root: Path, locked: Callable[[], frozenset[str]] = frozenset) -> None:
        self._root = root
        self._locked = locked
        root.mkdir(parents=True, exist_ok=True)

    def locate(self, path: str, *, follow: bool = True) -> Path | None:
        """The file behind a normal path, or None; without `follow` a link at the end is itself."""
        return self._walk(path, follow=follow, budget=_LINK_LIMIT)

    def place(self, path: str) -> Path | None:
        """Where a file of this path is or would be made; None when its folder does not exist."""
        existing = self.locate(path)
        if existing is not None:
            return existing
        folder, _, name = path.rpartition("\\")
        parent = self.locate(folder if folder != "C:" else "C:\\")
        return parent / name if parent is not None and parent.is_dir() and _can_be_a_name(name) else None

    def spelled(self, place: Path) -> str:
        r"""The `C:\…` path of a file of this drive as it is spelled on it."""
        relative = place.relative_to(self._root)
        return "C:\\" + "\\".join(relative.parts)

    def link_target(self, path: str) -> str | None:
        """What a symbolic link points at, as Windows spells it; None: no link."""
        place = self.locate(path, follow=False)
        if place is None or not place.is_symlink():
            return None
        target = place.readlink()
        if target.is_absolute() and target.is_relative_to(self._root):
            return self.spelled(target)
        return str(target).replace("/", "\\")

    def check_lock(self, path: str) -> None:
        """Raises `SharingViolation` when the file behind `path` is held by another process."""
        place = self.locate(path)
        names = {path.lower()} | ({self.spelled(place).lower()} if place is not None else set())
        if names & {name.lower() for name in self._locked()}:
            raise SharingViolation(32, "used by another process", path)

    def read(self, path: str) -> bytes:
        """The bytes of a file.

        Raises:
            FileNotFoundError, SharingViolation: As Windows has them.
        """
        place = self.locate(path)
        if place is None or place.is_dir():
            raise FileNotFoundError(2, "not found", path)
        self.check_lock(path)
        return place.read_bytes()

    def write(self, path: str, content: bytes) -> None:
        """Writes a file in place (not atomically, as Set-Content does), through a link if it is one.

        Raises:
            FileNotFoundError: The folder does not exist.
            SharingViolation: Another process holds the file.
        """
        self.check_lock(path)
        place = self.place(path)
        if place is None:
            raise FileNotFoundError(3, "no such folder", path)
        place.write_bytes(content)

    def create(self, path: str, content: bytes) -> Path:
        """Makes a file that is not there, as one act.

        Raises:
            FileExistsError, FileNotFoundError: It is there already; the folder does not exist.
        """
        place = self.place(path)
        if place is None:
            raise FileNotFoundError(3, "no such folder", path)
        with place.open("xb") as file:
            file.write(content)
        return place

    def _walk(self, path: str, *, follow: bool, budget: int) -> Path | None:
        parts = [part for part in path[2:].split("\\") if part]
        place = self._root
        for number, part in enumerate(parts):
            entry = _child(place, part)
            if entry is None:
                return None
            if entry.is_symlink() and (follow or number < len(parts) - 1):
                target = self._target(entry)
                resolved = None
                if target is not None and budget:
                    resolved = self._walk(target, follow=True, budget=budget - 1)
                if resolved is None:
                    return None
                entry = resolved
            place = entry
        return place

    def _target(self, link: Path) -> str | None:
        target = link.readlink()
        if not target.is_absolute():
            target = Path(os.path.normpath(link.parent / target))
        return self.spelled(target) if target.is_relative_to(self._root) else None


def _can_be_a_name(name: str) -> bool:
    return "\0" not in name and len(name.encode("utf-8", "surrogatepass")) <= _LONGEST_NAME


def _child(folder: Path, name: str) -> Path | None:
    if not _can_be_a_name(name):
        return None
    exact = folder / name
    if exact.is_symlink() or exact.exists():
        return exact
    if not folder.is_dir():
        return None
    lowered = name.lower()
    return next((entry for entry in folder.iterdir() if entry.name.lower() == lowered), None)
