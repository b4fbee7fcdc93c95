"""Verbs `lease.pin` and `lease.unpin`: the address that libvirt's DHCP keeps for a MAC.

Both in the running network and in its definition, as asked. Not part of the bundle.
"""

from wslnet_linux_agent import shell
from wslnet_linux_agent.ops import OpError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from wslnet_linux_agent.ops import Args

_PLAIN = frozenset("0123456789abcdefABCDEF.:")


def pin(args: "Args") -> "dict[str, Any]":
    """Keep an address for a MAC."""
    return _update(args, "add")


def unpin(args: "Args") -> "dict[str, Any]":
    """Take exactly that entry out again."""
    return _update(args, "delete")


def _update(args: "Args", command: "str") -> "dict[str, Any]":
    mac, address = args.text("mac"), args.text("address")
    # They stand in XML: nothing in them may end an attribute.
    if not _PLAIN.issuperset(mac + address):
        raise OpError("bad-op", "mac and address must be such: %r, %r" % (mac, address))
    entry = "<host mac='%s' ip='%s'/>" % (mac, address)
    where = ["--%s" % word for word in ("live", "config") if args.has(word)]
    argv = ["virsh", "net-update", "--network", args.text("network"), command, "ip-dhcp-host", entry]
    outcome = shell.run([*argv, *where])
    if outcome.code != 0:
        # The first line says only that it failed.
        lines = outcome.err.decode("utf-8", "replace").strip().split("\n")
        raise OpError(outcome.problem or "failed", lines[-1][:300] if lines[-1] else outcome.reason())
    return {}
