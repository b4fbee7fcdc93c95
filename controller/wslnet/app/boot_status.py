"""`wslnet boot status`: what is installed on Windows and Linux machines, how it runs, what it puts back."""

from __future__ import annotations

import base64
from dataclasses import asdict, dataclass
from pathlib import PureWindowsPath
from typing import TYPE_CHECKING

from wslnet.app.boot import BOOT_FACTS
from wslnet.app.boot_linux import linux_machines
from wslnet.engine.doctor import examine
from wslnet.engine.gather import gather
from wslnet.errors import InputError, WslnetError
from wslnet.model.boot_data import read_boot_data
from wslnet.model.finding import Status
from wslnet.model.machine import Kind
from wslnet.profiles.boot import NETWORK, WSL, is_started_by_policy, standing_network_task, wsl_task
from wslnet.profiles.persistence import NEEDS, starters
from wslnet.resources.scheduled_task import stands_as

if TYPE_CHECKING:
    from wslnet.engine.fleet import Fleet
    from wslnet.model.boot_data import BootData
    from wslnet.model.snapshot import Snapshot
    from wslnet.model.windows_facts import Boot
    from wslnet_win_agent.boot.task import Task, Trigger

SCHEMA_VERSION = 1
_CHECKS = frozenset({"persist.start", "persist.files"})
_RESULTS = {
    0: "succeeded",
    0x41301: "is running now",
    0x41303: "has not run yet",
    0x41306: "was ended from outside",
    0x80070002: "its program is not there",
    0x80070569: "its user may not log on as a batch job",
    0x800710E0: "its user was not logged on",
}


