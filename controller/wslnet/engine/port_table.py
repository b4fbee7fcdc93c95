"""The ports of Windows and WSL side by side: who holds each, and what mirrored mode does with it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from wslnet.model.machine import Kind
from wslnet.model.ports import NEVER_STEERED, OF_WSL_ITSELF, reserved_block

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.machine import Inventory
    from wslnet.model.snapshot import Needs, Snapshot
    from wslnet.model.windows_facts import PortProxy, PortRanges

SCHEMA_VERSION = 1

_LOOK = "look with: netsh interface ipv4 show"


@dataclass(frozen=True, slots=True)
class Holder:
    """Who listens: on Windows with its process id, in WSL with the program's name."""

    address: str
    process: str | None = None
    pid: int | None = None


@dataclass(frozen=True, slots=True)
class PortRow:
    """One port of one protocol on both sides, and what is to be known about it."""

    proto: str
    port: int
    windows: tuple[Holder, ...] = ()
    wsl: tuple[Holder, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PortTable:
    """All of it. `reserved` is first and last port of the block of a mirrored WSL.

    `ranges`: what Windows excludes and gives to outgoing connections; what it did not tell is in `unread`.
    """

    mode: str | None
    ports: tuple[PortRow, ...]
    portproxy: tuple[PortProxy, ...]
    reserved: tuple[int, int] | None
    ranges: tuple[PortRanges, ...]
    never_steered: tuple[str, ...]
    unread: tuple[str, ...]
    unseen: dict[str, str]

    def to_json(self) -> dict[str, object]:
        """The document of `ports --json`."""
        return {"schema_version": SCHEMA_VERSION, **msgspec.to_builtins(self)}


def port_needs(inventory: Inventory) -> Needs:
    """What to gather: Windows and WSL only."""
    windows, wsl = (
        frozenset({"listeners", "portproxy", "port_ranges", "wsl"}),
        frozenset({"listeners", "sysctls", "wsl"}),
    )
    needs = {Kind.WINDOWS: windows, Kind.WSL: wsl}
    return {name: needs.get(machine.kind, frozenset()) for name, machine in inventory.machines.items()}


def port_table(snapshot: Snapshot) -> PortTable:
    """The table of a snapshot; sides that were not seen are named and empty."""
    windows, wsl = _windows_side(snapshot), _wsl_side(snapshot)
    host = snapshot.windows
    relayed = (host.portproxy if host is not None else None) or ()
    block = reserved_block(snapshot)
    rows = []
    for proto, port in sorted({*windows, *wsl}):
        row = PortRow(proto, port, tuple(windows.get((proto, port), ())), tuple(wsl.get((proto, port), ())))
        notes = tuple(_notes(row, snapshot.mode, relayed, block))
        rows.append(PortRow(row.proto, row.port, row.windows, row.wsl, notes))
    steered = (
        sorted(f"{proto}/{port}" for proto, port in NEVER_STEERED) if snapshot.mode == "mirrored" else []
    )
    gone = {name: one.reason for name, one in snapshot.unseen.items()}
    ranges = (host.port_ranges if host is not None else None) or ()
    unread = tuple(_unread(ranges)) if host is not None else ()
    return PortTable(snapshot.mode, tuple(rows), tuple(relayed), block, ranges, tuple(steered), unread, gone)


def _unread(ranges: tuple[PortRanges, ...]) -> Iterator[str]:
    told = {one.proto: one for one in ranges}
    for proto in ("tcp", "udp"):
        one = told.get(proto)
        if one is None or one.excluded is None:
            yield f"excluded {proto} ports; {_LOOK} excludedportrange protocol={proto}"
        if one is None or one.dynamic is None:
            yield f"dynamic {proto} ports; {_LOOK} dynamicport {proto}"


_Side = dict[tuple[str, int], list[Holder]]


def _windows_side(snapshot: Snapshot) -> _Side:
    found: _Side = {}
    windows = snapshot.windows
    for one in (windows.listeners if windows is not None else None) or ():
        found.setdefault((one.proto.lower(), one.port), []).append(Holder(one.address, one.process, one.pid))
    return found


def _wsl_side(snapshot: Snapshot) -> _Side:
    found: _Side = {}
    wsl = snapshot.inventory.wsl
    facts = snapshot.linux(wsl.name) if wsl is not None else None
    for one in (facts.listeners if facts is not None else None) or ():
        found.setdefault((one.proto.lower(), one.port), []).append(Holder(one.address, one.process))
    return found


def _notes(
    row: PortRow, mode: str | None, relayed: tuple[PortProxy, ...], block: tuple[int, int] | None
) -> Iterator[str]:
    for rule in relayed:
        if row.proto == "tcp" and rule.listen_port == row.port:
            yield f"portproxy {rule.family} to {rule.connect_address}:{rule.connect_port}"
    own = all((one.process or "").lower().removesuffix(".exe") in OF_WSL_ITSELF for one in row.windows)
    if mode != "mirrored":
        return
    if row.windows and row.wsl and not own:
        yield "held on both sides: what arrives goes to Windows"
    if (row.proto, row.port) in NEVER_STEERED and row.wsl:
        yield "mirrored mode never steers it to WSL"
    if block is not None and block[0] <= row.port <= block[1] and row.windows:
        yield "inside the block that is reserved for WSL"
