"""The barrier: a coordinated restart of WSL.

VMs go down deepest first with a deadline, WSL is shut down and started, its agent is awaited, the mode is
measured, and exactly the VMs that ran come up again, parents first. A stop that does not come in time is a
failure here, never a power-off.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.engine.gather import gather
from wslnet.errors import AgentError, DeadlineExceeded, InputError, WslnetError
from wslnet.model.change import Op

if TYPE_CHECKING:
    from collections.abc import Callable

    from wslnet.engine.fleet import Fleet
    from wslnet.model.snapshot import Snapshot

DOMAIN_TIMEOUT_S = 60.0
START_TIMEOUT_S = 90.0
ANSWER_TIMEOUT_S = 90.0
_POLL_S = 0.25


@dataclass(frozen=True, slots=True)
class RunningVm:
    """A domain that ran before the restart, on the machine that hosts it."""

    host: str
    domain: str
    depth: int


class ModeNotReached(WslnetError):
    """WSL came up in another mode than asked for (wsl-facts 2.1 has the reasons)."""

    code = "mode-not-reached"


def running_vms(snapshot: Snapshot) -> tuple[RunningVm, ...]:
    """All running domains that the snapshot shows, parents before children."""
    inventory = snapshot.inventory
    hosts = {name: facts for name in snapshot.facts if (facts := snapshot.linux(name)) is not None}
    found = [
        RunningVm(name, domain.name, inventory.depth(name))
        for name, facts in hosts.items()
        for domain in facts.domains or ()
        if domain.running
    ]
    return tuple(sorted(found, key=lambda vm: vm.depth))


def restart_wsl(
    fleet: Fleet, vms: tuple[RunningVm, ...], mode: str | None, progress: Callable[[str, str], None]
) -> None:
    """Restarts WSL and brings `vms` back.

    Raises:
        AgentError: a VM did not stop or start in time.
        ModeNotReached: WSL runs in another mode than `mode`.
        Unreachable: WSL or a VM did not answer in time.
    """
    windows, wsl = fleet.inventory.windows, fleet.inventory.wsl
    if windows is None or wsl is None:
        raise InputError(f"{fleet.inventory.path}: a restart of WSL needs a windows and a wsl machine")
    for vm in reversed(vms):
        progress(vm.host, f"shutting down {vm.domain}")
        _domain(fleet, vm, "domain.shutdown")
    progress(windows.name, "wsl --shutdown")
    _must(fleet, windows.name, Op("wsl.shutdown"))
    fleet.forget([wsl.name, *(machine.name for machine in fleet.inventory.descendants(wsl.name))])
    progress(windows.name, "starting WSL")
    _must(fleet, windows.name, Op("wsl.start", {"distro": wsl.distro}))
    measured = await_agent(fleet, wsl.name, frozenset({"identity", "wsl"}))
    found = measured.mode
    progress(wsl.name, f"up, mode {found}")
    if mode is not None and found != mode:
        raise ModeNotReached(f"{wsl.name}: WSL came up in mode {found}, not {mode}", machine=wsl.name)
    for vm in vms:
        progress(vm.host, f"starting {vm.domain}")
        _domain(fleet, vm, "domain.start")
        if vm.domain in fleet.inventory.machines:
            await_agent(fleet, vm.domain, frozenset({"identity"}))


def await_agent(fleet: Fleet, machine: str, needs: frozenset[str]) -> Snapshot:
    """Waits until the agent of `machine` answers and returns what it said.

    Raises:
        DeadlineExceeded: it did not answer within ANSWER_TIMEOUT_S.
    """
    deadline = time.monotonic() + ANSWER_TIMEOUT_S
    while True:
        snapshot = gather(fleet, {machine: needs}, deadline_s=15.0)
        if machine in snapshot.facts:
            return snapshot
        if time.monotonic() > deadline:
            reason = snapshot.unseen[machine].reason
            raise DeadlineExceeded(
                f"{machine} did not come back within {ANSWER_TIMEOUT_S:.0f} s: {reason}", machine=machine
            )
        fleet.forget([machine])
        time.sleep(_POLL_S)


def _domain(fleet: Fleet, vm: RunningVm, verb: str) -> None:
    if vm.host not in fleet.inventory.machines:
        raise InputError(f"no machine {vm.host!r}")
    op = Op(verb, {"name": vm.domain, "timeout_s": DOMAIN_TIMEOUT_S})
    _must(fleet, vm.host, op, DOMAIN_TIMEOUT_S + 15.0)


def _must(fleet: Fleet, machine: str, op: Op, deadline_s: float = START_TIMEOUT_S) -> object:
    (result,) = fleet.execute(machine, [op], deadline_s=deadline_s)
    if not result.ok:
        raise AgentError(
            f"{machine}: {op.verb} failed: {result.message}", machine=machine, op_code=result.code
        )
    return result.value
