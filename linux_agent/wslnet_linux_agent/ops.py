"""Verbs of the agent: which module does what, arguments checked, failures as codes of the protocol.

A module with a verb in it is imported when the verb is first asked for: start-up costs on every machine.
"""

import errno

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_VERBS = {
    "facts": ("facts", "gather"),
    "route.add": ("ops_route", "add"),
    "route.delete": ("ops_route", "delete"),
    "sysctl.set": ("ops_sysctl", "set_value"),
    "rule.insert": ("ops_rule", "insert"),
    "rule.delete": ("ops_rule", "delete"),
    "nft.insert": ("ops_nft", "insert"),
    "nft.delete": ("ops_nft", "delete"),
    "file.write": ("ops_file", "write"),
    "file.remove": ("ops_file", "remove"),
    "marker.set": ("ops_file", "mark"),
    "marker.remove": ("ops_file", "unmark"),
    "bridge.add": ("ops_bridge", "add_bridge"),
    "bridge.delete": ("ops_bridge", "delete"),
    "tap.add": ("ops_bridge", "add_tap"),
    "tap.delete": ("ops_bridge", "delete"),
    "uplink.move": ("ops_uplink", "move"),
    "manager.leave": ("ops_manager", "leave"),
    "manager.return": ("ops_manager", "give_back"),
    "owned.put": ("ops_owned", "put"),
    "owned.restore": ("ops_owned", "restore"),
    "owned.forget": ("ops_owned", "forget"),
    "owned.remove": ("ops_owned", "remove"),
    "owned.write": ("ops_owned", "write"),
    "link.make": ("ops_persist", "link"),
    "link.remove": ("ops_persist", "unlink"),
    "boot_command.set": ("ops_persist", "set_boot_command"),
    "hosts.write": ("ops_persist", "write_hosts"),
    "resident.start": ("ops_persist", "start"),
    "domain.start": ("ops_domain", "start"),
    "domain.shutdown": ("ops_domain", "shutdown"),
    "domain.save": ("ops_domain", "save"),
    "probes": ("probe", "measure"),
    "listen": ("ops_listen", "listen"),
    "unlisten": ("ops_listen", "unlisten"),
    "load": ("main", "load"),
    "chain.add": ("ops_chain", "add"),
    "policy.add": ("ops_policy", "add"),
    "lease.pin": ("ops_lease", "pin"),
    "lease.unpin": ("ops_lease", "unpin"),
    "guest.enter": ("ops_guest_channel", "enter"),
    "guest.authorize": ("ops_guest", "authorize"),
    "guest.deauthorize": ("ops_guest", "deauthorize"),
    "guard.arm": ("ops_guard", "arm"),
    "guard.extend": ("ops_guard", "extend"),
    "guard.disarm": ("ops_guard", "disarm"),
    "guard.status": ("ops_guard", "status"),
    "daemon_json.write": ("ops_docker", "write"),
    "card.up": ("ops_card", "up"),
    "card.down": ("ops_card", "down"),
    "card.add_address": ("ops_card", "add_address"),
    "card.delete_address": ("ops_card", "delete_address"),
    "holder.start": ("ops_holder", "start"),
    "holder.stop": ("ops_holder", "stop"),
    "card.set_mtu": ("ops_card", "set_mtu"),
    "setting.put": ("ops_setting", "put"),
    "module.load": ("ops_setting", "load_module"),
    "module.unload": ("ops_setting", "unload_module"),
    "lock.hold": ("ops_lock", "hold"),
    "lock.release": ("ops_lock", "release"),
    "lock.status": ("ops_lock", "status"),
}
_MOST_SECONDS = 3600
_CHANGES_NOTHING = ("facts", "probes", "listen", "unlisten", "guard.status", "lock.status")
_CODES = {
    errno.EEXIST: "exists",
    errno.ENOENT: "not-found",
    errno.ESRCH: "not-found",
    errno.ENODEV: "not-found",
    errno.EADDRNOTAVAIL: "not-found",
    errno.EPERM: "not-permitted",
    errno.EACCES: "not-permitted",
    errno.ETIMEDOUT: "timed-out",
}


class OpError(Exception):
    """An op could not be done; `code` is one of docs/protocols.md 1."""

    def __init__(self, code: "str", message: "str") -> "None":
        super().__init__(message)
        self.code = code


def failure(code: "str", message: "str") -> "dict[str, Any]":
    """Give the result of a failed op."""
    return {"ok": False, "error": {"code": code, "message": message}}


