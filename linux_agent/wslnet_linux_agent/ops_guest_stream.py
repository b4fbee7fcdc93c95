"""A program of the host with a guest behind it, spoken to over its streams: what it says is waited for.

Only `ops_guest_ssh` and `ops_guest_console` use it. Not part of the bundle.
"""

import os
import re
import select
import signal
import subprocess
import time

from wslnet_linux_agent.ops import OpError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_END_S = 2.0
_MOST = 4194304


class Ended(Exception):
    """The program has ended, or has closed its streams; what it had said is the message."""


class Stream:
    """A child in a session of its own; `reading` and `writing` are descriptors that are closed with it."""

    def __init__(self, child: "subprocess.Popen[bytes]", reading: "int", writing: "int") -> "None":
        self._child = child
        self._reading = reading
        self._writing = writing
        self._heard = b""

    def send(self, data: "bytes") -> "None":
        """Write all of it.

        Raises:
            Ended: nobody reads it.
        """
        try:
            while data:
                data = data[os.write(self._writing, data) :]
        except OSError:
            raise Ended(self._last_words())

    def expect(self, pattern: "bytes", within_s: "float") -> "Any":
        """Give the match in what is said from here on, and forget all up to its end.

        Raises:
            OpError: `timed-out`.
            Ended: the program ended before that.
        """
        until = time.monotonic() + within_s
        wanted = re.compile(pattern, re.DOTALL | re.MULTILINE)
        while True:
            found = wanted.search(self._heard)
            if found is not None:
                self._heard = self._heard[found.end() :]
                return found
            left = until - time.monotonic()
            if left <= 0 or len(self._heard) > _MOST:
                raise OpError("timed-out", "no answer that was expected")
            if select.select([self._reading], [], [], left)[0]:
                self._heard += self._more()

    def close(self) -> "None":
        """End the program and wait for it."""
        for number in {self._reading, self._writing}:
            os.close(number)
        self._end()
        if self._child.stderr is not None:
            self._child.stderr.close()

    def _end(self) -> "None":
        try:
            self._child.wait(_END_S)
        except subprocess.TimeoutExpired:
            os.killpg(self._child.pid, signal.SIGKILL)
            self._child.wait()

    def _more(self) -> "bytes":
        try:
            data = os.read(self._reading, 65536)
        except OSError:
            # A terminal whose other end was closed says so by an error.
            data = b""
        if not data:
            raise Ended(self._last_words())
        return data

    def _last_words(self) -> "str":
        said = self._heard
        self._end()
        if self._child.stderr is not None:
            said += self._child.stderr.read(_MOST)
        lines = [line.strip() for line in said.decode("utf-8", "replace").split("\n") if line.strip()]
        return lines[-1][:300] if lines else "it ended"
