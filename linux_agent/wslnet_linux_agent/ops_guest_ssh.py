"""A guest entered by its host's own SSH: the key and the known hosts of a user of the host are the trust.

Nothing is asked, and nobody is trusted at first sight: without key or known host it is refused. Not part of
the bundle.
"""

import os
import subprocess

from wslnet_linux_agent.ops import OpError
from wslnet_linux_agent.ops_guest_shell import Shell
from wslnet_linux_agent.ops_guest_stream import Ended, Stream

_CONNECT_S = 20
_OPTIONS = (
    "BatchMode=yes",
    "StrictHostKeyChecking=yes",
    "UpdateHostKeys=no",
    "ConnectTimeout=%d" % _CONNECT_S,
    "ControlPath=none",
    "ClearAllForwardings=yes",
    "PermitLocalCommand=no",
    "LogLevel=ERROR",
)


def opened(way: "dict[str, str]") -> "Shell":
    """Give a shell of `user` at `address`, entered as the host's user `as` enters it.

    Raises:
        OpError: SSH is not there, or it refuses; the message is its own.
    """
    user, address, caller = (way.get(name, "") for name in ("user", "address", "as"))
    if any(not word or word.startswith("-") for word in (user, address, caller)):
        raise OpError("bad-op", "a way by SSH needs user, address and as")
    argv = ["ssh", "-T", "-x", "-a"]
    for option in _OPTIONS:
        argv += ["-o", option]
    argv += ["-l", user, "--", address, "/bin/sh"]
    if os.geteuid() == 0 and caller != "root":
        argv = ["runuser", "-u", caller, "--", *argv]
    stdin, writing = os.pipe()
    reading, stdout = os.pipe()
    try:
        child = subprocess.Popen(
            argv, stdin=stdin, stdout=stdout, stderr=subprocess.PIPE, start_new_session=True
        )
    except OSError:
        os.close(reading)
        os.close(writing)
        raise OpError("tool-missing", "%s is not installed" % argv[0])
    finally:
        os.close(stdin)
        os.close(stdout)
    stream = Stream(child, reading, writing)
    try:
        return Shell(stream)
    except Ended as ended:
        stream.close()
        raise OpError("failed", "ssh of %s to %s@%s: %s" % (caller, user, address, ended))
    except OpError:
        stream.close()
        raise
