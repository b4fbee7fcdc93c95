"""The controller's view of the guards of one run: armed before a change, extended, disarmed at the end.

A guard takes its machine's changes back by itself when nobody disarms it in time (docs/adr/0011). Leaves fire
first and the outermost machine last, so that the way to a machine stands while it takes its changes back.
What is special about Windows is `engine.guards_windows`.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from wslnet.errors import AgentError, NeedsElevation, OutcomeUnknown, PlanRefused, WslnetError
from wslnet.model.change import Op

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from wslnet.engine.fleet import Fleet
    from wslnet.engine.journal import Journal
    from wslnet.engine.restart import RunningVm
    from wslnet.model.change import Change, OpResult

DEFAULT_S = 30.0
"""How long a guard waits in a run that confirms itself, counted from the last sign of life."""

_OP_DEADLINE_S = 15.0
_WINDOWS_STAGE_S = 30.0
"""A stage takes longer there; from the last sign of life it stays well below the minute it has."""

_WINDOWS_OP_DEADLINE_S = 180.0
"""Starting a task, and waiting until a guard that has begun to take back has restarted WSL."""

_STAGGER_S = 0.5
_FIRE_S = 2.0
_RETURN_S = 15.0
_POLL_S = 0.5
_FIRED = "fired"


class GuardFired(WslnetError):
    """A guard has taken its machine's changes back, or is not there any more."""

    code = "guard-fired"


@dataclass(frozen=True)
class WindowsGuard:
    """That Windows' guard may be armed, and what it must know: which VMs ran and WSL's mode, both before.

    `demanded`: without it nothing may be changed there; else a guard that does not come is done without.
    """

    demanded: bool
    vms: tuple[RunningVm, ...] = ()
    mode: str | None = None


