"""Fact `firewall`: the rules of every back end as their own tools save them, and the nftables ruleset.

Reading only: `-save` and `list` make no table, chain or rule. Restoring what they print is forbidden: it
takes foreign chains with it (wsl-guest-facts 5).
"""

import os

from wslnet_linux_agent import shell
from wslnet_linux_agent.ops import OpError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_BOTH = ("iptables-nft", "iptables-legacy")
_PLAIN = "iptables"
_LEGACY_TABLES = {"4": "/proc/net/ip_tables_names", "6": "/proc/net/ip6_tables_names"}


def commands() -> "list[tuple[str, list[str]]]":
    """Key `BACKEND/FAMILY` and argument vector of each tool to run."""
    todo = []
    for backend in _backends():
        for family, tool in (("4", backend), ("6", backend.replace("iptables", "ip6tables"))):
            if shell.find(tool + "-save") and not _is_unused_legacy(backend, family):
                todo.append(("%s/%s" % (backend, family), [tool + "-save", "-c"]))
    if shell.find("nft"):
        todo.append(("nft", ["nft", "list", "ruleset"]))
    return todo


def value(
    outcomes: "dict[str, shell.Outcome]", errors: "dict[str, dict[str, str]]"
) -> "dict[str, Any] | None":
    """The fact; a tool that failed is left out and named in `errors`. None without any tool."""
    backends = {backend: {} for backend in _backends()}  # type: dict[str, dict[str, str]]
    for backend, saved in backends.items():
        saved.update((family, "") for family in "46" if _is_unused_legacy(backend, family))
    nft = None
    for key, outcome in outcomes.items():
        try:
            if key == "nft":
                nft = outcome.text()
            else:
                backend, family = key.split("/")
                backends[backend][family] = outcome.text()
        except OpError as error:
            errors["firewall/" + key] = {"code": error.code, "message": str(error)}
    if not backends and "nft" not in outcomes:
        return None
    return {"backends": backends, "default": _default(backends), "nft": nft}


def _backends() -> "list[str]":
    found = [backend for backend in _BOTH if shell.find(backend + "-save")]
    if not found and shell.find(_PLAIN + "-save"):
        return [_PLAIN]
    return found


def _is_unused_legacy(backend: "str", family: "str") -> "bool":
    # Without a table there is nothing to save, and the tool would load modules to find that out.
    if backend != "iptables-legacy":
        return False
    try:
        with open(_LEGACY_TABLES[family], encoding="ascii") as names:
            return not names.read(1)
    except FileNotFoundError:
        return True


def _default(backends: "dict[str, Any]") -> "str | None":
    path = shell.find(_PLAIN)
    if path is None:
        return None
    # Since 1.8 `iptables` is a chain of links to the program of one back end; before, there was but one.
    program = os.path.basename(os.path.realpath(path))
    for backend in _BOTH:
        if backend in backends and backend.partition("-")[2] in program:
            return backend
    return _PLAIN if _PLAIN in backends else None
