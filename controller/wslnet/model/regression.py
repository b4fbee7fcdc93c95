"""Which pairs of machines worked before a run and are not meant to stop by it.

A pair is told by the names of its machines, its protocol and port, and probed at the address that it has at
the time: addresses change with WSL's mode.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import msgspec

from wslnet.model.consent import Pair  # noqa: TC001 - msgspec resolves the fields' types
from wslnet.model.machine import Kind
from wslnet.model.reach import all_probes, allow_probes
from wslnet.model.topology import behind_switch
from wslnet.model.typed import typed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wslnet.model.allow import Allow
    from wslnet.model.machine import Inventory
    from wslnet.model.probe import Measured, Probe
    from wslnet.model.snapshot import Snapshot

Key = tuple[str, str, str, int | None]
"""Source, target, protocol, port."""


def key_of(probe: Probe) -> Key:
    """What a pair is known by before and after."""
    return (probe.source, probe.target, probe.proto, probe.port)


def candidates(
    snapshot: Snapshot, allows: tuple[Allow, ...] = (), peer: str | None = None
) -> tuple[Probe, ...]:
    """Every pair that may work: all machines by ICMP and SSH, and the allowed ports from the LAN.

    Windows is not asked for nested machines to which it has no route of its own: each such probe takes it
    seconds.
    """
    probes = [probe for probe in all_probes(snapshot) if not _is_beyond_windows(snapshot, probe)]
    probes += allow_probes(snapshot, allows, peer)
    return tuple({key_of(probe): replace(probe, expected=None) for probe in probes}.values())


def _is_beyond_windows(snapshot: Snapshot, probe: Probe) -> bool:
    inventory = snapshot.inventory
    kinds = (inventory[probe.source].kind, inventory[probe.target].kind)
    if kinds != (Kind.WINDOWS, Kind.VM):
        return False
    routes = (snapshot.windows.routes if snapshot.windows is not None else None) or ()
    goal = ipaddress.ip_address(probe.address)
    networks = [ipaddress.ip_network(route.dst) for route in routes]
    return not any(goal in network for network in networks if network.prefixlen)


def worked(measured: Iterable[Measured]) -> tuple[Key, ...]:
    """The pairs that were reached."""
    return tuple(key_of(one.probe) for one in measured if one.ok)


@dataclass(frozen=True, slots=True)
class Baseline:
    """What worked before a run, in which mode of WSL, and which pairs (from, to) may stop all the same."""

    mode: str | None
    reached: tuple[Key, ...] = ()
    may_stop: tuple[Pair, ...] = ()

    def to_json(self) -> dict[str, object]:
        """As the journal keeps it."""
        found: dict[str, object] = msgspec.to_builtins(self)
        return found

    def probes(
        self, after: Snapshot, allows: tuple[Allow, ...] = (), peer: str | None = None
    ) -> tuple[Probe, ...]:
        """What must work after the run: probes at the addresses of `after`, expected to succeed.

        The pairs that may stop and those that belong to the mode are left out.
        """
        return tuple(
            replace(probe, expected=True, kept=True)
            for probe in candidates(after, allows, peer)
            if key_of(probe) in self.reached
            and (probe.source, probe.target) not in self.may_stop
            and not stops_with_mode(self.mode, after, probe.source, probe.target)
        )


def baseline_from_json(document: object) -> Baseline:
    """What `Baseline.to_json` gave.

    Raises:
        msgspec.ValidationError: it is not of that shape.
    """
    return typed(document, Baseline)


def stops_with_mode(before: str | None, after: Snapshot, source: str, target: str) -> bool:
    """Whether a pair works or not by the nature of WSL's mode, so that its end in another mode is meant.

    `before` is the mode of before; a pair, out of `source` and `target`, is judged by what is there `after`:

    - From a peer into WSL: in NAT it needs a published port, in mirrored mode an allowed one.
    - Between WSL and a VM of Hyper-V: Windows routes between its switches in NAT only (wsl-facts 9).
    - To Windows from inside WSL: in mirrored mode Windows' addresses are the guest's own, which answers.
    - From Windows to a nested machine: its route goes by WSL's address in NAT.
    """
    if before == after.mode:
        return False
    inventory = after.inventory
    start, goal = inventory[source], inventory[target]
    if _is_inside(inventory, target):
        return start.kind is Kind.PEER or (start.kind is Kind.WINDOWS and goal.kind is Kind.VM)
    if not _is_inside(inventory, source):
        return False
    return goal.kind is Kind.WINDOWS or (goal.address is not None and behind_switch(after, goal.address))


def _is_inside(inventory: Inventory, name: str) -> bool:
    wsl = inventory.wsl
    return wsl is not None and (name == wsl.name or inventory.is_below(name, wsl.name))
