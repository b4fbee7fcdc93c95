"""The nets that `wslnet net create` declared on this machine, as items like those of the owned file.

A net that moves the machine's own way out to a bridge (l2) is not made unattended: if that goes wrong, nobody
is there to take it back.
"""

import json
import os
import stat

from wslnet_linux_agent.ops import OpError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from wslnet_linux_agent.ops_owned import Item

_FOLDER = "/etc/wslnet"
_VERBS = ("bridge.add", "tap.add", "rule.insert", "nft.insert", "sysctl.set")
_UNATTENDED = ("private", "routed", "nat")


def declared(runs: "list[str]") -> "tuple[list[Item], list[tuple[str, str]]]":
    """Give what is to be there of nets of these runs, in order, and what is wrong with which file."""
    items = []  # type: list[Item]
    problems = []  # type: list[tuple[str, str]]
    for name in sorted(os.listdir(_FOLDER)) if os.path.isdir(_FOLDER) else ():
        if name.startswith("net-") and name.endswith(".json"):
            path = os.path.join(_FOLDER, name)
            try:
                items += _items(path, runs)
            except (OpError, ValueError, KeyError, TypeError) as error:
                problems.append((path, "refused as a whole: %s" % (error or type(error).__name__)))
    return items, problems


def _items(path: "str", runs: "list[str]") -> "list[Item]":
    status = os.lstat(path)
    if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o022:
        raise OpError("not-permitted", "others than root could change it")
    with open(path, encoding="utf-8") as file:
        document = json.load(file)
    net, run = document["net"], document["run"]
    if run not in runs or not net["persist"] or net["mode"] not in _UNATTENDED:
        return []
    unknown = [do["verb"] for do in document["ops"] if do["verb"] not in _VERBS]
    if unknown:
        raise OpError("bad-op", "no op that is done unattended: %s" % unknown[0])
    return [{"name": _name(net["name"], do), "run": run, "do": do} for do in document["ops"]]


def _name(net: "str", do: "dict[str, Any]") -> "str":
    args = do["args"]
    what = args.get("name") or args.get("key") or args.get("rule") or " ".join(args.get("spec", ()))
    return "net %s: %s %s" % (net, do["verb"].partition(".")[0], what)
