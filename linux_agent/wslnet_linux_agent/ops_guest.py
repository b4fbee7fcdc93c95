"""Verbs `guest.authorize` and `guest.deauthorize`: one line of authorized_keys in a running domain.

Written over one of the ways of `ops_guest_channel`, which `via` names. Not part of the bundle.
"""

import contextlib

from wslnet_linux_agent import ops_guest_channel
from wslnet_linux_agent.ops import OpError
from wslnet_linux_agent.ops_guest_stream import Ended

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from wslnet_linux_agent.ops import Args


def authorize(args: "Args") -> "dict[str, Any]":
    """Put the line at the end of the file; file and folder are made if they are missing.

    Raises:
        OpError: the guest cannot be entered, or it refuses.
    """
    return _within(args, _add)


def deauthorize(args: "Args") -> "dict[str, Any]":
    """Take the line out; what else stands there stays as it is.

    `gap`: the line end before it is taken too. `remove`: the file goes if it is empty then, `remove_folder`:
    the folder too. A line that is gone already is fine.
    """
    return _within(args, _take)


def _within(args: "Args", act: "Any") -> "dict[str, Any]":
    domain = args.text("domain")
    try:
        with contextlib.closing(ops_guest_channel.opened(domain, args.texts_by_name("via"))) as guest:
            act(guest, args)
    except Ended as ended:
        raise OpError("failed", "the session in %s was cut off: %s" % (domain, ended))
    return {}


def _add(guest: "Any", args: "Args") -> "None":
    folder, line = args.text("folder"), args.text("line")
    owner = "%d:%d" % (args.number("uid"), args.number("gid"))
    path = folder + "/authorized_keys"
    there = guest.read(path)
    if there is None:
        _demand(guest, ["/bin/mkdir", "-p", "-m", "700", folder])
        _demand(guest, ["/bin/chown", owner, folder])
    elif line in there.decode("utf-8", "replace").split("\n"):
        return
    gap = b"\n" if there and not there.endswith(b"\n") else b""
    guest.write(path, gap + line.encode("utf-8") + b"\n", "a")
    if there is None:
        _demand(guest, ["/bin/chmod", "600", path])
        _demand(guest, ["/bin/chown", owner, path])


def _take(guest: "Any", args: "Args") -> "None":
    folder, line = args.text("folder"), args.text("line")
    path = folder + "/authorized_keys"
    there = guest.read(path)
    if there is None:
        return
    lines = there.split(b"\n")
    if line.encode("utf-8") in lines:
        at = lines.index(line.encode("utf-8"))
        lines[at : at + 1] = []
        # The line end that was put before ours goes too, and none other.
        if args.has("gap") and lines[at:] == [b""]:
            lines.pop()
        there = b"\n".join(lines)
        guest.write(path, there, "w")
    if not there and args.has("remove"):
        _demand(guest, ["/bin/rm", "-f", path])
        if args.has("remove_folder"):
            _demand(guest, ["/bin/rmdir", folder])


def _demand(guest: "Any", argv: "list[str]") -> "None":
    code, _ = guest.run(argv)
    if code != 0:
        raise OpError("failed", "%s ended with %d in the guest" % (" ".join(argv), code))
