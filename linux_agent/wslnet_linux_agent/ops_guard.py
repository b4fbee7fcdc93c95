"""Verbs `guard.*`: a process that outlives the agent and undoes changes at a deadline unless it is disarmed.

It is a fork of the agent, so its code stays in memory; the state file, in a folder of root's that no reboot
survives, is all there is on the machine. One run at a time may have a guard; whoever finds one that is too
late or dead undoes in its stead. Not part of the bundle: it is sent with the first request that needs it.
"""

import fcntl
import json
import os
import time

from wslnet_linux_agent import ops

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    State = dict[str, Any]

_FOLDER = "/run/wslnet"
_STATE = _FOLDER + "/guard.json"
# The guard holds a lock on this file as long as it lives: pids are used again, locks are not.
_ALIVE = _FOLDER + "/guard.alive"
# CLOCK_BOOTTIME runs on while the machine sleeps; Python 3.5 has no name for it.
_BOOTTIME = 7
_TICK_S = 0.25
_LOCK_WAIT_S = 30.0
_END_S = 2.0
_POLL_S = 0.02
_KILL = 9
# Where logind cannot end it with the session (KillUserProcesses); only of interest where systemd rules.
_SYSTEMD = "/run/systemd/system"
_GROUPS = ("/sys/fs/cgroup/cgroup.procs", "/sys/fs/cgroup/systemd/cgroup.procs")


def arm(args: "ops.Args") -> "State":
    """Start the guard of a run, or give the one that watches already more to undo and a new deadline.

    Raises:
        OpError: `exists`: another run's guard is here, or this run's has fired.
    """
    undo = args.ops("undo")
    os.makedirs(_FOLDER, 0o700, exist_ok=True)
    with _Locked():
        state = _read()
        if state is not None and not _is_meant(state, args):
            _refuse_foreign(state)
            state = None
        if state is None:
            _demand_none()
            state = {"run": args.text("run"), "token": args.text("token"), "state": "armed", "undo": []}
        if _settle(state)["state"] != "armed":
            raise ops.OpError("exists", "the guard of this run has fired")
        state["undo"] += undo
        return _watch(state, args)


def extend(args: "ops.Args") -> "State":
    """Move the deadline; a guard that died is started anew. The answer says whether it had fired."""
    with _Locked():
        state = _settle(_own(args))
        return _watch(state, args) if state["state"] == "armed" else _told(state)


def disarm(args: "ops.Args") -> "State":
    """End the guard and forget it; the answer says how it stood: `armed` before, or `fired`."""
    with _Locked():
        state = _settle(_own(args))
        if _lives():
            os.kill(state["pid"], _KILL)
        os.unlink(_STATE)
        os.unlink(_ALIVE)
        return _told(state)


def status(_: "ops.Args") -> "State":
    """Whose guard is here and how it stands; changes nothing."""
    state = _read()
    return {"state": "none"} if state is None else dict(_told(state), alive=_lives())


def _told(state: "State") -> "State":
    left = state.get("deadline", 0) - _now()
    return {"run": state["run"], "state": state["state"], "left_s": left, "done": state.get("done", [])}


def _own(args: "ops.Args") -> "State":
    state = _read()
    if state is None:
        raise ops.OpError("not-found", "no guard is here")
    if not _is_meant(state, args):
        raise ops.OpError("not-permitted", "the guard here is of run %s" % state["run"])
    return state


def _is_meant(state: "State", args: "ops.Args") -> "bool":
    return (state["run"], state["token"]) == (args.text("run"), args.text("token"))


def _refuse_foreign(state: "State") -> "None":
    was_armed = state["state"] == "armed"
    if was_armed and (_lives() and _now() < state["deadline"]):
        raise ops.OpError("exists", "run %s waits here for its confirmation" % state["run"])
    if was_armed:
        _fire(state)
        raise ops.OpError("exists", "run %s had lost its guard and was undone just now" % state["run"])


