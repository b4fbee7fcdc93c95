"""The program wslnet-agent: puts back what wslnet owns on this machine, once or whenever something changes.

It is called by the machine's own start, by libvirt's hook and by the network's hooks, never needs the
controller, and ends by itself when the run that installed it is taken back (docs/adr/0019).
"""

import os
import signal
import socket
import sys
import time

from wslnet_linux_agent import ops, ops_owned, resident_repair, resident_watch
from wslnet_linux_agent.resident_log import say

_USAGE = "usage: wslnet-agent apply-once | watch [--background] | status"
_SOCKET = "\0wslnet-agent"
_FOLDERS = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
# Between an event and the look: what comes together is seen together.
_SETTLE_S = 0.3
_SETTLE_MOST = 5
# How often it is asked whether the run still stands, and what announces nothing is looked at.
_LOOK_S = 2.0
_SOON_S = 3.0
_USUAL_LOOK_S = 60.0


def main(run: "str", words: "list[str]") -> "int":
    """Do a verb; gives the exit code: 1 if something owned cannot be put back, 2 for a wrong call."""
    os.environ["PATH"] = ":".join(_FOLDERS)
    if words == ["apply-once"]:
        return _apply(counted=False)
    if words == ["watch"]:
        mine = _only_one()
        if mine is None:
            say("another wslnet-agent watches this network; this one has nothing to do")
            return 0
        return _watch(run, mine)
    if words == ["watch", "--background"]:
        _apply(counted=False)
        _detach(run)
        return 0
    if words == ["status"]:
        return _status()
    sys.stderr.write(_USAGE + "\n")
    return 2


class Told:
    """What was said last of each item: the same is not said again."""

    def __init__(self) -> "None":
        self._last = {}  # type: dict[str, str]

    def tell(self, found: "list[tuple[str, str]]", cause: "str") -> "None":
        """Say what is new."""
        for name, outcome in found:
            fresh = outcome != self._last.get(name, resident_repair.THERE)
            if outcome == resident_repair.PUT_BACK:
                say("%s: put back%s" % (name, " after %s" % cause if cause else ""))
            elif fresh and outcome != resident_repair.THERE:
                say("%s: %s" % (name, outcome))
            self._last[name] = outcome


def _apply(*, counted: "bool", told: "Told | None" = None, cause: "str" = "") -> "int":
    """One pass; 1 if something is not as it is owned. A run at work is waited for by the next pass."""
    try:
        found = resident_repair.repair(counted=counted)
    except resident_repair.BusyError as error:
        (told or Told()).tell([("not now", str(error))], "")
        return 1
    except (ops.OpError, OSError) as error:
        (told or Told()).tell([(ops_owned.FILE, ops.explain(error)[1])], "")
        return 1
    (told or Told()).tell(found, cause)
    good = (resident_repair.THERE, resident_repair.PUT_BACK)
    return 0 if all(outcome in good for _, outcome in found) else 1


def _only_one() -> "socket.socket | None":
    """Take the name that one watcher has; None if there is one.

    It belongs to the network namespace, which distributions of WSL share.
    """
    mine = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        mine.bind(_SOCKET)
    except OSError:
        mine.close()
        return None
    return mine


def _watch(run: "str", mine: "socket.socket") -> "int":
    """Look after each change until the run that installed this is taken back; `mine` is held meanwhile."""
    signal.signal(signal.SIGTERM, _end)
    listened, told = resident_watch.sources(), Told()
    say("watching, by %s" % ", ".join(type(one).__name__ for one in listened))
    cause, due = "its start", time.monotonic()
    while os.path.exists(os.path.join(ops_owned.CONFIRMED, run)):
        if cause or time.monotonic() >= due:
            due = time.monotonic() + _pass(told, cause)
        cause = resident_watch.wait(listened, max(0.0, min(_LOOK_S, due - time.monotonic())))
        for _ in range(_SETTLE_MOST):
            if not cause or not resident_watch.wait(listened, _SETTLE_S):
                break
    say("run %s does not stand any more: it ends" % run)
    mine.close()
    return 0


def _pass(told: "Told", cause: "str") -> "float":
    """One look; gives the seconds to the next one if nothing happens."""
    code = _apply(counted=True, told=told, cause=cause)
    try:
        items = ops_owned.read()
    except (ops.OpError, OSError):
        # Said by the pass itself.
        return _SOON_S
    silent = [one for one in items if "legacy" in str((one["do"] or {}).get("args", {}).get("backend"))]
    return _SOON_S if code or silent else _USUAL_LOOK_S


def _end(*_: "object") -> "None":
    say("told to end")
    sys.exit(0)


def _detach(run: "str") -> "None":
    """Leave a watcher behind that nobody waits for."""
    if os.fork():
        return
    os.setsid()
    if os.fork():
        os._exit(0)
    os.chdir("/")
    null = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        os.dup2(null, number)
    mine = _only_one()
    try:
        os._exit(0 if mine is None else _watch(run, mine))
    except SystemExit:
        os._exit(0)


def _status() -> "int":
    try:
        found = resident_repair.inspect()
    except ops.OpError as error:
        sys.stdout.write("%s\n" % error)
        return 1
    for name, state in found:
        sys.stdout.write("%s: %s\n" % (name, state))
    missing = [name for name, state in found if state != resident_repair.THERE]
    sys.stdout.write("%d owned, %d not in place\n" % (len(found), len(missing)))
    return 1 if missing else 0
