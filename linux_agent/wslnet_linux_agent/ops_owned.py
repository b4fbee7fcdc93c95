"""Verbs `owned.*` and the fact `owned`: what wslnet keeps on this machine over restarts, as ops to do again.

One file, in which every item bears the run that declared it and what stood in its place before. An item
counts once its run is confirmed; until then the one before it does (docs/adr/0019). Whatever is not exactly
what wslnet wrote is refused as a whole. Not part of the bundle: sent when needed, and a part of wslnet-agent.
"""

import hashlib
import json
import os
import stat

from wslnet_linux_agent.ops import OpError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from wslnet_linux_agent.ops import Args

    Item = dict[str, Any]

FILE = "/etc/wslnet/owned.json"
PROGRAM = "/usr/local/sbin/wslnet-agent"
CONFIRMED = "/var/lib/wslnet/confirmed"
# What a file of root's may have done at every start: these, and nothing that runs a program of its choice.
VERBS = (
    *("route.add", "rule.insert", "nft.insert", "sysctl.set", "holder.start"),
    *("card.up", "card.add_address", "card.set_mtu"),
)
_SCHEMA = 1
_NOTE = "kept by wslnet: `wslnet boot remove` takes it away; an edited file is refused"
_MOST_BYTES = 262144
_BESIDE = ".wslnet-tmp"


def owned() -> "dict[str, Any]":
    """What is declared, whether wslnet-agent is there to keep it, and why a damaged file does not count."""
    found = {"agent": os.path.exists(PROGRAM), "items": [], "problem": None}  # type: dict[str, Any]
    try:
        found["items"] = read()
    except OpError as error:
        found["problem"] = str(error)
    return found


def put(args: "Args") -> "dict[str, Any]":
    """Declare an item of a run (`do`), or with `do` null that it is not to be put back any more.

    Raises:
        OpError: the op is none of those that may be kept, or the file there is damaged.
    """
    items = read()
    item = {"name": args.text("name"), "run": args.text("run"), "do": args.raw("do")}
    before = next((in_force(one, confirmed()) for one in items if one["name"] == item["name"]), None)
    if before is not None:
        item["before"] = {"run": before["run"], "do": before["do"]}
    _write(_replaced(items, item["name"], item))
    return {}


def restore(args: "Args") -> "dict[str, Any]":
    """Give an item back as it was before: `entry` from the fact, or null for one that was not there.

    Where all was removed meanwhile there is nothing to give it back to.
    """
    if os.path.exists(FILE):
        _write(_replaced(read(), args.text("name"), args.raw("entry")))
    return {}


def forget(args: "Args") -> "dict[str, Any]":
    """Drop the item of that name if it is `do` that it does: it is being undone, whoever declared it.

    Raises:
        OpError: the file there is damaged.
    """
    items, name = read(), args.text("name")
    if any(one["name"] == name and one["do"] == args.raw("do") for one in items):
        _write(_replaced(items, name, None))
    return {}


def remove(_: "Args") -> "dict[str, Any]":
    """Remove the whole file.

    Raises:
        OSError: there is none.
    """
    os.unlink(FILE)
    _remove_folder()
    return {}


def write(args: "Args") -> "dict[str, Any]":
    """Write all `items`: the way back from `remove`."""
    _write(args.raw("items"))
    return {}


def read() -> "list[Item]":
    """Give all items in the order in which they are to be done; none if there is no file.

    Raises:
        OpError: it is not, byte for byte, what wslnet wrote, or others than root could have written it.
    """
    try:
        status = os.lstat(FILE)
    except FileNotFoundError:
        return []
    if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o022:
        raise OpError("not-permitted", "%s: others than root could change it; nothing is done by it" % FILE)
    if status.st_size > _MOST_BYTES:
        raise OpError("failed", "%s: too long to be what wslnet wrote; nothing is done by it" % FILE)
    try:
        with open(FILE, "rb") as file:
            document = json.loads(file.read().decode("utf-8"))
        items = document["items"]  # type: list[Item]
        whole = document["schema"] == _SCHEMA and document["digest"] == _digest(items)
    except (ValueError, KeyError, TypeError) as error:
        reason = str(error) or type(error).__name__
        raise OpError("failed", "%s: damaged (%s); nothing is done by it" % (FILE, reason))
    if not whole:
        raise OpError("failed", "%s: changed by somebody else; nothing is done by it" % FILE)
    for item in items:
        _demand_item(item)
    return items


def confirmed() -> "list[str]":
    """Give the ids of the runs that stand."""
    return os.listdir(CONFIRMED) if os.path.isdir(CONFIRMED) else []


def in_force(item: "Item", runs: "list[str]") -> "Item | None":
    """Give what counts of an item: itself, or as long as its run waits what stood in its place before."""
    if item["run"] in runs:
        return item
    before = item.get("before")
    return before if before is not None and before["run"] in runs else None


def _replaced(items: "list[Item]", name: "str", entry: "Item | None") -> "list[Item]":
    """The items with one in the place of that name, or behind all others; without it for None."""
    found = [entry if one["name"] == name else one for one in items]
    if entry is not None and entry not in found:
        found.append(entry)
    return [one for one in found if one is not None]


def _demand_item(item: "Any") -> "None":
    """Refuse what could not be done as one of VERBS."""
    if not isinstance(item, dict) or not isinstance(item.get("name"), str):
        raise OpError("bad-op", "an item is an object with name, run and do")
    for one in (item, item.get("before")):
        if one is None:
            continue
        if not isinstance(one, dict) or not str(one.get("run")).replace("-", "").isalnum():
            raise OpError("bad-op", "%s: an item without the id of its run" % item["name"])
        do = one.get("do")
        known = isinstance(do, dict) and do.get("verb") in VERBS and isinstance(do.get("args"), dict)
        if do is not None and not known:
            raise OpError("bad-op", "%s: no op that may be kept: %r" % (item["name"], do))


def _write(items: "list[Item]") -> "None":
    for item in items:
        _demand_item(item)
    if not items:
        if os.path.exists(FILE):
            os.unlink(FILE)
            _remove_folder()
        return
    os.makedirs(os.path.dirname(FILE), 0o755, exist_ok=True)
    document = {"note": _NOTE, "schema": _SCHEMA, "items": items, "digest": _digest(items)}
    beside = FILE + _BESIDE
    with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), "w", encoding="utf-8") as file:
        json.dump(document, file, indent=1, sort_keys=True)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    os.rename(beside, FILE)
    _sync(os.path.dirname(FILE))


def _digest(items: "Any") -> "str":
    return hashlib.sha256(json.dumps(items, sort_keys=True).encode("utf-8")).hexdigest()


def _remove_folder() -> "None":
    folder = os.path.dirname(FILE)
    if not os.listdir(folder):
        os.rmdir(folder)
        _sync(os.path.dirname(folder))


def _sync(folder: "str") -> "None":
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
