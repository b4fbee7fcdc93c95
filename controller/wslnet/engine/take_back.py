"""Takes a run back: everything it did in reverse order, the restart of WSL last.

Each change goes by its own undo, and what was undone stands in the journal, so a later `resume` goes on
where this one was stopped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.engine.apply import OP_DEADLINE_S
from wslnet.engine.barrier import cross, restore
from wslnet.engine.commit import unmark
from wslnet.engine.guards_windows import kept_alive
from wslnet.engine.planner import RESTART_VERB
from wslnet.errors import RollbackIncomplete, Unreachable, WslnetError

if TYPE_CHECKING:
    from wslnet.engine.apply import Progress
    from wslnet.model.change import Change

_NOTHING_TO_UNDO = frozenset({"not-found", "exists"})
"""Answers to the undo of a change of which it is not known whether it was made: it was not."""


def roll_back(run: Progress) -> None:
    """Takes back everything in `run.applied`, newest first.

    The restart is repeated last, after the files it depends on are back: what lives behind it is gone with
    it anyway, so a failure to undo a volatile change before it does not count.

    Raises:
        RollbackIncomplete: some changes could not be taken back; they are listed.
    """
    restart = next((change for change in run.applied if change.do.verb == RESTART_VERB), None)
    if run.guards is not None:
        run.guards.settle(run.say, wait=restart is None)
    with kept_alive(run.guards):
        left = _take_back_all(run, restart)
    if run.guards is not None:
        run.guards.clear()
    run.applied.clear()
    if left:
        raise RollbackIncomplete("not everything could be taken back: " + "; ".join(left), left=tuple(left))


def _take_back_all(run: Progress, restart: Change | None) -> list[str]:
    left = unmark(run)
    lost: dict[str, str] = {}
    for change in reversed(run.applied):
        if change is restart:
            continue
        # One long wait for a machine is enough; `resume` asks it again.
        problem = lost.get(change.machine) or _undo(run, change, lost)
        if problem is not None and not _goes_with(run, restart, change):
            left.append(f"{change.machine}: {change.resource}: {problem}")
    if run.guards is not None:
        # What watches over the restart stays until that is taken back, too.
        run.guards.clear(but=() if restart is None else (restart.machine,))
    if restart is not None and restart.undo is not None:
        left += _restart_back(run, restart)
    return left


def _goes_with(run: Progress, restart: Change | None, change: Change) -> bool:
    """Whether the restart loses the change anyway; a VM that is saved keeps it."""
    return restart is not None and change.stage > 1 and not run.fleet.inventory.keeps_memory(change.machine)


def _undo(run: Progress, change: Change, lost: dict[str, str]) -> str | None:
    """Takes one change back; gives why not, and notes in `lost` a machine that is out of reach."""
    if change.undo is None:
        return "it has no undo"
    run.say(change.machine, f"taking back {change.resource}")
    run.journal.undoing(change)
    try:
        (result,) = run.fleet.execute(change.machine, [change.undo], deadline_s=OP_DEADLINE_S)
    except Unreachable as error:
        lost[change.machine] = error.message
        return error.message
    except WslnetError as error:
        return error.message
    # A guard may have been first, or fires between two answers.
    guarded = run.guards is not None and change.machine in run.guards.armed
    uncertain = guarded or run.outcomes[change.id] != "done"
    if not result.ok and not (uncertain and result.code in _NOTHING_TO_UNDO):
        return result.message
    run.journal.undone(change)
    run.outcomes[change.id] = "undone"
    return None


def _restart_back(run: Progress, change: Change) -> list[str]:
    mode = change.undo.args.get("mode") if change.undo is not None else None
    has_guard_restarted = run.guards is not None and RESTART_VERB in run.guards.taken_back
    try:
        if has_guard_restarted:
            restore(run)
        else:
            cross(run, str(mode) if mode else None, back=True)
    except WslnetError as error:
        return [f"{change.machine}: {change.resource}: {error.message}", *run.not_put_back]
    run.journal.undone(change)
    run.outcomes[change.id] = "undone"
    return [f"not put back: {one}" for one in run.not_put_back]
