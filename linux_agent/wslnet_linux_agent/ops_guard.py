"""Verbs `guard.*`: a process that outlives the agent and undoes changes at a deadline unless it is disarmed.

It is a fork of the agent, so its code stays in memory; the state file, in a folder of root's that no reboot
survives, is all there is on the machine. One run at a time may have a guard; whoever finds one that is too
late or dead undoes in its stead. Not part of the bundle: it is sent with the first request that needs it.
"""

import fcntl
import os
import time

from wslnet_linux_agent import ops, ops_state

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wslnet_linux_agent.ops_state import State

_FILE = "guard.json"
# The guard holds a lock on this file as long as it lives: pids are used again, locks are not.
_ALIVE = ops_state.FOLDER + "/guard.alive"
# Distributions of WSL share the folder and no processes: there a guard can only be asked to end.
_PIDS = "/proc/self/ns/pid"
_TICK_S = 0.25
_END_S = 2.0
_POLL_S = 0.02
_KILL = 9


def arm(args: "ops.Args") -> "State":
    """Start the guard of a run, or give the one that watches already more to undo and a new deadline.

    Raises:
        OpError: `exists`: another run's guard is here, or this run's has fired.
    """
    undo = args.ops("undo")
    with ops_state.Locked():
        state = ops_state.read(_FILE)
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
    with ops_state.Locked():
        state = _settle(_own(args))
        return _watch(state, args) if state["state"] == "armed" else _told(state)


def disarm(args: "ops.Args") -> "State":
    """End the guard and forget it; the answer says how it stood: `armed` before, or `fired`."""
    with ops_state.Locked():
        state = _settle(_own(args))
        if _lives():
            _end(state)
        os.unlink(os.path.join(ops_state.FOLDER, _FILE))
        os.unlink(_ALIVE)
        return _told(state)


def status(_: "ops.Args") -> "State":
    """Whose guard is here and how it stands; changes nothing."""
    state = ops_state.read(_FILE)
    return {"state": "none"} if state is None else dict(_told(state), alive=_lives())


def settle_others(run: "str") -> "None":
    """See that no guard of another run is at work; one that is late or dead is undone in its stead.

    Raises:
        OpError: `exists`: one waits here for its confirmation.
    """
    state = ops_state.read(_FILE)
    if state is not None and state["run"] != run:
        _undo_left(state)


def _told(state: "State") -> "State":
    left = state.get("deadline", 0) - ops_state.now()
    return {"run": state["run"], "state": state["state"], "left_s": left, "done": state.get("done", [])}


def _own(args: "ops.Args") -> "State":
    state = ops_state.read(_FILE)
    if state is None:
        raise ops.OpError("not-found", "no guard is here")
    if not _is_meant(state, args):
        raise ops.OpError("not-permitted", "the guard here is of run %s" % state["run"])
    return state


def _is_meant(state: "State", args: "ops.Args") -> "bool":
    return (state["run"], state["token"]) == (args.text("run"), args.text("token"))


def _refuse_foreign(state: "State") -> "None":
    if _undo_left(state):
        raise ops.OpError("exists", "run %s had lost its guard and was undone just now" % state["run"])


def _undo_left(state: "State") -> "bool":
    if state["state"] != "armed":
        return False
    left = state["deadline"] - ops_state.now()
    if left > 0 and _lives():
        text = "run %s waits here for its confirmation, for another %d s" % (state["run"], left + 1)
        raise ops.OpError("exists", text)
    _fire(state)
    return True


def _end(state: "State") -> "None":
    if state["pids"] == os.readlink(_PIDS):
        os.kill(state["pid"], _KILL)
        return
    ops_state.write(_FILE, dict(state, state="disarmed"))
    _demand_none()


def _demand_none() -> "None":
    """Wait for the end of a guard that has just fired: it must not be taken for the new one."""
    until = time.monotonic() + _END_S
    while _lives():
        if time.monotonic() > until:
            raise ops.OpError("exists", "a guard whose state file was removed is still at work")
        time.sleep(_POLL_S)


def _settle(state: "State") -> "State":
    if state["state"] == "armed" and ops_state.now() >= state.get("deadline", ops_state.now() + 1):
        _fire(state)
    return state


def _fire(state: "State") -> "None":
    done = []
    for op in reversed(state["undo"]):
        result = ops.perform(op)
        done.append({"verb": op["verb"], "error": result.get("error")})
    state.update(state="fired", done=done)
    ops_state.write(_FILE, state)


def _watch(state: "State", args: "ops.Args") -> "State":
    state["deadline"] = ops_state.now() + args.seconds("deadline_s", 0)
    if _lives():
        ops_state.write(_FILE, state)
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
    """Become the guard: nothing of the agent's is open that sshd or the agent could wait for."""
    alive = os.open(_ALIVE, os.O_RDWR | os.O_CREAT, 0o600)
    if not ops_state.detach((alive, started)):
        return
    fcntl.flock(alive, fcntl.LOCK_EX)
    state.update(pid=os.getpid(), pids=os.readlink(_PIDS))
    ops_state.write(_FILE, state)
    os.write(started, b"!")
    os.close(started)
    while state["state"] == "armed":
        time.sleep(min(_TICK_S, max(0, state["deadline"] - ops_state.now())))
        state = _newest(state)
        if ops_state.now() >= state["deadline"]:
            state = _last_look(state)


def _last_look(state: "State") -> "State":
    try:
        with ops_state.Locked():
            return _settle(_newest(state))
    except ops.OpError:
        # Somebody holds the lock for long: it is asked for again.
        return state


def _newest(state: "State") -> "State":
    """What the file says now; from memory if somebody took the file away."""
    found = ops_state.read(_FILE)
    return found if found is not None and found["token"] == state["token"] else state


def _lives() -> "bool":
    try:
        with open(_ALIVE, "r+") as file:
            return not ops_state.lock(file.fileno())
    except FileNotFoundError:
        return False
