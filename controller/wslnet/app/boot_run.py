"""What both halves of `wslnet boot run` share: the data they read, the usual plan and apply, single ops.

The halves themselves are `app.boot_network` (SYSTEM) and `app.boot_wsl` (the distros' owner).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from wslnet.engine.apply import Progress, apply_changes
from wslnet.engine.gather import gather
from wslnet.engine.journal import Journal, new_run_id
from wslnet.engine.machine_locks import held_locks
from wslnet.engine.planner import make_plan
from wslnet.errors import AgentError, InputError, Unsupported, WslnetError
from wslnet.model.boot_data import BootData, read_boot_data

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wslnet.engine.fleet import Fleet
    from wslnet.model.change import Op, Resource
    from wslnet.model.machine import Machine
    from wslnet.model.snapshot import Snapshot

_KEPT_JOURNALS = 20
_LOCKED_WITHIN_S = 60.0


def data_path() -> Path:
    """Where the tasks' data lies.

    Raises:
        Unsupported: this is no Windows.
    """
    folder = os.environ.get("PROGRAMDATA")
    if folder is None:
        raise Unsupported("boot run is what the scheduled tasks of Windows call; here is no Windows")
    return Path(folder) / "wslnet" / "boot.json"


def load_data() -> BootData:
    """What `boot install` wrote down.

    Raises:
        InputError: it is not there or cannot be read.
    """
    path = data_path()
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}", hint="run `wslnet boot install`") from error
    return read_boot_data(path, content)


def windows_of(data: BootData) -> Machine:
    """The Windows host.

    Raises:
        InputError: the data has none.
    """
    if data.inventory.windows is None:
        raise InputError(f"{data.inventory.path}: no machine of kind windows")
    return data.inventory.windows


def see(fleet: Fleet, machine: str, needs: frozenset[str]) -> Snapshot:
    """The facts of one machine.

    Raises:
        Unreachable: it cannot be seen.
    """
    snapshot = gather(fleet, {machine: needs})
    if machine in snapshot.unseen:
        raise snapshot.unseen[machine].error(machine)
    return snapshot


def must(fleet: Fleet, machine: str, op: Op, deadline_s: float) -> None:
    """Runs one op.

    Raises:
        AgentError: it failed.
    """
    (result,) = fleet.execute(machine, [op], deadline_s=deadline_s)
    if not result.ok:
        raise AgentError(f"{machine}: {op.verb}: {result.message}", machine=machine, op_code=result.code)


def put_back(
    fleet: Fleet,
    folder: Path,
    snapshot: Snapshot,
    resources: Sequence[Resource],
    say: Callable[[str, str], None],
) -> int:
    """Makes `resources` true with a journal in `folder`; gives how many changes that took.

    What was done before a failure stays: half of the network is better than none of it.

    Raises:
        WslnetError: a change failed; Locked: another controller is at work on a machine and does not end.
    """
    plan = make_plan(snapshot, resources)
    if not plan.changes:
        return 0
    for old in sorted(folder.glob("*.jsonl"))[: -_KEPT_JOURNALS + 1]:
        old.unlink(missing_ok=True)
    run_id, machines = new_run_id(), plan.machines(fleet.inventory)
    with (
        held_locks(fleet, run_id, machines, say, wait_s=_LOCKED_WITHIN_S) as locked,
        Journal(folder, run_id) as journal,
    ):
        journal.open_run(plan, ())
        try:
            apply_changes(Progress(locked, journal, say), plan.changes, resources)
        except WslnetError as error:
            journal.note("failed", reason=error.message)
            raise
        journal.write("committed")
    return len(plan.changes)
