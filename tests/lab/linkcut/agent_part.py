"""Verbs `cut.make` and `cut.mend` for the agent of a campaign: programs that cut the machine's own link.

Sent inside the agent's bundle by `controller.py`, never part of the product. A mark in /run says that the
link is cut, so that mending twice is `not-found`, as the undo of every real change is.
"""

import subprocess
from pathlib import Path

from wslnet_linux_agent import ops

MARK = Path("/run/wslnet-link-cut")
_STEP_TIMEOUT_S = 10


def make(args: ops.Args) -> dict[str, object]:
    """Cut the link as `steps` (argument vectors) say; the mark stands before the first."""
    MARK.touch(exist_ok=False)
    _run(args.objects("steps"))
    return {}


def mend(args: ops.Args) -> dict[str, object]:
    """Mend the link; `not-found` when it is not cut."""
    if not MARK.exists():
        raise ops.OpError("not-found", "no link is cut")
    _run(args.objects("steps"))
    MARK.unlink()
    return {}


def _run(steps: list[ops.Args]) -> None:
    for step in steps:
        argv = step.texts("argv")
        done = subprocess.run(argv, capture_output=True, text=True, timeout=_STEP_TIMEOUT_S, check=False)
        if done.returncode:
            raise ops.OpError("failed", f"{argv}: {done.stderr.strip()}")
