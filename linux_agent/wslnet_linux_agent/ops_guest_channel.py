"""How the host of a running domain enters it: by its guest agent, by the host's own SSH, or by its console.

None of the three believes the network: the agent's channel and the console are the hypervisor's, and SSH goes
by the key and the known host of a user of the host. Not part of the bundle.
"""

from wslnet_linux_agent import ops_guest_agent, ops_guest_console, ops_guest_ssh

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from wslnet_linux_agent.ops import Args

# Domain → its way and the password for it; in memory only, and gone with the agent.
_TOLD = {}  # type: dict[str, tuple[dict[str, str], str | None]]


def enter(args: "Args") -> "dict[str, Any]":
    """Verb `guest.enter`: note how a domain is entered from now on; nothing is asked of it yet."""
    password = args.value("password") if args.has("password") else None
    _TOLD[args.text("domain")] = (args.texts_by_name("via"), password)
    return {}


def opened(domain: "str", via: "dict[str, str] | None" = None) -> "Any":
    """Give what reads, writes and runs in a domain, to be closed; `via` None: as it was told, else the agent.

    Raises:
        OpError: it cannot be entered; the message is one line and says why.

    What it gives raises OpError for what is refused, and `ops_guest_stream.Ended` when its session ends.
    """
    told, password = _TOLD.get(domain, ({}, None))
    way = told if via is None else via
    kind = way.get("kind", "agent")
    if kind == "ssh":
        return ops_guest_ssh.opened(way)
    if kind == "console":
        return ops_guest_console.opened(domain, way.get("user", "root"), password)
    return ops_guest_agent.opened(domain)
