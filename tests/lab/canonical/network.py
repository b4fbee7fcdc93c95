"""Links, addresses, routes, rules and sysctls of the network namespace that the calling thread is in.

Forgotten: interface numbers (the kernel's, given anew when a machine starts); the random hardware addresses
of the lab's own wires, new after a restart; lifetimes; the flags of duplicate address detection (its end is
waited for) and of a route whose link is down (the link says so); keys of /proc/sys that count.
"""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .parts import words

if TYPE_CHECKING:
    from .parts import Parts

TOOL_TIMEOUT_S = 20
_DAD_S = 6.0
_SYSCTLS = Path("/proc/sys/net")
# The rest of net (core, unix) is one for the whole computer, or counts.
_SYSCTL_FOLDERS = ("ipv4", "ipv6", "bridge", "netfilter")
_COUNTING = frozenset({"nf_conntrack_count"})
_LINK_KEYS = ("ifname", "address", "mtu", "master", "link_type", "group")
_KIND_OF_WIRE = "veth"
_RANDOM_BIT = 0x02
# Locally administered too, but QEMU's and libvirt's, made from what is configured.
_CONFIGURED = ("52:54:00:", "fe:54:00:")
_LINK_FLAGS = frozenset({"UP", "LOWER_UP", "PROMISC", "NOARP"})
_ADDRESS_KEYS = (
    "family",
    "local",
    "prefixlen",
    "broadcast",
    "address",
    "scope",
    "label",
    "secondary",
    "noprefixroute",
)
_PASSING_ROUTE_FLAGS = frozenset({"linkdown", "dead"})


def tool(*argv: str) -> str:
    """What a program prints that must succeed; nothing for one that this computer does not have."""
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=TOOL_TIMEOUT_S, check=False)
    except FileNotFoundError:
        return ""
    assert done.returncode == 0, f"{argv}: {done.stderr}"
    return done.stdout


def read_network() -> Parts:
    """All of it, of the namespace of the calling thread."""
    return {
        "links": _links(),
        **_addresses(),
        **{f"routes {family}": _routes(family) for family in ("4", "6")},
        **{f"rules {family}": _rules(family) for family in ("4", "6")},
        **_sysctls(),
        "listeners": _listeners(),
    }


def _json(*argv: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(tool(*argv) or "[]")
    return [one for one in found if one]  # `ip -j` has an empty object for what its filter passes over


def _links() -> tuple[str, ...]:
    def one(link: dict[str, Any]) -> str:
        kept = {key: link[key] for key in _LINK_KEYS if key in link}
        kind = link.get("linkinfo", {}).get("info_kind")
        if kind == _KIND_OF_WIRE and _is_random(kept["address"]):
            kept["address"] = "random"
        return words(kept | {"kind": kind, "flags": sorted(_LINK_FLAGS.intersection(link["flags"]))})

    return tuple(sorted(one(link) for link in _json("ip", "-d", "-j", "link", "show")))


def _is_random(address: str) -> bool:
    return bool(int(address[:2], 16) & _RANDOM_BIT) and not address.startswith(_CONFIGURED)


def _addresses() -> Parts:
    until = time.monotonic() + _DAD_S
    while True:
        shown = _json("ip", "-j", "address", "show")
        if not any(one.get("tentative") for link in shown for one in link["addr_info"]):
            break
        assert time.monotonic() < until, f"duplicate address detection does not end: {shown}"
        time.sleep(0.1)
    return {
        f"addresses {link['ifname']}": tuple(
            sorted(words({key: one[key] for key in _ADDRESS_KEYS if key in one}) for one in link["addr_info"])
        )
        for link in shown
    }


def _routes(family: str) -> tuple[str, ...]:
    def one(route: dict[str, Any]) -> str:
        flags = sorted(set(route.get("flags", [])) - _PASSING_ROUTE_FLAGS)
        return words({**route, "flags": flags})

    command = ("ip", f"-{family}", "-N", "-j", "-d", "route", "show", "table", "all")
    return tuple(sorted(one(route) for route in _json(*command)))


def _rules(family: str) -> tuple[str, ...]:
    return tuple(words(rule) for rule in _json("ip", f"-{family}", "-N", "-j", "rule", "show"))


def _listeners() -> tuple[str, ...]:
    lines = (line.split() for line in tool("ss", "-Htln").splitlines())
    return tuple(sorted(f"tcp {fields[3]}" for fields in lines))


def _sysctls() -> Parts:
    found: Parts = {}
    for folder in _SYSCTL_FOLDERS:
        for file in sorted((_SYSCTLS / folder).rglob("*")):
            if file.is_file() and file.name not in _COUNTING:
                key = ".".join(file.relative_to(_SYSCTLS.parent).parts)
                found[f"sysctl {key}"] = (_value(file),)
    return found


def _value(file: Path) -> str:
    try:
        return " ".join(file.read_text(encoding="ascii").split())
    except OSError as error:  # write-only keys, or one without a value yet
        return error.strerror or ""
