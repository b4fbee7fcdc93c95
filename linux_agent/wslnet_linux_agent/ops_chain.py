"""Verb `chain.add`: an empty chain of iptables, for rules of others that are put back after a restart.

Not part of the bundle: it is sent with the first request that needs it.
"""

from wslnet_linux_agent import shell
from wslnet_linux_agent.ops import OpError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from wslnet_linux_agent.ops import Args

_PROGRAMS = {4: "iptables", 6: "ip6tables"}
_BACKENDS = ("iptables-nft", "iptables-legacy", "iptables")
_LOCK_WAIT = "5"


def add(args: "Args") -> "dict[str, Any]":
    """Make a chain.

    Raises:
        OpError: `exists` if it is there, or the tool refused.
    """
    tool = args.choice("backend", _BACKENDS).replace("iptables", _PROGRAMS[args.choice("family", (4, 6))])
    outcome = shell.run([tool, "-w", _LOCK_WAIT, "-t", args.text("table"), "-N", args.text("chain")])
    if outcome.code != 0:
        reason = outcome.reason()
        code = outcome.problem or ("exists" if "exists" in reason else "failed")
        raise OpError(code, "%s: %s" % (tool, reason))
    return {}
