"""Verb `policy.add`: a policy rule of somebody else (`ip rule`) that is put back after a restart.

Not part of the bundle: it is sent with the first request that needs it.
"""

from wslnet_linux_agent import shell
from wslnet_linux_agent.ops import OpError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from wslnet_linux_agent.ops import Args

_ACTIONS = ("lookup", "blackhole", "unreachable", "prohibit")


def add(args: "Args") -> "dict[str, Any]":
    """Add a policy rule at its priority.

    Raises:
        OpError: `exists` if an equal one is there, or `ip` refused.
    """
    argv = ["ip", "-%d" % args.choice("family", (4, 6)), "rule", "add"]
    argv += ["priority", str(args.number("priority")), "from", args.text("src", "all")]
    for word, name in (("to", "dst"), ("iif", "iif"), ("oif", "oif")):
        if args.has(name):
            argv += [word, args.text(name)]
    if args.has("fwmark"):
        argv += ["fwmark", "%#x/%#x" % (args.number("fwmark"), args.number("fwmask", 0xFFFFFFFF))]
    if args.has("ipproto"):
        argv += ["ipproto", str(args.number("ipproto", most=255))]
    action = args.choice("action", _ACTIONS)
    argv += ["lookup", str(args.number("table"))] if action == "lookup" else [action]
    outcome = shell.run(argv)
    if outcome.code != 0:
        reason = outcome.reason()
        raise OpError(outcome.problem or ("exists" if "File exists" in reason else "failed"), reason)
    return {}
