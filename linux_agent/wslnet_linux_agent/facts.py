"""Gathers the facts that are asked for, in one go: tools side by side, everything else from the kernel.

A fact that cannot be read is null and named under `errors`; it never takes the others with it.
"""

from wslnet_linux_agent import ops

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_READERS = {
    "identity": "facts_host",
    "sysctls": "facts_host",
    "links": "facts_network",
    "addresses": "facts_network",
    "routes": "facts_network",
    "rules": "facts_network",
    "neighbours": "facts_network",
    "listeners": "facts_listeners",
    "firewall": "facts_firewall",
    "domains": "facts_domains",
    "files": "ops_file",
    "bridging": "facts_bridging",
    "fdb": "facts_bridging",
    "owned": "ops_owned",
    "persistence": "facts_persist",
    "wsl": "facts_wsl",
    "sessions": "facts_use",
    "containers": "facts_use",
    "guests": "facts_guests",
    "guest_keys": "facts_guest_keys",
    "networks": "facts_guests",
    "path_mtu": "facts_path",
    "routers": "facts_routers",
    "platform": "facts_platform",
    "in_use": "facts_in_use",
    "holders": "ops_holder",
    "engines": "ops_docker",
    "settings": "ops_setting",
}
_TIMEOUT_S = 10.0
_BY_TOOLS = ("firewall", "domains", "wsl")


def gather(args: "ops.Args") -> "dict[str, Any]":
    """Give `{name: value}` for every name in `needs`; `errors` holds `{name: {code, message}}` if any.

    `timeout_s` bounds the tools.
    """
    needs = args.texts("needs")
    unknown = [name for name in needs if name not in _READERS]
    if unknown:
        raise ops.OpError("bad-op", "no such fact: %s" % ", ".join(unknown))
    found = dict.fromkeys(needs)  # type: dict[str, Any]
    errors = {}  # type: dict[str, dict[str, str]]
    commands, owners = _commands(needs)
    outcomes = _run(commands, args.seconds("timeout_s", _TIMEOUT_S))
    for name in needs:
        try:
            if name in _BY_TOOLS:
                mine = {key: outcomes[place] for key, place in owners[name].items()}
                found[name] = _module(name).value(mine, errors)
            else:
                found[name] = getattr(_module(name), name)()
        except (ops.OpError, OSError, ValueError) as error:
            code, message = ops.explain(error)
            errors[name] = {"code": code, "message": message}
    if errors:
        found["errors"] = errors
    return found


def _commands(needs: "list[str]") -> "tuple[list[list[str]], dict[str, dict[str, int]]]":
    commands = []  # type: list[list[str]]
    owners = {}  # type: dict[str, dict[str, int]]
    for name in needs:
        if name in _BY_TOOLS:
            owners[name] = {}
            for key, argv in _module(name).commands():
                owners[name][key] = len(commands)
                commands.append(argv)
    return commands, owners


def _run(commands: "list[list[str]]", timeout_s: "float") -> "list[Any]":
    if not commands:
        return []
    from wslnet_linux_agent import shell  # noqa: PLC0415 - `subprocess` costs; most machines' first answer needs none

    return shell.run_all(commands, timeout_s)


def _module(name: "str") -> "Any":
    module = _READERS[name]
    return getattr(__import__("wslnet_linux_agent." + module), module)
