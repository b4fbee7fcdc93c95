"""What the owner's `.wslconfig` means to WSL, from the fact that carries its bytes."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from wslnet_win_agent.wslconfig import reader
from wslnet_win_agent.wslconfig.lint import Surroundings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.snapshot import Snapshot

MODE_KEY = "wsl2.networkingMode"


def config_of(snapshot: Snapshot) -> reader.WslConfig | None:
    """The file as WSL sees it, an absent one as empty; None if it was not or could not be read."""
    file = snapshot.windows.wslconfig if snapshot.windows is not None else None
    if file is None or file.error is not None:
        return None
    if not file.exists:
        return reader.read(b"")
    try:
        return reader.read(base64.b64decode(file.content or "", validate=True))
    except binascii.Error:
        return None


def around_wslconfig(snapshot: Snapshot) -> Surroundings:
    """What Windows told beside the file that says how WSL takes it: its policies and the version of WSL."""
    facts = snapshot.windows
    policies = facts.registry.policies if facts is not None and facts.registry is not None else {}
    version = facts.wsl.version if facts is not None and facts.wsl is not None else None
    return Surroundings(version=numbers(version), policies=policies)


def numbers(version: str | None) -> tuple[int, ...] | None:
    """A version as numbers, as far as it has some; None without any."""
    return tuple(_leading(version or "")) or None


def _leading(version: str) -> Iterator[int]:
    for part in version.split("."):
        if not part.isdigit():
            return
        yield int(part)


def same_mode(one: str | None, other: str | None) -> bool:
    """Whether two names mean one mode: case does not count, and consomme was virtioproxy before WSL 2.9."""
    return _plain(one) == _plain(other)


def _plain(mode: str | None) -> str | None:
    lower = mode.lower() if mode is not None else None
    return "consomme" if lower == "virtioproxy" else lower