@dataclass(frozen=True, slots=True)
class TaskStatus:
    """One of the two tasks: `intact` says that Windows has it as wslnet wrote it."""

    name: str
    installed: bool
    intact: bool = False
    state: str | None = None
    last_result: int | None = None
    last_words: str = ""
    last_run: str | None = None
    next: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AgentStatus:
    """wslnet-agent on one Linux machine: what calls it, whether it runs, what it keeps.

    `unseen`: why the machine could not be asked.
    """

    name: str
    installed: bool = False
    called_by: tuple[str, ...] = ()
    running: bool = False
    keeps: tuple[str, ...] = ()
    unseen: str | None = None

    def to_json(self) -> dict[str, object]:
        """The facts of the text."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class BootStatus:
    """The whole answer; `problems` is what keeps it from working."""

    tasks: tuple[TaskStatus, ...]
    puts_back: tuple[str, ...]
    problems: tuple[str, ...]
    machines: tuple[AgentStatus, ...] = ()

    @property
    def installed(self) -> bool:
        """Whether both tasks are there."""
        return all(task.installed for task in self.tasks)

    def to_json(self) -> dict[str, object]:
        """The facts of the text."""
        return {
            "schema_version": SCHEMA_VERSION,
            "installed": self.installed,
            "tasks": [{key: getattr(task, key) for key in TaskStatus.__slots__} for task in self.tasks],
            "puts_back": list(self.puts_back),
            "problems": list(self.problems),
            "machines": [one.to_json() for one in self.machines],
        }


def boot_status(fleet: Fleet) -> BootStatus:
    """Reads it.

    Raises:
        InputError: no Windows in the inventory.
        Unreachable: Windows cannot be seen.
    """
    windows = fleet.inventory.windows
    if windows is None:
        raise InputError(f"{fleet.inventory.path}: boot needs a windows machine")
    linux = linux_machines(fleet.inventory)
    snapshot = gather(fleet, dict.fromkeys(linux, NEEDS) | {windows.name: BOOT_FACTS | {"wsl"}})
    if windows.name in snapshot.unseen:
        raise snapshot.unseen[windows.name].error(windows.name)
    facts = snapshot.windows
    if facts is None or facts.boot is None:
        raise WslnetError(f"{windows.name}: the scheduled tasks cannot be read", machine=windows.name)
    boot = facts.boot
    by_policy = is_started_by_policy(boot)
    tasks = tuple(_status(boot, name, by_policy=by_policy) for name in (NETWORK, WSL))
    data, problem = _data(boot)
    problem = problem or _other_mode(snapshot.mode, data)
    problems = [*_task_problems(tasks), *([problem] if problem else [])]
    if any(task.installed for task in tasks):
        problems += [f"others could change what SYSTEM runs: {who}" for who in boot.program.strangers]
        problems += [f"others could change what SYSTEM reads: {who}" for who in boot.data.strangers]
        problems += [] if boot.program.exists else [f"{boot.program.path} is not there"]
    problems += [
        f"{one.machine}: {line.removeprefix(f'{one.machine}: ')}"
        for one in examine(snapshot, only=_CHECKS)
        if one.status in {Status.WARN, Status.FAIL}
        for line in one.evidence
    ]
    agents = tuple(_agent(snapshot, name) for name in linux)
    return BootStatus(tasks, () if data is None else _puts_back(data), tuple(problems), agents)


def _agent(snapshot: Snapshot, name: str) -> AgentStatus:
    facts = snapshot.linux(name)
    if facts is None or facts.owned is None or facts.persistence is None:
        unseen = snapshot.unseen.get(name)
        return AgentStatus(name, unseen="not read" if unseen is None else unseen.reason)
    if not facts.owned.agent:
        return AgentStatus(name)
    callers = starters(facts, is_wsl=snapshot.inventory[name].kind is Kind.WSL)
    items = tuple(one.name for one in facts.owned.items if one.do is not None)
    return AgentStatus(
        name, installed=True, called_by=callers, running=facts.persistence.watched, keeps=items
    )


def _status(boot: Boot, name: str, *, by_policy: bool) -> TaskStatus:
    found = next((task for task in boot.tasks if task.name == name), None)
    if found is None:
        return TaskStatus(name, installed=False)
    wanted = next((task for task in _as_written(boot, name) if stands_as(task, found, boot)), None)
    script = ("at boot, by a start-up script of the Group Policy",) if by_policy and name == NETWORK else ()
    return TaskStatus(
        name,
        installed=True,
        intact=wanted is not None,
        state=found.state,
        last_result=found.last_result,
        last_words=_RESULTS.get(found.last_result or 0, f"failed with {_code(found.last_result)}"),
        last_run=found.last_run,
        next=(*script, *(_when(trigger) for trigger in wanted.triggers)) if wanted is not None else (),
    )


def _as_written(boot: Boot, name: str) -> tuple[Task, ...]:
    if name == NETWORK:
        return (standing_network_task(boot),)
    return tuple(wsl_task(boot.sid, before_logon=before) for before in (False, True))


def _code(result: int | None) -> str:
    number = result or 0
    return f"0x{number:08x}" if number > 0xFF else f"exit code {number}"  # noqa: PLR2004 - a program's own codes


def _when(trigger: Trigger) -> str:
    if trigger.kind == "event":
        channels = {event.channel for event in trigger.events}
        words = "at power-on and resume" if channels == {"System"} else "when a network is connected"
    elif trigger.kind == "time":
        words = f"once at {trigger.at}"
    else:
        words = "at boot" if trigger.kind == "boot" else "at logon"
    return words + (f", {trigger.delay_s} s later" if trigger.delay_s else "")


def _data(boot: Boot) -> tuple[BootData | None, str | None]:
    """What the tasks read, or why that cannot be told."""
    if boot.data.content is None:
        return None, f"{boot.data.path} is not there" if boot.tasks else None
    content = base64.b64decode(boot.data.content)
    try:
        return read_boot_data(PureWindowsPath(boot.data.path), content), None
    except InputError as error:
        return None, error.message


def _other_mode(running: str | None, data: BootData | None) -> str | None:
    """A setup takes the data with it; who writes `.wslconfig` by hand, or an earlier wslnet, does not."""
    if data is None or running in {None, data.mode}:
        return None
    return (
        f"WSL runs in {running} mode, and what {data.mode} mode needs would be put back: run `wslnet setup` "
        "for the mode that is wished for"
    )


def _puts_back(data: BootData) -> tuple[str, ...]:
    wsl = data.inventory.wsl
    words = [f"WSL ({wsl.distro if wsl else '-'}) started and held, mode {data.mode}"]
    words += [f"VM {one.name} in {one.host}" for one in data.domains]
    words += [f"forwarding on {alias}" for alias in data.switches]
    allow = data.options.get("allow")
    words += [f"firewall rule for {one}" for one in (allow if isinstance(allow, list) else [])]
    words += [
        f"{one.listen} published, to {one.target}:{one.target_port}" for one in data.inventory.wish.forward
    ]
    words.append("routes, accepts and ip_forward that connect the VMs")
    return tuple(words)


def _task_problems(tasks: tuple[TaskStatus, ...]) -> list[str]:
    problems = [
        f"task {task.name} was changed since it was installed"
        for task in tasks
        if task.installed and not task.intact
    ]
    problems += [f"task {task.name} is disabled" for task in tasks if task.state == "Disabled"]
    if any(task.installed for task in tasks):
        problems += [f"task {task.name} is not there" for task in tasks if not task.installed]
    return problems
