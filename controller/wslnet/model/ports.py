"""What mirrored mode does with ports: which never reach WSL, and which belong to it (wsl-facts 2.2). Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wslnet.model.snapshot import Snapshot

NEVER_STEERED = frozenset(
    {("udp", 68), *(("tcp", port) for port in (135, 1900, 2869, 3702, 5004, 5357, 5358))}
)
"""Ports that mirrored mode keeps for Windows by design (wsl-facts 2.2, microsoft/WSL#41135)."""

OF_WSL_ITSELF = frozenset({"wslrelay", "wslhost", "wslservice"})
"""Processes of Windows through which WSL itself listens there."""

_RANGE = "net.ipv4.ip_local_port_range"


def reserved_block(snapshot: Snapshot) -> tuple[int, int] | None:
    """First and last port of the block that Windows has reserved for a mirrored WSL; None in other modes.

    It is WSL's range of local ports (4,096 of them), set at its start.
    """
    wsl = snapshot.inventory.wsl
    facts = snapshot.linux(wsl.name) if wsl is not None else None
    words = (facts.sysctls or {}).get(_RANGE, "").split() if facts is not None else []
    if snapshot.mode != "mirrored" or len(words) != len(("first", "last")):
        return None
    return int(words[0]), int(words[1])
