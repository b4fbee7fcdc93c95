"""Runs tools of the machine: argument vectors only, in locale C, with a deadline and a limit on output.

Several run side by side, because most of the time of a gather is their start-up.
"""

import os
import select
import signal
import subprocess
import time

from wslnet_linux_agent.ops import OpError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MOST_OUTPUT = 8 * 1024 * 1024
TIMEOUT_S = 10.0


class Outcome:
    """What a tool gave. `code` is None if it did not end by itself; `problem` is then the error's code."""

    def __init__(self, tool: "str") -> "None":
        self.tool = tool
        self.code = None  # type: int | None
        self.problem = None  # type: str | None
        self.out = bytearray()
        self.err = bytearray()

    def text(self) -> "str":
        """Give what it printed.

        Raises:
            OpError: it did not end well; the message is the tool's own last line.
        """
        if self.code != 0:
            raise OpError(self.problem or "failed", "%s: %s" % (self.tool, self.reason()))
        return self.out.decode("utf-8", "replace")

    def reason(self) -> "str":
        """Why it failed, in one line."""
        if self.problem is not None:
            return self.problem
        lines = (self.err or self.out).decode("utf-8", "replace").split("\n")
        said = [line.strip() for line in lines if line.strip()]
        return said[0][:300] if said else "exit code %s" % self.code


def find(tool: "str") -> "str | None":
    """Where a tool lies on PATH."""
    for folder in os.environ["PATH"].split(":"):
        path = os.path.join(folder, tool)
        if os.access(path, os.X_OK):
            return path
    return None


def run(argv: "list[str]", timeout_s: "float" = TIMEOUT_S) -> "Outcome":
    """Run one tool to its end."""
    return run_all([argv], timeout_s)[0]


def run_all(commands: "list[list[str]]", timeout_s: "float") -> "list[Outcome]":
    """Run tools side by side; gives an outcome for each, in the order asked."""
    outcomes = [Outcome(argv[0]) for argv in commands]
    environment = dict(os.environ, LC_ALL="C", LANGUAGE="C")
    children = []  # type: list[tuple[subprocess.Popen[bytes], Outcome]]
    streams = {}  # type: dict[int, tuple[Any, bytearray, subprocess.Popen[bytes], Outcome]]
    poller = select.poll()
    for argv, outcome in zip(commands, outcomes):
        try:
            child = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment,
                start_new_session=True,
            )
        except OSError:
            outcome.problem = "tool-missing"
            continue
        children.append((child, outcome))
        for stream, kept in ((child.stdout, outcome.out), (child.stderr, outcome.err)):
            if stream is not None:
                streams[stream.fileno()] = (stream, kept, child, outcome)
                poller.register(stream, select.POLLIN)
    deadline = time.monotonic() + timeout_s
    _read(poller, streams, deadline)
    for child, outcome in children:
        _reap(child, outcome, deadline)
    for stream, _, _, _ in streams.values():
        stream.close()
    return outcomes


def _read(poller: "Any", streams: "dict[int, Any]", deadline: "float") -> "None":
    open_streams = len(streams)
    while open_streams:
        left = deadline - time.monotonic()
        if left <= 0:
            return
        for number, _ in poller.poll(left * 1000 + 1):
            _, kept, child, outcome = streams[number]
            data = os.read(number, 65536)
            kept += data
            if len(kept) > MOST_OUTPUT:
                outcome.problem = "failed"
                outcome.err[:] = b"too much output"
                _kill(child)
            if not data or outcome.problem:
                poller.unregister(number)
                open_streams -= 1


def _reap(child: "subprocess.Popen[bytes]", outcome: "Outcome", deadline: "float") -> "None":
    try:
        code = child.wait(max(0.01, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        outcome.problem = outcome.problem or "timed-out"
        _kill(child)
        child.wait()
        return
    if outcome.problem is None:
        outcome.code = code


def _kill(child: "subprocess.Popen[bytes]") -> "None":
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        # It ended between the look and the kill.
        return
