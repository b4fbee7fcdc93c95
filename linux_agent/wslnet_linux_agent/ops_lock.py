"""Verbs `lock.*`: one controller at a time changes this machine, and the others learn who it is.

The lock has a lease in boot time that a live run extends. What a dead holder left is taken over only when its
guard is settled. Not part of the bundle: it is sent with the first request that needs it.
"""

import os

from wslnet_linux_agent import ops, ops_guard, ops_state

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wslnet_linux_agent.ops_state import State

_FILE = "lock.json"


def hold(args: "ops.Args") -> "State":
    """Take the lock, or extend it; whoever comes with the same token may take it for another run.

    Raises:
        OpError: `exists`: another holder's lease runs, or the guard of a run that is over still waits.
    """
    run, token = args.text("run"), args.text("token")
    with ops_state.Locked():
        found = ops_state.read(_FILE)
        if found is not None and found["token"] != token and ops_state.now() < found["until"]:
            raise ops.OpError("exists", _words(found))
        if found is None or found["run"] != run:
            ops_guard.settle_others(run)
        until = ops_state.now() + args.seconds("lease_s", 0)
        state = {"run": run, "token": token, "until": until}
        state.update({name: args.text(name) for name in ("holder", "since")})
        ops_state.write(_FILE, state)
        return _told(state)


def release(args: "ops.Args") -> "State":
    """Give the lock back; one that is gone, or somebody else's by now, is left as it is."""
    with ops_state.Locked():
        found = ops_state.read(_FILE)
        if found is not None and found["token"] == args.text("token"):
            os.unlink(os.path.join(ops_state.FOLDER, _FILE))
            found = None
        return _told(found)


def status(_: "ops.Args") -> "State":
    """Who holds the lock; changes nothing."""
    return _told(ops_state.read(_FILE))


def _told(state: "State | None") -> "State":
    if state is None:
        return {"state": "free"}
    left = state["until"] - ops_state.now()
    told = {name: state[name] for name in ("run", "holder", "since")}
    return dict(told, state="held" if left > 0 else "dead", left_s=left)


def _words(state: "State") -> "str":
    left = state["until"] - ops_state.now()
    return "locked by %s, run %s, since %s; its lease runs another %d s" % (
        state["holder"],
        state["run"],
        state["since"],
        left + 1,
    )
