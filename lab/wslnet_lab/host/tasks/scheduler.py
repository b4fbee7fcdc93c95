"""The service itself: what wakes a task, who it runs as, one instance or a queue of them, how it ended.

Runs live in threads of their own and end with Windows. Who may see or start a task is `commands`' part.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from wslnet_lab.host.contract import Identity
from wslnet_lab.host.local_programs import SERVICES
from wslnet_lab.host.tasks import events, results

if TYPE_CHECKING:
    from wslnet_lab.host.state import MachineState
    from wslnet_lab.host.tasks.definition import Action, Trigger
    from wslnet_lab.host.tasks.events import Event
    from wslnet_lab.host.tasks.store import Task, TaskStore

LOGON_AFTER_S = 2.0
"""When the owner logs on after Windows came up."""

_NETWORK_AFTER_S = 0.5
_TICK_S = 1.0


class Running(Protocol):
    """A process that a task started."""

    def wait(self, timeout_s: float | None) -> int | None:
        """Its exit code, None when it still runs."""

    def end(self) -> None:
        """Ends it."""


class Launch(Protocol):
    """Starts an action as an identity; FileNotFoundError and ValueError say that it cannot."""

    def __call__(self, action: Action, identity: Identity) -> Running:
        """Starts it."""


class CannotStartError(Exception):
    """A task cannot run now; `code` is what its last result says."""

    def __init__(self, code: int) -> None:
        super().__init__(f"0x{code:08x}")
        self.code = code


@dataclass
class _Instance:
    running: Running | None = None
    stopped: bool = False


class Scheduler:
    """The Task Scheduler of one Windows. All methods may be called from any thread."""

    def __init__(self, state: MachineState, tasks: TaskStore, launch: Launch) -> None:
        self._settings = state.settings
        self.tasks = tasks
        self._launch = launch
        self._lock = threading.RLock()
        self._instances: dict[str, _Instance] = {}
        self._queued: dict[str, int] = {}
        self._logged_on = False
        self._up_since = datetime.now(UTC)
        self._struck: set[tuple[str, datetime]] = set()

    def power_on(self, *, resumed: bool) -> None:
        """Windows came up: boot triggers (not when `resumed`), its events, and soon the owner's logon."""
        if not resumed:
            self._wake(lambda trigger: trigger.kind == "boot")
        self.happened(events.BOOT_TYPE)
        self._later(_NETWORK_AFTER_S, lambda: self.happened(events.CONNECTED))
        self._later(LOGON_AFTER_S, self._log_on)
        self._later(_TICK_S, self._tick)

    def happened(self, event: Event) -> None:
        """An event was written."""
        self._wake(
            lambda trigger: (
                trigger.kind == "event"
                and trigger.subscription is not None
                and events.means(trigger.subscription, event)
            )
        )

    def state(self, task: Task) -> str:
        """`Disabled`, `Queued`, `Ready` or `Running`."""
        if task.key in self._instances:
            return "Running"
        if self._queued.get(task.key):
            return "Queued"
        return "Ready" if task.enabled else "Disabled"

    def start(self, task: Task) -> None:
        """Starts a task as on demand, in the way its policy for several instances says.

        Raises:
            CannotStartError: It cannot run now.
        """
        if not task.enabled or task.definition.settings["AllowStartOnDemand"] != "true":
            raise CannotStartError(0x80041326)
        self._identity(task)
        self._request(task)

    def stop(self, task: Task) -> None:
        """Ends the instance that runs; none: nothing."""
        with self._lock:
            self._queued.pop(task.key, None)
            instance = self._instances.get(task.key)
            if instance is None:
                return
            instance.stopped = True
            if instance.running is not None:
                instance.running.end()

    def _log_on(self) -> None:
        self._logged_on = True
        self._wake(lambda trigger: trigger.kind == "logon" and self._is_owner(trigger.user))

    def _tick(self) -> None:
        """Starts what is due by the clock, once; what was missed while Windows was off, if it says so."""
        now = datetime.now(UTC)
        for task in self.tasks.all():
            make_up = task.definition.settings["StartWhenAvailable"] == "true"
            for at in [each.at for each in task.definition.triggers if each.enabled and each.at is not None]:
                is_new = at > task.since and (task.last_run is None or task.last_run < at)
                is_due = at <= now and is_new and (make_up or at >= self._up_since)
                if task.enabled and is_due and (task.key, at) not in self._struck:
                    self._struck.add((task.key, at))
                    self._request(task)
        self._later(_TICK_S, self._tick)

    def _wake(self, fits: _Fits) -> None:
        for task in self.tasks.all():
            due = [each.delay_s for each in task.definition.triggers if each.enabled and fits(each)]
            if task.enabled and due:
                self._later(min(due), lambda task=task: self._request(task))  # type: ignore[misc]  # bound now

    def _later(self, after_s: float, act: _Act) -> None:
        timer = threading.Timer(after_s, act)
        timer.daemon = True
        timer.start()

    def _request(self, task: Task) -> None:
        policy = task.definition.settings["MultipleInstancesPolicy"]
        with self._lock:
            if task.key in self._instances:
                if policy == "Queue":
                    self._queued[task.key] = self._queued.get(task.key, 0) + 1
                    return
                if policy == "StopExisting":
                    self._queued[task.key] = 1
                    self.stop_instance(task.key)
                    return
                return  # IgnoreNew; the lab has no task that asks for Parallel
            instance = self._instances[task.key] = _Instance()
        threading.Thread(
            target=self._run, args=(task, instance), name=f"task {task.key}", daemon=True
        ).start()

    def stop_instance(self, key: str) -> None:
        """Ends the instance of a task without touching its queue."""
        instance = self._instances.get(key)
        if instance is not None and instance.running is not None:
            instance.stopped = True
            instance.running.end()

    def _run(self, task: Task, instance: _Instance) -> None:
        self.tasks.began(task.key)
        try:
            result = self._run_actions(task, instance)
        except CannotStartError as error:
            result = error.code
        except FileNotFoundError:
            result = results.FILE_NOT_FOUND
        except (ValueError, OSError):
            result = results.CANNOT_START
        with self._lock:
            self.tasks.ended(task.key, result)
            del self._instances[task.key]
            again = self._queued.pop(task.key, 0)
            if again > 1:
                self._queued[task.key] = again - 1
        fresh = self.tasks.get(task.key)
        if again and fresh is not None and fresh.enabled:
            self._request(fresh)

    def _run_actions(self, task: Task, instance: _Instance) -> int:
        identity = self._identity(task)
        result = 0
        for action in task.definition.actions:
            running = instance.running = self._launch(action, identity)
            code = running.wait(task.definition.limit_s or None)
            if code is None:
                running.end()
                return results.TERMINATED
            if instance.stopped:
                return results.TERMINATED
            result = code
        return result

    def _identity(self, task: Task) -> Identity:
        """Who the task runs as now.

        Raises:
            CannotStartError: Nobody of that name is logged on, or may log on as a batch job.
        """
        principal = task.definition.principal
        service = _service(principal.user.lower())
        if service is not None:
            return service
        if not self._is_owner(principal.user):
            raise CannotStartError(results.NOT_LOGGED_ON)
        if principal.logon_type in {"S4U", "Password"}:
            if not self._settings.batch_logon:
                raise CannotStartError(results.LOGON_TYPE_NOT_GRANTED)
        elif not self._logged_on:
            raise CannotStartError(results.NOT_LOGGED_ON)
        admin = principal.highest and self._settings.owner_admin
        return Identity(self._settings.owner, self._settings.owner_sid, admin=admin)

    def _is_owner(self, user: str | None) -> bool:
        """Whether a trigger's or principal's user is the owner; None means every user."""
        own = self._settings
        names = {own.owner_sid, own.owner, f"{own.computer}\\{own.owner}"}
        return user is None or user.lower() in {name.lower() for name in names}


def _service(user: str) -> Identity | None:
    """The account of services that a principal names by its SID or its name."""
    named = user.removeprefix("nt authority\\")
    return SERVICES.get(named) or next((one for one in SERVICES.values() if one.sid.lower() == user), None)


if TYPE_CHECKING:
    from collections.abc import Callable

    _Fits = Callable[[Trigger], bool]
    _Act = Callable[[], None]
