"""The locks on the machines that a run changes: one controller at a time, whatever its inventory is called.

A lock rides in the requests that are sent anyway, before their ops (docs/adr/0013). Whose it is stands on
the machine; the controller knows its own by a token in its state folder, so a later run of the same inventory
enters what a dead one left, and `confirm`, `undo` and `resume` enter the locks of their run.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from wslnet.engine.lock import holder_name, owner_token
from wslnet.errors import AgentError, Locked, NeedsElevation, OutcomeUnknown, Unreachable, WslnetError
from wslnet.model.change import Op, OpResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from wslnet.engine.fleet import Fleet
    from wslnet.model.machine import Inventory

LEASE_S = 120.0
"""How long a lock outlives the last sign of life of its run."""

PENDING_MARGIN_S = 15.0
"""A run that waits for its confirmation is locked a little longer than its guards wait."""

_OP_DEADLINE_S = 15.0
_POLL_S = 1.0
_READS = frozenset({"facts", "probes", "listen", "unlisten", "guard.status"})


@dataclass
class LockedFleet:
    """A fleet whose requests to `machines` carry the lock of `run`; the `Fleet` of everything in that run.

    `extended`: machine → point of `time.monotonic` at which its lease was last extended. A machine whose
    connection was dropped may have restarted and forgotten its lock, so it is locked with the next request.
    """

    fleet: Fleet
    run: str
    token: str
    machines: frozenset[str]
    lease_s: float = LEASE_S
    extended: dict[str, float] = field(default_factory=dict)
    since: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))

    @property
    def inventory(self) -> Inventory:
        """The machines it can speak to."""
        return self.fleet.inventory

    def execute(self, machine: str, ops: Sequence[Op], *, deadline_s: float) -> tuple[OpResult, ...]:
        """Runs ops in order, in one request, under the lock if the machine is one of the run's.

        Raises:
            Locked: another controller holds the machine; none of the ops was done. Else as `Fleet.execute`.
        """
        if machine not in self.machines or not self._rides(machine, ops):
            return self.fleet.execute(machine, ops, deadline_s=deadline_s)
        try:
            held, *results = self.fleet.execute(machine, [self._hold(), *ops], deadline_s=deadline_s)
        except Unreachable:
            self.extended.pop(machine, None)
            raise
        except OutcomeUnknown as error:
            self.extended.pop(machine, None)
            if any(op.verb not in _READS for op in ops):
                raise
            # All that may have happened is the lock, which ends with its lease.
            raise _plainly(machine, error) from error
        _demand(machine, held)
        self.extended[machine] = time.monotonic()
        self._keep_others(machine)
        return tuple(results)

    def forget(self, machines: Iterable[str]) -> None:
        """Drops connections (see `Fleet.forget`)."""
        dropped = tuple(machines)
        for machine in dropped:
            if self.inventory[machine].is_linux:
                self.extended.pop(machine, None)
        self.fleet.forget(dropped)

    def take(self, machine: str) -> None:
        """Locks one machine now, in a request of its own.

        Raises:
            Locked, NeedsElevation, AgentError, Unreachable: it could not be locked.
        """
        self.execute(machine, [], deadline_s=_OP_DEADLINE_S)

    def keep(self, seconds: float) -> None:
        """Gives every lock `seconds` from now, after which nobody extends it: the run waits.

        Raises:
            WslnetError: a machine was lost.
        """
        self.lease_s = seconds
        for machine in in_order(self.inventory, self.machines):
            self.extended.pop(machine, None)
            self.take(machine)
        self.extended.clear()

    def release(self, say: Callable[[str, str], None]) -> None:
        """Gives the locks back that were taken; one that cannot be reached frees itself by its lease."""
        held = sorted(self.extended)
        with ThreadPoolExecutor(max_workers=max(1, len(held)), thread_name_prefix="release") as pool:
            for machine, problem in zip(held, pool.map(self._release, held), strict=True):
                if problem is not None:
                    say(machine, f"stays locked for at most {self.lease_s:.0f} s: {problem}")
        self.extended.clear()

    def _rides(self, machine: str, ops: Sequence[Op]) -> bool:
        """Whether the lock belongs before these ops: on Linux, where it is cheap, before every change."""
        at = self.extended.get(machine)
        if at is None or time.monotonic() - at > self.lease_s / 2:
            return True
        return self.inventory[machine].is_linux and any(op.verb not in _READS for op in ops)

    def _keep_others(self, spoken_to: str) -> None:
        """Extends the locks of machines that nothing was said to for long."""
        late = time.monotonic() - self.lease_s * 3 / 4
        # A copy: over the restart of WSL a second thread keeps Windows' guard alive.
        for machine in [one for one, at in list(self.extended.items()) if at < late and one != spoken_to]:
            try:
                held = self.fleet.execute(machine, [self._hold()], deadline_s=_OP_DEADLINE_S)[0]
            except WslnetError:
                # It may be going down just now; the next request to it says so, or locks it again.
                self.extended.pop(machine, None)
                continue
            _demand(machine, held)
            self.extended[machine] = time.monotonic()

    def _release(self, machine: str) -> str | None:
        op = Op("lock.release", {"run": self.run, "token": self.token})
        try:
            (result,) = self.fleet.execute(machine, [op], deadline_s=_OP_DEADLINE_S)
        except WslnetError as error:
            return error.message
        return None if result.ok else result.message

    def _hold(self) -> Op:
        names = {"run": self.run, "token": self.token, "holder": holder_name(), "since": self.since}
        return Op("lock.hold", {**names, "lease_s": self.lease_s})


@contextmanager
def machine_locks(
    fleet: Fleet, run: str, machines: Iterable[str], say: Callable[[str, str], None]
) -> Iterator[LockedFleet]:
    """Gives the fleet that locks `machines` with the first request to each, and releases them at the end.

    What `keep` was called for stays locked. The machines must be spoken to `in_order` before anything is
    changed: then of two controllers exactly one gets through (`wslnet.engine.stale`, or `held_locks`).
    """
    token = owner_token(fleet.inventory.state)
    locked = LockedFleet(fleet, run, token, frozenset(machines) & set(fleet.inventory.machines))
    try:
        yield locked
    finally:
        locked.release(say)


@contextmanager
def held_locks(
    fleet: Fleet, run: str, machines: Iterable[str], say: Callable[[str, str], None], *, wait_s: float = 0.0
) -> Iterator[LockedFleet]:
    """As `machine_locks`, all locks taken at once; `wait_s` is how long another controller may take to end.

    Machines that cannot be reached are locked when they answer again.

    Raises:
        Locked: another controller holds one, which is named.
    """
    with machine_locks(fleet, run, machines, say) as locked:
        deadline = time.monotonic() + wait_s
        while (refused := _take_all(locked, say)) is not None:
            locked.release(say)
            if time.monotonic() >= deadline:
                raise refused
            say(refused.machine or "all", f"{refused.message}; waiting")
            time.sleep(_POLL_S)
        yield locked


def _take_all(locked: LockedFleet, say: Callable[[str, str], None]) -> Locked | None:
    for machine in in_order(locked.inventory, locked.machines):
        try:
            locked.take(machine)
        except Locked as refused:
            return refused
        except (Unreachable, OutcomeUnknown) as error:
            say(machine, f"not locked: {error.message}")
    return None


def in_order(inventory: Inventory, machines: Iterable[str]) -> tuple[str, ...]:
    """Machines in the order in which every controller locks them: the outermost first, which decides."""
    known = [name for name in machines if name in inventory.machines]
    return tuple(sorted(known, key=lambda name: (inventory.depth(name), inventory[name].address or "", name)))


def _plainly(machine: str, error: OutcomeUnknown) -> Unreachable:
    """What became of a request that would have changed nothing."""
    cause = error.__cause__
    return cause if isinstance(cause, Unreachable) else Unreachable(error.message, machine=machine)


def _demand(machine: str, result: OpResult) -> None:
    """Judges the answer to `lock.hold`."""
    if result.ok:
        return
    if result.code == "exists":
        raise Locked(f"{machine}: {result.message}", machine=machine, hint="wait for it to end")
    if result.code == "not-permitted":
        raise NeedsElevation(f"{machine}: no lock: {result.message}", machine=machine)
    raise AgentError(f"{machine}: no lock: {result.message}", machine=machine, op_code=result.code)
