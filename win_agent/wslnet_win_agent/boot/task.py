r"""One scheduled task as plain data: what wslnet registers below `\wslnet\` and what it reads back.

Only what wslnet itself uses of the Task Scheduler; how it looks as XML is `boot.task_xml`.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass

FOLDER = "\\wslnet\\"
AUTHOR = "wslnet"
SYSTEM_SID = "S-1-5-18"
LOCAL_SERVICE_SID = "S-1-5-19"
SERVICES = frozenset({SYSTEM_SID, LOCAL_SERVICE_SID})
"""Accounts that no person has: a task of theirs has no type of logon (windows-facts 4)."""


@dataclass(frozen=True, slots=True, order=True)
class Event:
    """Records of an event log: its channel and an XPath that selects them."""

    channel: str
    select: str


@dataclass(frozen=True, slots=True, order=True)
class Trigger:
    """What starts a task, `delay_s` later.

    `boot`, `logon` (`user` is a SID), `event` (any of `events`) or `time`, once (`at`, in UTC and ISO form).
    """

    kind: str
    delay_s: int = 0
    user: str = ""
    events: tuple[Event, ...] = ()
    at: str = ""


@dataclass(frozen=True, slots=True)
class Task:
    """One task.

    Attributes:
        name: below FOLDER.
        user: the SID that it runs as.
        logon: `S4U`, `Password` or `InteractiveToken`; empty for SERVICES, which have none.
        highest: with all rights of that user.
        triggers: in any order.
        instances: `IgnoreNew` or `Queue`, for a start while it runs.
        limit: how long it may run, `PT0S` for ever.
        command: full path of the program.
        arguments: as one text.
        starters: SIDs that may see and start it beside administrators; not compared, exports leave it out.
    """

    name: str
    user: str
    logon: str
    highest: bool
    triggers: tuple[Trigger, ...]
    instances: str
    limit: str
    command: str
    arguments: str
    starters: tuple[str, ...] = ()

    @property
    def version(self) -> str:
        """What RegistrationInfo/Version carries: a digest of everything above."""
        plain = json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))
        return "1-" + hashlib.sha256(plain.encode()).hexdigest()[:16]

    def same_as(self, other: Task) -> bool:
        """Whether Windows would do the same for both."""
        return self._meaning() == other._meaning()

    def _meaning(self) -> dict[str, object]:
        plain = asdict(self)
        del plain["starters"]
        return plain | {"triggers": sorted(self.triggers), "command": self.command.casefold()}
