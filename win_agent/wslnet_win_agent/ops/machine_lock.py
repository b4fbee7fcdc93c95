"""Ops `lock.*`: one controller at a time changes this Windows, and the others learn who it is.

The lock is one file: New-Item makes it or fails, whoever comes second. It lies in ProgramData itself, where
the owner may make files without an administrator's rights too, and leaves nothing behind (docs/adr/0013).
"""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from wslnet_win_agent.bridge import demand
from wslnet_win_agent.calls import files
from wslnet_win_agent.errors import WindowsAgentError
from wslnet_win_agent.facts.files import read_file

from .guard import settle_others

if TYPE_CHECKING:
    from wslnet_win_agent.host import Host

    from .arguments import Arguments

FILE = r"C:\ProgramData\wslnet.lock"
_NAMES = ("run", "token", "holder", "since")
_TOKEN = re.compile(r"[0-9a-f]{32}")
_UNKNOWN_LEASE_S = 120.0
_WRITTEN_WITHIN_S = 2.0
_POLL_S = 0.1
_LONGEST = 120
_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class _Lock:
    """What the file says; a file that was not written to its end says nothing."""

    run: str = "unknown"
    token: str = ""
    holder: str = "somebody who has not said who it is"
    since: str = "unknown"
    lease_s: float = _UNKNOWN_LEASE_S


def hold(host: Host, arguments: Arguments) -> dict[str, object]:
    """Take the lock, or extend it; whoever comes with the same token may take it for another run.

    Raises:
        WindowsAgentError: `exists`: another holder's lease runs; `not-permitted`, `failed`.
    """
    values = {name: arguments.text(name) for name in _NAMES}
    lease_s = arguments.seconds("lease_s", _UNKNOWN_LEASE_S)
    if not _TOKEN.fullmatch(values["token"]):
        raise WindowsAgentError("bad-op", f"{arguments.verb}: the token is no token")
    text = json.dumps({**values, "lease_s": lease_s})
    for attempt in range(_ATTEMPTS):
        try:
            _hold(host, values, text)
            break
        except WindowsAgentError as problem:
            # Its holder may have given it back between two of our looks.
            if problem.code == "exists" or attempt == _ATTEMPTS - 1 or _read(host) is not None:
                raise
    return {"run": values["run"], "holder": values["holder"], "since": values["since"], "state": "held"}


def _hold(host: Host, values: dict[str, str], text: str) -> None:
    try:
        host.write(files.new_file(FILE, text), f"making {FILE}")
    except WindowsAgentError:
        found = _read(host)
        if found is None:
            raise
        if found.token != values["token"]:
            _take_over(host, found, text, f"{FILE}.{values['token']}", values["run"])
            return
        if found.run != values["run"]:
            settle_others(host, values["run"])
        host.write(files.write_bytes(FILE, text.encode()), f"writing {FILE}")


def release(host: Host, arguments: Arguments) -> dict[str, object]:
    """Give the lock back; one that is gone, or somebody else's by now, is left as it is."""
    found = _read(host)
    if found is not None and found.token == arguments.text("token"):
        host.write(files.remove(FILE), f"removing {FILE}")
    return {"state": "free" if found is None or found.token == arguments.text("token") else "held"}


def status(host: Host, _arguments: Arguments) -> dict[str, object]:
    """Who holds the lock; changes nothing, and so cannot tell how much of the lease is left."""
    found = _read(host)
    if found is None:
        return {"state": "free"}
    return {"state": "held", "run": found.run, "holder": found.holder, "since": found.since}


def _demand_dead(host: Host, found: _Lock, mine: str) -> None:
    """Refuse a lock whose lease runs: its age is told by the time of a file of ours, made just now.

    Raises:
        WindowsAgentError: `exists`; the message names the holder.
    """
    reply = demand(host.read([files.file_item(FILE), files.file_item(mine)]), FILE)
    old, new = (datetime.fromisoformat(str(row.get("LastWriteTimeUtc"))) for row in reply.outputs)
    left_s = found.lease_s - (new - old).total_seconds()
    if left_s > 0:
        raise WindowsAgentError(
            "exists",
            f"locked by {found.holder}, run {found.run}, since {found.since}; "
            f"its lease runs another {left_s + 1:.0f} s",
        )


def _take_over(host: Host, found: _Lock, text: str, mine: str, run: str) -> None:
    """Put a file of ours in the place of a lock whose lease is over; of several only one can rename it.

    Raises:
        WindowsAgentError: `exists`: the lease runs, or somebody else was quicker.
    """
    dead = f"{mine}-dead"
    host.write(files.new_file(mine, text), f"making {mine}")
    try:
        _demand_dead(host, found, mine)
        settle_others(host, run)
        host.write(files.move(FILE, dead), f"moving {FILE}")
        moved = _read(host, dead)
        if moved is None or moved.token != found.token:
            host.write(files.move(dead, FILE), f"moving {dead}")
            raise WindowsAgentError("exists", "locked just now by another controller")
        host.write(files.remove(dead), f"removing {dead}")
        host.write(files.move(mine, FILE), f"moving {mine}")
    finally:
        if read_file(host, mine).content is not None:
            host.write(files.remove(mine), f"removing {mine}")


def _read(host: Host, path: str = FILE) -> _Lock | None:
    """Give what the lock says, None without one; waits a moment for one that is being written."""
    until = time.monotonic() + _WRITTEN_WITHIN_S
    while True:
        state = read_file(host, path)
        if state.content is None and state.error is None:
            return None
        lock = _parsed(state.content or b"")
        if lock is not None:
            return lock
        if time.monotonic() > until:
            return _Lock()
        time.sleep(_POLL_S)


def _parsed(content: bytes) -> _Lock | None:
    try:
        found = json.loads(content)
        run, token, holder, since = (_shown(str(found[name])) for name in _NAMES)
        return _Lock(run, token, holder, since, float(found["lease_s"]))
    except (ValueError, KeyError, TypeError):
        return None


def _shown(text: str) -> str:
    """Anybody may write the file: what it says is for one line of a terminal."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)[:_LONGEST]
