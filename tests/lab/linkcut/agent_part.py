"""Verbs `cut.make` and `cut.mend` for the agent of a campaign: programs that cut the machine's own link.

Sent inside the agent's bundle by `controller.py`, never part of the product. A mark in /run says that the
link is cut, so that mending twice is `not-found`, as the undo of every real change is.
"""

import os
import subprocess

from wslnet_linux_agent import ops

MARK = "/run/wslnet-link-cut"


def make(args):
    """Cut the link as `steps` (argument vectors) say; the mark stands before the first."""
    with open(MARK, "x"):
        _run(args.objects("steps"))
    return {}


def mend(args):
    """Mend the link; `not-found` when it is not cut."""
    if not os.path.exists(MARK):
        raise ops.OpError("not-found", "no link is cut")
    _run(args.objects("steps"))
    os.unlink(MARK)
    return {}


def _run(steps):
    for step in steps:
        done = subprocess.run(step.texts("argv"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=10)
        if done.returncode:
            raise ops.OpError("failed", "%s: %s" % (step.texts("argv"), done.stderr.decode().strip()))