@dataclass
class Guards:
    """The guards of one run. `armed`: machine → point of `time.monotonic` at which it fires if left alone.

    Every call speaks to the machines; what stands in the journal lets a later process do the same.
    `windows` is None where the tasks are not installed. `taken_back`: the verbs that guards undid.
    """

    fleet: Fleet
    journal: Journal
    seconds: float = DEFAULT_S
    token: str = field(default_factory=lambda: secrets.token_hex(16))
    armed: dict[str, float] = field(default_factory=dict)
    windows: WindowsGuard | None = None
    taken_back: set[str] = field(default_factory=set)

    def ahead(self, changes: Sequence[Change], say: Callable[[str, str], None]) -> None:
        """Arms the guard of Windows, in a request of its own, before anything of `changes` is begun.

        Raises:
            PlanRefused: it watches over another run.
            WslnetError: it does not come, and it was demanded.
        """
        machine = changes[0].machine
        undo = [change.undo.to_json() for change in changes if change.undo is not None]
        if undo and not self.fleet.inventory[machine].is_linux:
            self._arm_windows(machine, undo, say)

    def carry(self, captured: dict[str, object], say: Callable[[str, str], None]) -> None:
        """Gives Windows' guard what its restart of WSL would lose of others; raises as `ahead` does."""
        for machine in self.armed:
            if not self.fleet.inventory[machine].is_linux:
                self._arm_windows(machine, [], say, captured)

    def _arm_windows(
        self,
        machine: str,
        undo: list[dict[str, object]],
        say: Callable[[str, str], None],
        captured: dict[str, object] | None = None,
    ) -> None:
        if self.windows is None:
            return
        is_first = machine not in self.armed
        if is_first:
            self.journal.write("guard", machine=machine, token=self.token, state="armed")
        vms = [asdict(vm) for vm in self.windows.vms]
        op = self._op(
            machine,
            "guard.arm",
            _WINDOWS_STAGE_S,
            undo=undo,
            vms=vms,
            mode=self.windows.mode,
            captured=captured,
        )
        try:
            (answer,) = self.fleet.execute(machine, [op], deadline_s=_WINDOWS_OP_DEADLINE_S)
        except OutcomeUnknown:
            raise  # it may watch, and be found by whoever takes the run back
        except WslnetError:
            if is_first:
                self._forget(machine)
            raise
        try:
            demand_armed(machine, answer)
        except WslnetError as error:
            if is_first:
                self._forget(machine)
            if self.windows.demanded or isinstance(error, PlanRefused) or not is_first:
                raise
            say(machine, f"{error.message}; going on without it")
            self.windows = None

    def before(self, changes: Sequence[Change]) -> tuple[Op, ...]:
        """The op to put before the ops of `changes`, which are of one machine; none where none can be."""
        machine = changes[0].machine
        undo = [change.undo.to_json() for change in changes if change.undo is not None]
        if not self.fleet.inventory[machine].is_linux or not undo:
            return ()
        if machine not in self.armed:
            self.journal.write("guard", machine=machine, token=self.token, state="armed")
        return (self._op(machine, "guard.arm", self.seconds, undo=undo),)

    def never_sent(self, machine: str) -> None:
        """The op of `before`, the first for this machine, was not sent: no guard is there to wait for."""
        if machine in self.armed and self.fleet.inventory[machine].is_linux:
            self._forget(machine)

    def refresh(self) -> None:
        """Extends those that have less than half of their time left.

        Raises:
            GuardFired, Unreachable: one has fired, or a machine does not answer.
        """
        late = time.monotonic() + self.seconds / 2
        for machine in [name for name, until in self.armed.items() if until < late]:
            self.extend_one(machine, self._stage_s(machine))

    def extend(self, seconds: float) -> None:
        """Gives all of them `seconds` from now; all are armed then.

        Raises:
            GuardFired, Unreachable: as `refresh`.
        """
        for machine in self.armed:
            self.extend_one(machine, seconds)

    def release(self) -> None:
        """Lets the changes stand. First all are held, so that none fires while another is disarmed already.

        Raises:
            GuardFired, Unreachable: some changes do not stand; the run must be taken back.
        """
        for machine in self.armed:
            self.extend_one(machine, self._stage_s(machine))
        for machine in list(self.armed):
            if self._ask(machine, "guard.disarm") == _FIRED:
                raise GuardFired(f"{machine}: its guard has fired", machine=machine)
            self._forget(machine)

    def settle(self, say: Callable[[str, str], None], *, wait: bool) -> None:
        """Before taking back: finds every guard, and waits for those of machines that are out of reach.

        With `wait` a machine that cannot be reached gets the time in which its guard brings it back; Windows
        always gets it, because everything else goes back through it.
        """
        is_linux = {name: machine.is_linux for name, machine in self.fleet.inventory.machines.items()}
        lost = [name for name in self.armed if not self._answers(name) and (wait or not is_linux[name])]
        if not lost:
            return
        until = max(self.armed[machine] for machine in lost) + _FIRE_S
        say(", ".join(lost), f"out of reach; waiting up to {until - time.monotonic():.0f} s for the guard")
        time.sleep(max(0.0, until - time.monotonic()))
        until = time.monotonic() + _RETURN_S
        while lost and time.monotonic() < until:
            self.fleet.forget(lost)
            lost = [machine for machine in lost if not self._answers(machine)]
            if lost:
                time.sleep(_POLL_S)

    def crossed(self, machines: Iterable[str]) -> None:
        """Behind the restart of `machines`: their guards are gone with all that they watched over."""
        for machine in self.armed.keys() & set(machines):
            self._forget(machine)

    def clear(self, *, but: Iterable[str] = ()) -> None:
        """After taking back: disarms what is left; a guard out of reach fires into what is undone already."""
        for machine in self.armed.keys() - set(but):
            try:
                self._ask(machine, "guard.disarm")
            except WslnetError:
                continue
            self._forget(machine)

    def _answers(self, machine: str) -> bool:
        try:
            self.extend_one(machine, self._stage_s(machine))
        except GuardFired:
            return True
        except WslnetError:
            return False
        return True

    def extend_one(self, machine: str, seconds: float) -> None:
        """Gives one guard `seconds` from now.

        Raises:
            GuardFired, Unreachable: as `refresh`.
        """
        if self._ask(machine, "guard.extend", seconds) == _FIRED:
            raise GuardFired(
                f"{machine}: its guard has fired and taken the changes back: nobody confirmed in time",
                machine=machine,
            )

    def _ask(self, machine: str, verb: str, seconds: float | None = None) -> str:
        op = self._op(machine, verb, seconds)
        is_linux = self.fleet.inventory[machine].is_linux
        deadline_s = _OP_DEADLINE_S if is_linux else _WINDOWS_OP_DEADLINE_S
        (result,) = self.fleet.execute(machine, [op], deadline_s=deadline_s)
        if result.ok:
            told = result.value if isinstance(result.value, dict) else {}
            self.taken_back |= {one["verb"] for one in told.get("done", ()) if one["error"] is None}
            return str(told.get("state"))
        raise GuardFired(f"{machine}: its guard is gone: {result.message}", machine=machine)

    def _stage_s(self, machine: str) -> float:
        return self.seconds if self.fleet.inventory[machine].is_linux else max(self.seconds, _WINDOWS_STAGE_S)

    def _op(self, machine: str, verb: str, seconds: float | None, **more: object) -> Op:
        args: dict[str, object] = {"run": self.journal.run, "token": self.token, **more}
        if seconds is not None:
            inventory = self.fleet.inventory
            deepest = max(inventory.depth(name) for name in inventory.machines)
            args["deadline_s"] = seconds + _STAGGER_S * (deepest - inventory.depth(machine))
            self.armed[machine] = time.monotonic() + float(str(args["deadline_s"]))
        return Op(verb, args)

    def _forget(self, machine: str) -> None:
        self.journal.note("guard", machine=machine, state="disarmed")
        del self.armed[machine]


def demand_armed(machine: str, result: OpResult) -> None:
    """Judges the answer to the op of `Guards.before`: without a guard nothing was changed.

    Raises:
        PlanRefused: another run has a guard there.
        NeedsElevation, AgentError: it could not be armed.
    """
    text = f"{machine}: {result.message}"
    if result.code == "exists":
        raise PlanRefused(text, machine=machine)
    if result.code == "not-permitted":
        raise NeedsElevation(text, machine=machine)
    if not result.ok:
        raise AgentError(f"{machine}: no guard: {result.message}", machine=machine, op_code=result.code)
