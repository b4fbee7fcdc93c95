"""Verbs `guest.authorize` and `guest.deauthorize`: one line of authorized_keys in a running domain.

Written through the guest agent (`ops_guest_agent`), never over a network. Not part of the bundle.
"""

from wslnet_linux_agent import ops_guest_agent
from wslnet_linux_agent.ops import OpError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from wslnet_linux_agent.ops import Args


def authorize(args: "Args") -> "dict[str, Any]":
    """Put the line at the end of the file; file and folder are made if they are missing.

    Raises:
        OpError: the guest has no agent, or it refuses.
    """
    domain, folder, line = args.text("domain"), args.text("folder"), args.text("line")
    owner = "%d:%d" % (args.number("uid"), args.number("gid"))
    path = folder + "/authorized_keys"
    there = ops_guest_agent.read(domain, path)
    if there is None:
        _demand(domain, ["/bin/mkdir", "-p", "-m", "700", folder])
        _demand(domain, ["/bin/chown", owner, folder])
    elif line in there.decode("utf-8", "replace").split("\n"):
        return {}
    gap = b"\n" if there and not there.endswith(b"\n") else b""
    ops_guest_agent.write(domain, path, gap + line.encode("utf-8") + b"\n", "a")
    if there is None:
        _demand(domain, ["/bin/chmod", "600", path])
        _demand(domain, ["/bin/chown", owner, path])
    return {}


def deauthorize(args: "Args") -> "dict[str, Any]":
    """Take the line out; what else stands there stays as it is.

    `gap`: the line end before it is taken too. `remove`: the file goes if it is empty then, `remove_folder`:
    the folder too. A line that is gone already is fine.
    """
    domain, folder, line = args.text("domain"), args.text("folder"), args.text("line")
    path = folder + "/authorized_keys"
    there = ops_guest_agent.read(domain, path)
    if there is None:
        return {}
    lines = there.split(b"\n")
    if line.encode("utf-8") in lines:
        at = lines.index(line.encode("utf-8"))
        lines[at : at + 1] = []
        # The line end that was put before ours goes too, and none other.
        if args.has("gap") and lines[at:] == [b""]:
            lines.pop()
        there = b"\n".join(lines)
        ops_guest_agent.write(domain, path, there, "w")
    if not there and args.has("remove"):
        _demand(domain, ["/bin/rm", "-f", path])
        if args.has("remove_folder"):
            _demand(domain, ["/bin/rmdir", folder])
    return {}


def _demand(domain: "str", argv: "list[str]") -> "None":
    code = ops_guest_agent.run(domain, argv)
    if code != 0:
        raise OpError("failed", "%s: %s ended with %d in the guest" % (domain, " ".join(argv), code))
