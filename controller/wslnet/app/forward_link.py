"""`wslnet forward link`: WSL and WSL of two PCs on one LAN, each reached by the other at published ports.

Each PC is an inventory with runs and an undo of its own. Both plans are made before anything is changed, and
the way is proven from WSL to WSL, both ways; what was done is taken back when it is not there in the end.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.app.execute import execute
from wslnet.app.forward import inventory_for, mode_of, prepare_add, record, see
from wslnet.app.result import Result, RunResult
from wslnet.app.undo import run_to_undo, undo
from wslnet.engine.probes import measure
from wslnet.errors import InputError, PlanRefused, RolledBack
from wslnet.model.forward import LAN, Forward, forward_of
from wslnet.model.plan import SCHEMA_VERSION
from wslnet.model.probe import Probe
from wslnet.model.topology import lan_address, lan_prefixes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from wslnet.app.setup import Prepared
    from wslnet.engine.fleet import Fleet
    from wslnet.model.machine import Inventory
    from wslnet.model.probe import Measured
    from wslnet.model.snapshot import Snapshot

_BRIDGED = "bridged"
_ATTEMPTS = 6


@dataclass(frozen=True)
class Side:
    """One PC: what publishes its ports, and the address under which the other PC reaches its WSL.

    `prepared` is None where nothing is to be published: a bridged WSL is on the LAN itself.
    """

    fleet: Fleet
    loaded: Inventory
    mode: str
    address: str
    forwards: tuple[Forward, ...]
    prepared: Prepared | None

    @property
    def wsl(self) -> str:
        """Name of its WSL."""
        return self.loaded.wsl.name if self.loaded.wsl is not None else ""

    def ports(self) -> Iterator[tuple[str, int, int]]:
        """Protocol, port that the other PC asks, and port on which WSL answers."""
        for one in self.forwards:
            yield one.proto, one.target_port if self.prepared is None else one.port, one.target_port


@dataclass(frozen=True)
class Crossing:
    """One way from one PC's WSL to the other's, as measured."""

    source: Side
    target: Side
    measured: Measured

    def to_json(self) -> dict[str, object]:
        """The shape of `verify`, and whose machines these are."""
        ends = {"from_inventory": str(self.source.loaded.path), "to_inventory": str(self.target.loaded.path)}
        return self.measured.to_verify() | ends | {"address": self.target.address}


@dataclass(frozen=True)
class LinkResult:
    """What became of a link: each PC's run, and the ways between them."""

    result: Result
    sides: tuple[tuple[Side, RunResult], ...]
    crossings: tuple[Crossing, ...] = ()
    reason: str | None = None
    exit_code: int = 0

    def to_json(self) -> dict[str, object]:
        """The document of `forward link --json`."""
        return {
            "schema_version": SCHEMA_VERSION,
            "result": str(self.result),
            "reason": self.reason,
            "sides": [
                {
                    "inventory": str(side.loaded.path),
                    "mode": side.mode,
                    "address": side.address,
                    "run": run.to_json(),
                }
                for side, run in self.sides
            ],
            "verify": [one.to_json() for one in self.crossings],
        }


def link_forwards(loaded: Inventory, ports: Sequence[str]) -> tuple[Forward, ...]:
    """Forwards of a PC's LAN to its WSL, of texts such as `2222:22` or `udp/5353`.

    Raises:
        InputError: there is no WSL, or a text is not of that form.
    """
    if loaded.wsl is None:
        raise InputError(f"{loaded.path}: no machine of kind wsl")
    found = []
    for text in ports:
        listen, _, target = text.partition(":")
        proto, _, port = listen.rpartition("/")
        found.append(forward_of(f"{listen}@{LAN}", f"{loaded.wsl.name}:{target or port}", proto or None))
    return tuple(found)


def side_inventory(loaded: Inventory, ports: Sequence[str]) -> Inventory:
    """The inventory of one PC with the wish that the link stands for; raises as `link_forwards`."""
    return inventory_for(loaded, link_forwards(loaded, ports))


def prepare_side(fleet: Fleet, loaded: Inventory, say: Callable[[str, str], None]) -> Side:
    """Reads one PC and makes its plan; changes nothing.

    Raises:
        PlanRefused: WSL does not run, or the PC is on no private LAN.
        PortTaken: somebody has a port there.
        Unsupported: its mode has no means.
        Unreachable: a machine cannot be seen.
    """
    forwards = fleet.inventory.wish.forward
    snapshot = see(fleet, forwards, say)
    mode = mode_of(snapshot)
    if mode == _BRIDGED:
        return Side(fleet, loaded, mode, _bridged_address(snapshot), forwards, None)
    prepared = prepare_add(fleet, loaded, say, seen=snapshot)
    address = lan_address(snapshot)
    if address is None:
        raise PlanRefused(f"{loaded.path}: Windows has no address on a LAN")
    return Side(fleet, loaded, mode, address, forwards, prepared)


