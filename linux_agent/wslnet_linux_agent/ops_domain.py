"""Verbs `domain.start`, `domain.shutdown` and `domain.save`: libvirt's machines, waited for.

A shutdown is a request to the guest; one that does not follow is reported, never forced. A guest that was
saved goes on where it was at its next start.
"""

import time

from wslnet_linux_agent import shell
from wslnet_linux_agent.facts_domains import RUNNING, SHUT_OFF, commands, names
from wslnet_linux_agent.ops import OpError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from wslnet_linux_agent.ops import Args

_POLL_S = 0.2
_DEFAULT_S = 60.0


def start(args: "Args") -> "dict[str, Any]":
    """Start a domain and wait until it runs; one that runs already is fine."""
    return _bring(args, "start", RUNNING)


def shutdown(args: "Args") -> "dict[str, Any]":
    """Ask a domain to shut down and wait until it is off; one that is off already is fine."""
    return _bring(args, "shutdown", SHUT_OFF)


def save(args: "Args") -> "dict[str, Any]":
    """Write a domain's memory to its host's disk, which ends it; one that is off already is fine."""
    return _bring(args, "managedsave", SHUT_OFF)


def _bring(args: "Args", command: "str", wanted: "str") -> "dict[str, Any]":
    name = args.text("name")
    deadline = time.monotonic() + args.seconds("timeout_s", _DEFAULT_S)
    if _state(name) == wanted:
        return {"state": wanted}
    asked = shell.run(["virsh", command, name], max(0.1, deadline - time.monotonic()))
    # What counts is the state: it may have changed by itself while we asked.
    while _state(name) != wanted:
        if asked.code != 0:
            raise OpError(asked.problem or "failed", "virsh %s %s: %s" % (command, name, asked.reason()))
        if time.monotonic() >= deadline:
            raise OpError("timed-out", "%s is not %s in time" % (name, wanted))
        time.sleep(_POLL_S)
    return {"state": wanted}


def _state(name: "str") -> "str":
    todo = commands()
    if not todo:
        raise OpError("tool-missing", "virsh is not installed")
    every, running = shell.run_all([argv for _, argv in todo], shell.TIMEOUT_S)
    if name not in names(every):
        raise OpError("not-found", "no such domain: %s" % name)
    return RUNNING if name in names(running) else SHUT_OFF
