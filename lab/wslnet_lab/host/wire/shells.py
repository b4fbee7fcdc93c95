"""The shells that clients opened: who owns them, quotas, idle time (windows-facts 5)."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet_lab.host.wire import faults, soap
from wslnet_lab.host.wire.faults import FaultError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet_lab.host.contract import Identity
    from wslnet_lab.host.wire.outbox import Outbox
    from wslnet_lab.host.wire.settings import Settings


@dataclass(frozen=True, slots=True)
class ShellRecord:
    """What is fixed about a shell when it is made."""

    shell_id: str
    resource: str
    owner: Identity
    client: str
    idle_timeout_s: float
    input_streams: str
    output_streams: str
    culture: str


class Shell(ABC):
    """A shell of either kind, as WS-Management sees it. Commands are found by their id, in any case."""

    def __init__(self, record: ShellRecord) -> None:
        """Takes what is fixed; the shell is idle from now on."""
        self.record = record
        self.created = time.monotonic()
        self.last_used = self.created
        self._users = 0
        self._users_lock = threading.Lock()

    @property
    def idle_s(self) -> float:
        """Seconds since a client last asked anything; 0 while one waits."""
        return 0.0 if self._users else time.monotonic() - self.last_used

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """While a client waits on the shell it is not idle."""
        with self._users_lock:
            self._users += 1
        try:
            yield
        finally:
            with self._users_lock:
                self._users -= 1
                self.last_used = time.monotonic()

    @abstractmethod
    def command(self, request: soap.Request, settings: Settings) -> str:
        """Starts a command; gives its id."""

    @abstractmethod
    def send(self, stream: str, data: bytes, command_id: str | None, *, end: bool) -> None:
        """Takes input for the shell or a command."""

    @abstractmethod
    def signal(self, command_id: str | None, code: str, timeout_s: float) -> None:
        """Stops or ends a command."""

    @abstractmethod
    def outbox(self, command_id: str | None) -> Outbox:
        """What waits for Receives; raises FaultError for a command that does not exist."""

    @abstractmethod
    def close(self) -> None:
        """Stops everything in the shell."""


class ShellTable:
    """All open shells of the host; old ones go when their idle time is up."""

    def __init__(self) -> None:
        """Starts without shells."""
        self._lock = threading.Lock()
        self._shells: dict[str, Shell] = {}

    def add(self, shell: Shell, settings: Settings) -> None:
        """Adds a shell; raises FaultError when its owner has too many or the id is taken."""
        self.reap()
        user = shell.record.owner.user
        with self._lock:
            owned = sum(other.record.owner.user == user for other in self._shells.values())
            if owned >= settings.max_shells_per_user:
                raise FaultError(faults.SHELL_QUOTA, str(settings.max_shells_per_user))
            if shell.record.shell_id.upper() in self._shells:
                raise FaultError(faults.INVALID_REQUEST)
            self._shells[shell.record.shell_id.upper()] = shell

    def find(self, shell_id: str | None, owner: Identity) -> Shell:
        """The shell with this id; raises FaultError if there is none or it is another user's."""
        self.reap()
        with self._lock:
            shell = self._shells.get((shell_id or "").upper())
        if shell is None:
            raise FaultError(faults.NO_SUCH_SHELL, shell_id or "")
        if shell.record.owner.user != owner.user:
            raise FaultError(faults.ACCESS_DENIED)
        shell.last_used = time.monotonic()
        return shell

    def remove(self, shell: Shell) -> None:
        """Closes a shell and forgets it."""
        with self._lock:
            self._shells.pop(shell.record.shell_id.upper(), None)
        shell.close()

    def remove_all(self) -> None:
        """Closes every shell, as a restart of the service does."""
        with self._lock:
            shells, self._shells = list(self._shells.values()), {}
        for shell in shells:
            shell.close()

    def reap(self) -> None:
        """Closes the shells whose idle time is up; one that a client waits on is not idle."""
        with self._lock:
            shells = list(self._shells.values())
        for shell in shells:
            if shell.idle_s > shell.record.idle_timeout_s:
                self.remove(shell)