def refuse_apart(first: Side, second: Side) -> None:
    """Refuses two PCs that are one, or on different networks.

    Raises:
        InputError: both inventories lead to the same PC.
        PlanRefused: the address of one is none of the other's LAN.
    """
    if first.address == second.address:
        raise InputError(f"{first.loaded.path} and {second.loaded.path} lead to one PC, {first.address}")
    for here, there in ((first, second), (second, first)):
        prefixes = _prefixes(here)
        if not any(ipaddress.ip_address(there.address) in one for one in prefixes):
            named = ", ".join(map(str, prefixes)) or "none"
            raise PlanRefused(
                f"{there.loaded.path}: {there.address} is not on the LAN of {here.loaded.path} ({named})"
            )


def run_link(first: Side, second: Side, say: Callable[[str, str], None]) -> LinkResult:
    """Carries both plans out and proves the ways; takes back what was done when one of them is not there.

    Raises:
        NeedsElevation, PlanRefused, Unreachable: as `execute` does, with nothing left changed.
    """
    done: list[tuple[Side, RunResult]] = []
    try:
        for side in (first, second):
            done.append((side, _run(side, say)))
            if done[-1][1].exit_code:
                reason = f"{side.loaded.path}: {done[-1][1].reason}"
                return _taken_back(done, (), reason, say)
        crossings = (*_cross(first, second), *_cross(second, first))
    except BaseException:
        _undo(done, say)
        raise
    wrong = [one for one in crossings if one.measured.contradicts]
    if wrong:
        at = wrong[0]
        reason = f"WSL of {at.source.loaded.path} does not reach {at.target.address}: {at.measured.detail}"
        return _taken_back(done, crossings, reason, say)
    changed = any(run.result is Result.COMMITTED for _, run in done)
    return LinkResult(Result.COMMITTED if changed else Result.UNCHANGED, tuple(done), crossings)


def _run(side: Side, say: Callable[[str, str], None]) -> RunResult:
    if side.prepared is None:
        return RunResult(None, Result.UNCHANGED, notes=("a bridged WSL is on the LAN itself",))
    recorded = None if side.prepared.plan.changes else record(side.prepared, side.loaded)
    return recorded or execute(side.prepared, say)


def _cross(source: Side, target: Side) -> tuple[Crossing, ...]:
    probes = [
        Probe(source.wsl, target.wsl, proto, target.address, port, expected=True, listen=True, serve=answers)
        for proto, port, answers in target.ports()
    ]
    measured = measure(source.fleet, probes, attempts=_ATTEMPTS, serving=target.fleet)
    return tuple(Crossing(source, target, one) for one in measured)


def _taken_back(
    done: list[tuple[Side, RunResult]],
    crossings: tuple[Crossing, ...],
    reason: str,
    say: Callable[[str, str], None],
) -> LinkResult:
    say("all", f"{reason}: taking back what was done")
    left = _undo(done, say)
    code = max((one.exit_code for one in left), default=0) or RolledBack.exit_code
    result = Result.FAILED if any(one.exit_code for one in left) else Result.ROLLED_BACK
    return LinkResult(result, tuple(done), crossings, reason, code)


def _undo(done: list[tuple[Side, RunResult]], say: Callable[[str, str], None]) -> list[RunResult]:
    return [
        undo(side.fleet, run_to_undo(side.loaded.state, run.run), say)
        for side, run in reversed(done)
        if run.run is not None and run.result is Result.COMMITTED
    ]


def _bridged_address(snapshot: Snapshot) -> str:
    wsl = snapshot.windows.wsl if snapshot.windows is not None else None
    if wsl is None or wsl.address is None:
        raise PlanRefused(f"{snapshot.inventory.path}: the bridged WSL has no address")
    return wsl.address


def _prefixes(side: Side) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    snapshot = side.prepared.snapshot if side.prepared is not None else None
    if snapshot is None:
        # A bridged WSL has the LAN's own router: what it does not know, that one does.
        return [ipaddress.ip_network("0.0.0.0/0")]
    return [ipaddress.ip_network(one) for one in lan_prefixes(snapshot)]