def _demand_none() -> "None":
    """Wait for the end of a guard that has just fired: it must not be taken for the new one."""
    until = time.monotonic() + _END_S
    while _lives():
        if time.monotonic() > until:
            raise ops.OpError("exists", "a guard whose state file was removed is still at work")
        time.sleep(_POLL_S)


def _settle(state: "State") -> "State":
    if state["state"] == "armed" and _now() >= state.get("deadline", _now() + 1):
        _fire(state)
    return state


def _fire(state: "State") -> "None":
    done = []
    for op in reversed(state["undo"]):
        result = ops.perform(op)
        done.append({"verb": op["verb"], "error": result.get("error")})
    state.update(state="fired", done=done)
    _write(state)


def _watch(state: "State", args: "ops.Args") -> "State":
    state["deadline"] = _now() + args.seconds("deadline_s", 0)
    if _lives():
        _write(state)
    else:
        _start(state)
    return _told(state)


def _start(state: "State") -> "None":
    ready, started = os.pipe()
    child = os.fork()
    if not child:
        try:
            _detach(state, started)
        finally:
            os._exit(0)
    os.close(started)
    os.waitpid(child, 0)
    said = os.read(ready, 1)
    os.close(ready)
    if not said:
        raise ops.OpError("failed", "the guard does not start")


def _detach(state: "State", started: "int") -> "None":
    """Become the guard: a session of its own, nothing open that sshd or the agent could wait for."""
    os.setsid()
    if os.fork():
        return
    os.chdir("/")
    null = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        os.dup2(null, number)
    alive = os.open(_ALIVE, os.O_RDWR | os.O_CREAT, 0o600)
    for name in os.listdir("/proc/self/fd"):
        if int(name) not in (0, 1, 2, alive, started):
            try:
                os.close(int(name))
            except OSError:
                # The one with which the folder was listed.
                continue
    fcntl.flock(alive, fcntl.LOCK_EX)
    for group in _GROUPS if os.path.isdir(_SYSTEMD) else ():
        if os.access(group, os.W_OK):
            with open(group, "w") as file:
                file.write("0")
    state["pid"] = os.getpid()
    _write(state)
    os.write(started, b"!")
    os.close(started)
    while state["state"] == "armed":
        time.sleep(min(_TICK_S, max(0, state["deadline"] - _now())))
        state = _newest(state)
        if _now() >= state["deadline"]:
            state = _last_look(state)


def _last_look(state: "State") -> "State":
    try:
        with _Locked():
            return _settle(_newest(state))
    except ops.OpError:
        # Somebody holds the lock for long: it is asked for again.
        return state


def _newest(state: "State") -> "State":
    """What the file says now; from memory if somebody took the file away."""
    found = _read()
    return found if found is not None and found["token"] == state["token"] else state


def _lives() -> "bool":
    try:
        with open(_ALIVE, "r+") as file:
            return not _lock(file.fileno())
    except FileNotFoundError:
        return False


def _lock(number: "int") -> "bool":
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class _Locked:
    """Holds the folder's lock: one at a time looks at the state and acts on it."""

    def __enter__(self) -> "None":
        self._number = os.open(_FOLDER, os.O_RDONLY)
        until = time.monotonic() + _LOCK_WAIT_S
        while not _lock(self._number):
            if time.monotonic() > until:
                os.close(self._number)
                raise ops.OpError("timed-out", "the guard is busy")
            time.sleep(_POLL_S)

    def __exit__(self, *_: "object") -> "None":
        # Closing alone would leave the lock with a guard that was forked in between.
        fcntl.flock(self._number, fcntl.LOCK_UN)
        os.close(self._number)


def _now() -> "float":
    return time.clock_gettime(_BOOTTIME)


def _read() -> "State | None":
    try:
        with open(_STATE, encoding="utf-8") as file:
            state = json.load(file)  # type: State
    except (FileNotFoundError, ValueError):
        return None
    return state


def _write(state: "State") -> "None":
    new = _STATE + ".new"
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(state, file)
    os.rename(new, _STATE)
