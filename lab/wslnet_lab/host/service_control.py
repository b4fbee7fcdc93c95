"""Starting, stopping and telling services; what the lab's services do then is given by whoever has them.

The one way to change a service's state: `sc.exe` and the cmdlets both come here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from wslnet_lab.host.contract import Identity
    from wslnet_lab.host.state import MachineState

ACCESS_DENIED, INVALID_CONTROL, ALREADY_RUNNING = 5, 1052, 1056
DISABLED, NO_SUCH_SERVICE, NOT_ACTIVE = 1058, 1060, 1062
MESSAGES = {
    ACCESS_DENIED: "Access is denied.",
    INVALID_CONTROL: "The requested control is not valid for this service.",
    ALREADY_RUNNING: "An instance of the service is already running.",
    DISABLED: "The service cannot be started, either because it is disabled or because it has no enabled "
    "devices associated with it.",
    NO_SUCH_SERVICE: "The specified service does not exist as an installed service.",
    NOT_ACTIVE: "The service has not been started.",
}


class ServiceError(Exception):
    """The service control manager refuses; `number` is the Win32 error."""

    def __init__(self, number: int) -> None:
        super().__init__(MESSAGES[number])
        self.number = number


@dataclass(frozen=True, slots=True)
class ServiceActs:
    """What a service does when it starts, stops, or is told that its parameters changed (None: not)."""

    start: Callable[[], None] | None = None
    stop: Callable[[], None] | None = None
    parameters_changed: Callable[[], None] | None = None


class ServiceControl:
    """The service control manager. What an act raises passes through."""

    def __init__(self, state: MachineState, acts: Mapping[str, ServiceActs]) -> None:
        self._state = state
        self._acts = acts

    def find(self, name: str) -> str:
        """The name of a service as it is installed.

        Raises:
            ServiceError: There is none of that name.
        """
        for known in self._state.services.data:
            if known.lower() == name.lower():
                return known
        raise ServiceError(NO_SUCH_SERVICE)

    def running(self, name: str) -> bool:
        """Whether an installed service runs."""
        return bool(self._state.services.data[name]["state"] == "Running")

    def start(self, name: str, identity: Identity) -> None:
        """Starts a service.

        Raises:
            ServiceError: It is absent, disabled or runs already, or the identity may not.
        """
        known = self._writable(name, identity)
        if self.running(known):
            raise ServiceError(ALREADY_RUNNING)
        if self._state.services.data[known]["start"] == "Disabled":
            raise ServiceError(DISABLED)
        self._change(known, "Running")
        self._do(known, "start")

    def stop(self, name: str, identity: Identity) -> None:
        """Stops a service.

        Raises:
            ServiceError: It is absent or does not run, or the identity may not.
        """
        known = self._writable(name, identity)
        if not self.running(known):
            raise ServiceError(NOT_ACTIVE)
        self._do(known, "stop")
        self._change(known, "Stopped")

    def configure(self, name: str, start: str, identity: Identity) -> None:
        """Sets how a service starts (`Automatic`, `Manual`, `Disabled`); one that runs goes on.

        Raises:
            ServiceError: It is absent, or the identity may not.
        """
        known = self._writable(name, identity)
        with self._state.services.change() as rows:
            rows[known]["start"] = start

    def tell_parameters_changed(self, name: str, identity: Identity) -> None:
        """Sends SERVICE_CONTROL_PARAMCHANGE.

        Raises:
            ServiceError: It is absent, does not run or takes no such control, or the identity may not.
        """
        known = self._writable(name, identity)
        if not self.running(known):
            raise ServiceError(NOT_ACTIVE)
        if known not in self._acts or self._acts[known].parameters_changed is None:
            raise ServiceError(INVALID_CONTROL)
        self._do(known, "parameters_changed")

    def _writable(self, name: str, identity: Identity) -> str:
        known = self.find(name)
        if not identity.admin and not identity.system:
            raise ServiceError(ACCESS_DENIED)
        return known

    def _change(self, name: str, state: str) -> None:
        with self._state.services.change() as rows:
            rows[name]["state"] = state

    def _do(self, name: str, what: str) -> None:
        act = getattr(self._acts.get(name, ServiceActs()), what)
        if act is not None:
            act()
