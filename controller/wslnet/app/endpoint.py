"""`wslnet endpoint install`, `remove`, `status`: the constrained PowerShell endpoint as one plan.

It is for controllers elsewhere. On Windows itself one who is no administrator does not reach it unless a
probe has shown that loopback lets him (windows-facts 5 and 11, `app.endpoint_local`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.app.boot import JOURNAL
from wslnet.app.endpoint_local import local_use_of, not_probed, probed
from wslnet.app.unguarded import UnguardedPlan
from wslnet.engine.gather import gather
from wslnet.engine.planner import make_plan
from wslnet.errors import InputError, WslnetError
from wslnet.profiles.boot import programs_task
from wslnet.resources.endpoint import ConstrainedEndpoint, files_of
from wslnet.resources.endpoint_verdict import EndpointVerdict
from wslnet.resources.scheduled_task import ScheduledTask
from wslnet_win_agent.boot.call_files import TASK
from wslnet_win_agent.endpoint.offer import CONFIGURATION
from wslnet_win_agent.endpoint.render import PSSC, files
from wslnet_win_agent.errors import CallRefused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wslnet.engine.fleet import Fleet
    from wslnet.model.change import Resource
    from wslnet.model.snapshot import Snapshot
    from wslnet.model.windows_facts import Endpoint

SCHEMA_VERSION = 1
FACTS = frozenset({"endpoint", "elevated", "boot"})
REMOTE_USERS = r"BUILTIN\Remote Management Users"
"""Who may connect unless another account is named: Windows' own group for it."""

_GROUPS = "BUILTIN\\"
_PROBE_LATER = "`wslnet endpoint install` again, once WinRM has restarted, makes one"
_WHEN = "it holds once WinRM has restarted (or Windows): sessions that are open stay as they are"


@dataclass(frozen=True, slots=True)
class EndpointStatus:
    """What stands there. `intact` says that the files are those of this wslnet, whoever may connect.

    `programs` is the state of the owner's task that runs wsl.exe for those who connect, None without it;
    `local` is the verdict on its use on its own machine by others than administrators, and why.
    """

    registered: bool
    intact: bool
    problems: tuple[str, ...]
    local: tuple[str, str]
    programs: str | None = None

    def to_json(self) -> dict[str, object]:
        """The facts of the text."""
        return {
            "schema_version": SCHEMA_VERSION,
            "configuration": CONFIGURATION,
            "registered": self.registered,
            "intact": self.intact,
            "problems": list(self.problems),
            "programs": self.programs,
            "local_for_others": self.local[0],
            "local_because": self.local[1],
        }


def prepare_install(fleet: Fleet, account: str, owner: str | None = None) -> UnguardedPlan:
    r"""Reads Windows and makes the plan.

    Args:
        fleet: Its Windows is the one.
        account: Who may connect, `MACHINE\name` or a group.
        owner: Whose WSL it is; None: the account itself, unless it is one of Windows' own groups.

    Raises:
        InputError: no Windows in the inventory, or the account is not written so.
        WslnetError: Windows cannot be read.
    """
    name, snapshot, found = _read(fleet)
    wanted = _wanted(found, account)
    resources: list[Resource] = [ConstrainedEndpoint(name, wanted, f"for {account}")]
    notes = []
    asked = None
    if owner is None and not account.upper().startswith(_GROUPS):
        owner = account
    if owner is None:
        notes.append(f"wsl.exe does not run through the endpoint: {account} is a group; give --owner")
    elif not _can_run(snapshot):
        notes.append("wsl.exe does not run through the endpoint: wslnet is not installed for the machine")
    else:
        _wanted(found, owner)  # an account like the other one
        task = programs_task(owner)
        resources.append(ScheduledTask(name, task, f"runs wsl.exe as {owner} when asked", rows=()))
        asked = owner
    if asked is None:
        verdict, line = not_probed(name, "there is no task of an owner who could show otherwise")
    elif make_plan(snapshot, resources).changes:
        verdict, line = not_probed(name, f"no probe has passed there: {_PROBE_LATER}")
    else:
        verdict, line = probed(fleet, name, asked, wanted)
    return _planned(fleet, snapshot, (verdict, *resources), [*notes, line])


def prepare_remove(fleet: Fleet) -> UnguardedPlan:
    """The plan that takes it away.

    Raises:
        InputError: no Windows in the inventory.
        WslnetError: Windows cannot be read.
    """
    name, snapshot, _ = _read(fleet)
    resources: tuple[Resource, ...] = (
        EndpointVerdict(name, None, "asked for"),
        ScheduledTask(name, programs_task(""), "asked for", present=False, rows=()),
        ConstrainedEndpoint(name, None, "asked for"),
    )
    return _planned(fleet, snapshot, resources)


def _planned(
    fleet: Fleet, snapshot: Snapshot, resources: tuple[Resource, ...], notes: Sequence[str] = ()
) -> UnguardedPlan:
    plan = make_plan(snapshot, resources, notes=notes)
    return UnguardedPlan(fleet, snapshot, resources, plan, folder=JOURNAL, after=lambda: (_WHEN,))


def endpoint_status(fleet: Fleet) -> EndpointStatus:
    """Reads it.

    Raises:
        InputError: no Windows in the inventory.
        WslnetError: Windows cannot be read.
    """
    _, snapshot, found = _read(fleet)
    boot = snapshot.windows.boot if snapshot.windows is not None else None
    task = next((one for one in boot.tasks if one.name == TASK), None) if boot is not None else None
    have = dict(files_of(found) or ())
    ours = {path: content for path, content in _wanted(found, REMOTE_USERS) if path != PSSC}
    intact = bool(have) and all(have.get(path) == content for path, content in ours.items())
    problems = [f"others could change what it runs: {each}" for each in found.strangers]
    if have and not found.registered:
        problems.append("its files are there, but Windows has it not registered: `wslnet endpoint install`")
    if found.registered and not intact:
        problems.append("its files are not those of this wslnet: `wslnet endpoint install`")
    state = task.state if task is not None else None
    return EndpointStatus(found.registered, intact, tuple(problems), local_use_of(found.local), state)


def _can_run(snapshot: Snapshot) -> bool:
    """Whether the program of the owner's task is there; what others could change is not run either."""
    boot = snapshot.windows.boot if snapshot.windows is not None else None
    return boot is not None and boot.program.exists and not boot.program.strangers


def _wanted(found: Endpoint, account: str) -> tuple[tuple[str, bytes], ...]:
    try:
        texts = files(modules=found.modules, account=account)
    except CallRefused as error:
        raise InputError(error.message) from error
    return tuple((path, text.encode()) for path, text in texts.items())


def _read(fleet: Fleet) -> tuple[str, Snapshot, Endpoint]:
    windows = fleet.inventory.windows
    if windows is None:
        raise InputError(f"{fleet.inventory.path}: the endpoint needs a windows machine")
    snapshot = gather(fleet, {windows.name: FACTS})
    if windows.name in snapshot.unseen:
        raise snapshot.unseen[windows.name].error(windows.name)
    facts = snapshot.windows
    if facts is None or facts.endpoint is None:
        why = facts.errors.get("endpoint") if facts is not None and facts.errors is not None else None
        text = f": {why.message}" if why is not None else ""
        raise WslnetError(f"{windows.name}: the endpoint cannot be read{text}", machine=windows.name)
    return windows.name, snapshot, facts.endpoint
