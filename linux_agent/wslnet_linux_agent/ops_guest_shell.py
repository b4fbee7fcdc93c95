"""A shell in a guest at the other end of a stream: files read and written, programs run, in lines of text.

Every answer stands between two marks, whatever else the shell or a terminal prints. Not part of the bundle.
"""

import base64
import binascii
import contextlib
import os
import shlex

from wslnet_linux_agent.ops import OpError
from wslnet_linux_agent.ops_guest_stream import Ended

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wslnet_linux_agent.ops_guest_stream import Stream

_ANSWER_S = 30.0
# In base64 it stays well below the 4096 letters that a terminal takes as one line (n_tty.c).
_PIECE = 1500
_NO_FILE = 44


class Shell:
    """A POSIX shell behind `stream`; `bye` ends it.

    Raises:
        OpError: it does not answer.
        Ended: it has ended.
    """

    def __init__(self, stream: "Stream", bye: "str" = "exit") -> "None":
        self._stream = stream
        self._bye = bye
        self._mark = os.urandom(8).hex()
        self.uid = int(self._demand("id -u"))

    def close(self) -> "None":
        """End the shell and its stream."""
        with contextlib.suppress(Ended):
            self._stream.send(self._bye.encode("ascii") + b"\n")
        self._stream.close()

    def read(self, path: "str") -> "bytes | None":
        """Give the content of a file; None if there is none."""
        word = shlex.quote(path)
        code, text = self._ask("[ -e %s ] || (exit %d) && base64 <%s" % (word, _NO_FILE, word))
        if code not in (0, _NO_FILE):
            raise OpError("failed", "%s cannot be read in the guest" % path)
        return None if code == _NO_FILE else self._decoded(text)

    def write(self, path: "str", data: "bytes", mode: "str") -> "None":
        """Write a file anew (`w`) or at its end (`a`); complete beside it before it is touched."""
        part, word = shlex.quote(path + ".wslnet"), shlex.quote(path)
        self._demand("(umask 077; : >%s)" % part)
        for at in range(0, len(data), _PIECE):
            piece = base64.b64encode(data[at : at + _PIECE]).decode("ascii")
            self._demand("printf %%s %s | base64 -d >>%s" % (piece, part))
        redirection = ">>" if mode == "a" else ">"
        self._demand("cat %s %s%s; c=$?; rm -f %s; (exit $c)" % (part, redirection, word, part))

    def run(self, argv: "list[str]") -> "tuple[int, bytes]":
        """Run a program to its end; gives its exit code and what it printed."""
        command = " ".join(shlex.quote(word) for word in argv)
        _, text = self._ask('t=$(%s; echo "x$?"); printf %%s "$t" | base64' % command)
        said, _, code = self._decoded(text).rpartition(b"x")
        return int(code), said

    def _demand(self, script: "str") -> "bytes":
        code, said = self._ask(script)
        if code != 0:
            raise OpError("failed", "the shell in the guest answered %d to: %s" % (code, script[:80]))
        return said

    def _ask(self, script: "str") -> "tuple[int, bytes]":
        mark = self._mark
        line = "printf '\\nB%%s\\n' %s; { %s; } </dev/null 2>/dev/null; printf '\\nE%%s %%d\\n' %s $?\n"
        self._stream.send((line % (mark, script, mark)).encode("ascii"))
        pattern = "^B%s\r*\n(.*?)^E%s ([0-9]+)\r*\n" % (mark, mark)
        found = self._stream.expect(pattern.encode("ascii"), _ANSWER_S)
        return int(found.group(2)), found.group(1)

    def _decoded(self, text: "bytes") -> "bytes":
        try:
            return base64.b64decode(b"".join(text.split()), validate=True)
        except binascii.Error:
            raise OpError("failed", "something else was printed into the guest's answer: try again")