def run(todo: "list[Any]") -> "list[dict[str, Any]]":
    """Do the ops in order; after a failed change the rest is not run."""
    results = []  # type: list[dict[str, Any]]
    stopped = False
    for op in todo:
        if stopped:
            results.append(failure("not-run", "an op before it failed"))
            continue
        results.append(perform(op))
        verb = op.get("verb") if isinstance(op, dict) else None
        stopped = not results[-1]["ok"] and verb not in _CHANGES_NOTHING
    return results


def explain(error: "Exception") -> "tuple[str, str]":
    """Give code and message of an exception; the message is one line."""
    if isinstance(error, OpError):
        return error.code, str(error)
    if isinstance(error, OSError):
        text = "%s: %s" % (error.filename, error.strerror) if error.filename else str(error.strerror or error)
        return _CODES.get(error.errno or 0, "failed"), text
    return "failed", "%s: %s" % (type(error).__name__, error)


def perform(op: "Any") -> "dict[str, Any]":
    """Do one op and give its result."""
    try:
        return {"ok": True, "value": _call(op)(Args(op.get("args", {})))}
    except Exception as error:  # noqa: BLE001 - one op that goes wrong must not take the others' answers with it
        return failure(*explain(error))


def _call(op: "Any") -> "Any":
    """Give the function that does an op; what it needs is loaded then."""
    if not isinstance(op, dict) or not isinstance(op.get("args", {}), dict):
        raise OpError("bad-op", "an op is an object with verb and args")
    verb = op.get("verb")
    if not isinstance(verb, str) or verb not in _VERBS:
        raise OpError("bad-op", "no such verb: %r" % (verb,))
    module, function = _VERBS[verb]
    return getattr(__import__("wslnet_linux_agent." + module, fromlist=[function]), function)


class Args:
    """Arguments of one op. Each reader raises OpError `bad-op` that names the argument."""

    def __init__(self, values: "dict[str, Any]") -> "None":
        self._values = values

    def text(self, name: "str", default: "str | None" = None) -> "str":
        """Text that is not empty and cannot be taken for an option by a tool."""
        value = self._values.get(name, default)
        if not isinstance(value, str) or not value or value.startswith("-") or "\0" in value:
            raise OpError("bad-op", "%s must be a name or value, not %r" % (name, value))
        return value

    def value(self, name: "str") -> "str":
        """Text of any kind, such as `-1`."""
        value = self._values.get(name)
        if not isinstance(value, str):
            raise OpError("bad-op", "%s must be text, not %r" % (name, value))
        return value

    def choice(self, name: "str", allowed: "tuple[Any, ...]") -> "Any":
        """One of the allowed values."""
        value = self._values.get(name)
        if value not in allowed or isinstance(value, bool):
            raise OpError("bad-op", "%s must be one of %s, not %r" % (name, allowed, value))
        return value

    def number(self, name: "str", default: "int | None" = None, most: "int" = 4294967295) -> "int":
        """A whole number from 0 to `most`."""
        value = self._values.get(name, default)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
            raise OpError("bad-op", "%s must be a number from 0 to %d, not %r" % (name, most, value))
        return value

    def seconds(self, name: "str", default: "float") -> "float":
        """A time above 0 and at most an hour."""
        value = self._values.get(name, default)
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 < value <= _MOST_SECONDS:
            raise OpError("bad-op", "%s must be seconds, not %r" % (name, value))
        return value

    def texts(self, name: "str") -> "list[str]":
        """A list of text values."""
        value = self._values.get(name)
        if not isinstance(value, list) or not all(
            isinstance(word, str) and "\0" not in word for word in value
        ):
            raise OpError("bad-op", "%s must be a list of text" % name)
        return value

    def texts_by_name(self, name: "str") -> "dict[str, str]":
        """Text values by name; none if it is not given."""
        value = self._values.get(name, {})
        if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
            raise OpError("bad-op", "%s must be text by name" % name)
        return value

    def objects(self, name: "str") -> "list[Args]":
        """A list of objects, each to be read like arguments."""
        value = self._values.get(name)
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise OpError("bad-op", "%s must be a list of objects" % name)
        return [Args(item) for item in value]

    def ops(self, name: "str") -> "list[dict[str, Any]]":
        """A list of ops, all of known verbs and loaded, to be done later."""
        value = self._values.get(name)
        if not isinstance(value, list):
            raise OpError("bad-op", "%s must be a list of ops" % name)
        for op in value:
            _call(op)
        return value

    def raw(self, name: "str") -> "Any":
        """Whatever it is; its reader has to look."""
        return self._values.get(name)

    def has(self, name: "str") -> "bool":
        """Whether it is given and not null."""
        return self._values.get(name) is not None
