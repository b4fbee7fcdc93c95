"""The barrier: a coordinated restart of WSL.

VMs go down deepest first with a deadline, WSL is shut down and started, the mode is measured, its agent is
awaited, and exactly the VMs that ran come up again, parents first. A VM that does not stop in time is a
reason not to restart: those that stopped are started again; only `force` goes on.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.engine.gather import gather
from wslnet.errors import AgentError, DeadlineExceeded, InputError, PlanRefused, Unreachable, WslnetError
from wslnet.model.change import Op
from wslnet.model.fallback import codes_told, why_fallen_back
from wslnet.model.warrant import update_op

if TYPE_CHECKING:
    from collections.abc import Callable

    from wslnet.engine.fleet import Fleet
    from wslnet.model.machine import Inventory, Machine
    from wslnet.model.snapshot import Snapshot
    from wslnet.model.windows_wsl import WslService

DOMAIN_TIMEOUT_S = 60.0
START_TIMEOUT_S = 90.0
ANSWER_TIMEOUT_S = 90.0
UPDATE_TIMEOUT_S = 960.0
LOOK_TIMEOUT_S = 20.0
HOLD_S = 600
"""A client of wsl.exe keeps WSL up for so long, or until the session ends: SSH does not (wsl-facts 2.4)."""

_POLL_S = 0.25
NO_NETWORK = "none"


@dataclass(frozen=True, slots=True)
class RunningVm:
    """A domain that ran before the restart, on the machine that hosts it; `saved`: it keeps its memory."""

    host: str
    domain: str
    depth: int
    saved: bool = False


class ModeNotReached(WslnetError):
    """WSL came up in the mode `found`, not as asked for (wsl-facts 2.1 has the reasons)."""

    code = "mode-not-reached"

    def __init__(self, message: str, *, machine: str, found: str) -> None:
        super().__init__(message, machine=machine)
        self.found = found


class RestartRefused(PlanRefused):
    """A VM did not stop; WSL was not touched, and the VMs that had stopped run again."""

    code = "restart-refused"


def running_vms(snapshot: Snapshot) -> tuple[RunningVm, ...]:
    """All running domains that the snapshot shows, parents before children."""
    inventory = snapshot.inventory
    hosts = {name: facts for name in snapshot.facts if (facts := snapshot.linux(name)) is not None}
    found = [
        RunningVm(name, domain.name, inventory.depth(name), _is_to_be_saved(inventory, domain.name))
        for name, facts in hosts.items()
        for domain in facts.domains or ()
        if domain.running
    ]
    return tuple(sorted(found, key=lambda vm: vm.depth))


def _is_to_be_saved(inventory: Inventory, domain: str) -> bool:
    return domain in inventory.machines and inventory[domain].save


def restart_wsl(
    fleet: Fleet,
    vms: tuple[RunningVm, ...],
    mode: str | None,
    progress: Callable[[str, str], None],
    *,
    force: bool = False,
    update: str | None = None,
) -> str | None:
    """Restarts WSL, brings `vms` back and gives the mode that WSL came up in, as measured.

    `force` goes on when a VM does not stop: it is then cut off with WSL. `update` (`stable`, `pre`): while
    WSL is down it is updated.

    Raises:
        RestartRefused: a VM did not stop in time; nothing was restarted.
        AgentError: WSL did not stop or start, or a VM did not come up again; the others were started.
        ModeNotReached: WSL runs in another mode than `mode`.
        Unreachable: Windows or WSL did not answer in time.
    """
    windows, wsl = fleet.inventory.windows, fleet.inventory.wsl
    if windows is None or wsl is None:
        raise InputError(f"{fleet.inventory.path}: a restart of WSL needs a windows and a wsl machine")
    _stop(fleet, vms, progress, force=force)
    progress(windows.name, "wsl --shutdown")
    _must(fleet, windows.name, Op("wsl.shutdown"))
    fleet.forget([wsl.name, *(machine.name for machine in fleet.inventory.descendants(wsl.name))])
    if update is not None:
        _update(fleet, windows.name, update, progress)
    progress(windows.name, "starting WSL")
    said = _must(fleet, windows.name, Op("wsl.start", {"distro": wsl.distro, "hold_s": HOLD_S}))
    _demand_mode(fleet, _mode_as_windows_sees_it(fleet), mode, said)
    if mode == NO_NETWORK:
        # No agent ever answers, and what ran in it before could not be seen either.
        progress(wsl.name, f"up, mode {mode}")
        return mode
    found = await_agent(fleet, wsl.name, frozenset({"identity", "wsl"})).mode
    progress(wsl.name, f"up, mode {found}")
    _demand_mode(fleet, found, mode, said)
    _start(fleet, vms, progress)
    return found


def _update(fleet: Fleet, windows: str, update: str, progress: Callable[[str, str], None]) -> None:
    """Its own installer stops WSL as it likes: all that runs in WSL is down by now."""
    progress(windows, "updating WSL")
    _must(fleet, windows, update_op(update), UPDATE_TIMEOUT_S)


def _mode_as_windows_sees_it(fleet: Fleet) -> str | None:
    """Asked through wsl.exe, which needs no network inside: in mode none no agent would ever answer."""
    found = _as_windows_sees_it(fleet)
    return found.mode if found is not None else None


def _as_windows_sees_it(fleet: Fleet) -> WslService | None:
    windows = fleet.inventory.windows
    if windows is None:
        return None
    facts = gather(fleet, {windows.name: frozenset({"wsl"})}, deadline_s=LOOK_TIMEOUT_S).windows
    return facts.wsl if facts is not None else None


def _demand_mode(fleet: Fleet, found: str | None, wanted: str | None, said: object) -> None:
    """Refuses another mode than `wanted`, and none at all; `said` is the answer to the start.

    Another client that started WSL has its warnings; the event log has them as well (wsl-facts 1.2).

    Raises:
        ModeNotReached: says why, as far as WSL told.
    """
    if found is None or found == wanted or (wanted is None and found != NO_NETWORK):
        return
    warnings = said.get("warnings") if isinstance(said, dict) else None
    lines = [str(line) for line in warnings] if isinstance(warnings, list) else []
    windows, wsl = fleet.inventory.windows, fleet.inventory.wsl
    if windows is not None and not lines:
        needs = {windows.name: frozenset({"wsl_events"})}
        lines += codes_told(gather(fleet, needs, deadline_s=LOOK_TIMEOUT_S).windows)
    machine = wsl.name if wsl is not None else "wsl"
    why = why_fallen_back(found, lines)
    wish = f", not {wanted}" if wanted is not None else ""
    raise ModeNotReached(f"{machine}: WSL came up in mode {found}{wish}: {why}", machine=machine, found=found)


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


def _stop(
    fleet: Fleet, vms: tuple[RunningVm, ...], progress: Callable[[str, str], None], *, force: bool
) -> None:
    stopped: list[RunningVm] = []
    for vm in reversed(vms):
        if _sleeps_with(fleet.inventory, vm, vms):
            continue  # it is part of the memory that its host's host keeps
        if vm.saved:
            # An agent of ours would be part of the memory, and wait there for us for ever.
            fleet.forget(one.name for one in _machines_of(fleet.inventory, vm.domain))
        progress(vm.host, f"{'saving' if vm.saved else 'shutting down'} {vm.domain}")
        try:
            _domain(fleet, vm, "domain.save" if vm.saved else "domain.shutdown")
        except WslnetError as error:
            if isinstance(error, Unreachable) and _is_down(fleet, vm.host):
                progress(vm.host, f"is down already, and {vm.domain} with it")
                continue
            if not force:
                # Parents before children, as they were stopped the other way round.
                _start(fleet, tuple(reversed(stopped)), progress)
                word = "cannot be saved" if vm.saved else "does not shut down"
                raise RestartRefused(
                    f"{vm.host}: {vm.domain} {word}: {error.message}; WSL was not restarted",
                    machine=vm.host,
                    hint="shut it down inside, or go on with --force, which cuts it off",
                ) from error
            progress(vm.host, f"{vm.domain} does not shut down: {error.message}; it will be cut off")
        else:
            stopped.append(vm)


def _machines_of(inventory: Inventory, domain: str) -> tuple[Machine, ...]:
    if domain not in inventory.machines:
        return ()
    return (inventory[domain], *inventory.descendants(domain))


def _sleeps_with(inventory: Inventory, vm: RunningVm, vms: tuple[RunningVm, ...]) -> bool:
    """Whether a machine around this VM is saved with everything in it."""
    if vm.host not in inventory.machines:
        return False
    around = {vm.host, *(machine.name for machine in inventory.ancestors(vm.host))}
    return any(one.saved and one.domain in around for one in vms)


def _is_down(fleet: Fleet, host: str) -> bool:
    """Whether a host that does not answer is off, as its own parent tells; a doubt is no."""
    inventory = fleet.inventory
    if inventory.wsl is not None and host == inventory.wsl.name:
        return _wsl_is_off(fleet)
    parent = inventory[host].parent
    if parent is None or not inventory[parent].is_linux:
        return False
    snapshot = gather(fleet, {parent: frozenset({"domains"})}, deadline_s=LOOK_TIMEOUT_S)
    facts = snapshot.linux(parent)
    if facts is None:
        return _is_down(fleet, parent)
    return not any(one.name == host and one.running for one in facts.domains or ())


def _wsl_is_off(fleet: Fleet) -> bool:
    """Whether WSL does not run, or runs without a network: then nobody reaches what is in it."""
    found = _as_windows_sees_it(fleet)
    return found is not None and (not found.running or found.mode == NO_NETWORK)


def _start(fleet: Fleet, vms: tuple[RunningVm, ...], progress: Callable[[str, str], None]) -> None:
    """Starts all VMs that can be started; one that does not come up takes only those below it with it.

    Raises:
        AgentError: some did not; names them, with the first one's reason.
    """
    failed: dict[str, WslnetError] = {}
    for vm in vms:
        if any(vm.host == name or fleet.inventory.is_below(vm.host, name) for name in failed):
            continue
        progress(vm.host, f"starting {vm.domain}")
        try:
            _domain(fleet, vm, "domain.start")
            if vm.domain in fleet.inventory.machines:
                await_agent(fleet, vm.domain, frozenset({"identity"}))
        except WslnetError as error:
            progress(vm.host, f"{vm.domain} does not come up: {error.message}")
            failed[vm.domain] = error
    if failed:
        first = next(iter(failed.values()))
        raise AgentError(
            f"{', '.join(failed)} did not come up again: {first.message}", machine=first.machine
        ) from first


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
