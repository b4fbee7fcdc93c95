"""What a guard on Windows does when nobody confirmed: every op of its report undone, then WSL restarted.

Newest change first, one by one, each tried again for a while: the guard is the last that will try. WSL is
restarted when the run had begun to, or runs in another mode than before.
"""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from wslnet.app.boot_run import see
from wslnet.engine.captured import put_back
from wslnet.engine.planner import RESTART_VERB
from wslnet.engine.restart import RunningVm, restart_wsl
from wslnet.errors import WslnetError
from wslnet.model.captured import captured_from_json
from wslnet.model.change import Op
from wslnet.model.typed import typed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from wslnet.engine.fleet import Fleet
    from wslnet.model.snapshot import Snapshot
    from wslnet_win_agent.boot.guard_files import JsonDict, Order, Report

_OP_DEADLINE_S = 60.0
_ATTEMPTS, _RESTARTS = 5, 2
_AGAIN_S = 2.0
_NOTHING_TO_UNDO = frozenset({"not-found", "exists"})
_FORWARDING, _WSLCONFIG = "forwarding.set", "wslconfig.write"


def take_back(
    fleet: Fleet, windows: str, report: Report, say: Callable[[str, str], None]
) -> tuple[JsonDict, ...]:
    """Undoes what a report holds and gives what came of each op: `{verb, error}`.

    Never raises for an op that fails: that is told in its `error`, and the next is tried.
    """
    say(windows, f"run {report.order.run} was not confirmed: taking back what it changed")
    done: list[JsonDict] = []
    restart = False
    for op in reversed(report.order.undo):
        if op["verb"] == RESTART_VERB:
            restart = True
        elif op["verb"] == _FORWARDING and not _is_same_interface(fleet, windows, report, op):
            done.append({"verb": op["verb"], "error": None})
        else:
            done.append(_tried(str(op["verb"]), partial(_undo, fleet, windows, op)))
    if restart or _runs_otherwise(fleet, windows, report.order):
        done.append(_tried(RESTART_VERB, partial(_restart, fleet, windows, report.order, say), _RESTARTS))
    for one in done:
        say(windows, f"{one['verb']}: {one['error'] or 'taken back'}")
    return tuple(done)


def interface_aliases(fleet: Fleet, windows: str, order: Order) -> Mapping[str, str] | None:
    """The names of the interfaces that an order's ops mean, by their index; None when it has none."""
    indices = {_index(op) for op in order.undo if op["verb"] == _FORWARDING}
    if not indices:
        return None
    found = _aliases(see(fleet, windows, frozenset({"interfaces"})))
    return {index: alias for index, alias in found.items() if index in indices}


def _is_same_interface(fleet: Fleet, windows: str, report: Report, op: JsonDict) -> bool:
    """An adapter that was made anew forwards nothing any more, and its index may be another's by now."""
    index = _index(op)
    try:
        found = _aliases(see(fleet, windows, frozenset({"interfaces"})))
    except WslnetError:
        return True  # the op itself will say what is wrong
    return found.get(index) == (report.aliases or {}).get(index)


def _aliases(snapshot: Snapshot) -> dict[str, str]:
    interfaces = snapshot.windows.interfaces if snapshot.windows is not None else None
    return {str(one.index): one.alias for one in interfaces or ()}


def _index(op: JsonDict) -> str:
    args = op["args"]
    return str(args["interface_index"]) if isinstance(args, dict) else ""


def _tried(verb: str, act: Callable[[], JsonDict | None], attempts: int = _ATTEMPTS) -> JsonDict:
    error: JsonDict | None = None
    for attempt in range(attempts):
        if attempt:
            time.sleep(_AGAIN_S)
        try:
            error = act()
        except WslnetError as raised:
            error = {"code": raised.code, "message": raised.message}
        if error is None:
            break
    return {"verb": verb, "error": error}


def _undo(fleet: Fleet, windows: str, op: JsonDict) -> JsonDict | None:
    (result,) = fleet.execute(windows, [typed(op, Op)], deadline_s=_OP_DEADLINE_S)
    if result.ok or result.code in _NOTHING_TO_UNDO:
        return None
    return {"code": result.code, "message": result.message}


def _runs_otherwise(fleet: Fleet, windows: str, order: Order) -> bool:
    """Whether somebody else started WSL anew while the run's `.wslconfig` was in force."""
    if order.mode is None or all(op["verb"] != _WSLCONFIG for op in order.undo):
        return False
    try:
        facts = see(fleet, windows, frozenset({"wsl"})).windows
    except WslnetError:
        return False  # it is not known, and a restart costs
    wsl = facts.wsl if facts is not None else None
    return wsl is not None and wsl.running and wsl.mode != order.mode


def _restart(fleet: Fleet, windows: str, order: Order, say: Callable[[str, str], None]) -> JsonDict | None:
    vms = typed(order.vms, tuple[RunningVm, ...])
    known = tuple(vm for vm in vms if vm.host in fleet.inventory.machines)
    restart_wsl(fleet, known, order.mode, say, force=True)
    if order.captured is not None:
        for problem in put_back(fleet, captured_from_json(order.captured), order.mode, say):
            say(windows, f"not put back: {problem}")
    return None
