"""What a campaign of cut links needs of a lab: the cuts, the guards as they see themselves, the old state.

Everything is looked at from outside the program, and over no link that a cut could take away.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wslnet_lab import state
from wslnet_lab.paths import LabPaths

MARK = "run/wslnet-link-cut"
GUARDS = ("run/wslnet", "mnt/wsl/wslnet")
"""In WSL the tmpfs that all distros share (ADR 13)."""
LINUX = ("wsl", "vm1", "vm2")
KINDS = ("drop-22", "link-down", "address-removed", "sshd-stopped", "route-lost")

# Of each machine: the link that carries its SSH, its address on it, and a way for a route that nobody needs.
_LINKS = {
    "wsl": ("loopback0", "127.0.0.1/8", "lo", "192.168.122.191", "virbr0"),
    "vm1": ("enp1s0", "192.168.122.191/24", "enp1s0", "192.168.122.1", "enp1s0"),
    "vm2": ("ens3", "192.168.124.91/24", "ens3", "192.168.124.1", "ens3"),
}
_NEEDLESS = "198.51.100.0/24"


@dataclass(frozen=True)
class Cut:
    """One kind of cut of one machine; `make` and `mend` are argument vectors run inside it."""

    machine: str
    kind: str
    make: list[list[str]]
    mend: list[list[str]]


def cut_of(lab: Any, machine: str, kind: str) -> Cut:
    """The cut and how it is taken back, with what is there now as the state to go back to."""
    device, address, holder, *_ = _LINKS[machine]
    shown = lab.outside(machine, ["ip", "-4", "route", "show", "table", "all"]).stdout.splitlines()
    mine = [line.split() for line in shown if not line.startswith(("local", "broadcast"))]
    routes = [
        [word for word in words if word != "linkdown"]
        for words in mine
        if device in words or _NEEDLESS in words
    ]
    # Leads to the network itself before those that need it.
    routes.sort(key=lambda words: "via" in words)
    put_back = [["ip", "route", "replace", *words] for words in routes]
    known = lab.outside(machine, ["ip", "neigh", "show", "dev", device, "nud", "permanent"]).stdout
    fixed = [line.split()[:3] for line in known.splitlines()]
    neighbours = [["ip", "neigh", "replace", *words, "nud", "permanent", "dev", device] for words in fixed]
    broadcast = [] if holder == "lo" else ["broadcast", "+"]
    rule = ["INPUT", "-p", "tcp", "--dport", "22", "-j", "DROP"]
    made, mended = {
        "drop-22": ([["iptables", "-I", *rule]], [["iptables", "-D", *rule]]),
        "link-down": (
            [["ip", "link", "set", device, "down"]],
            [["ip", "link", "set", device, "up"], *neighbours, *put_back],
        ),
        "address-removed": (
            [["ip", "address", "del", address, "dev", holder]],
            [["ip", "address", "add", address, *broadcast, "dev", holder], *put_back],
        ),
        # Process 1 of a machine of the lab ends and starts its services so.
        "sshd-stopped": ([["kill", "-USR1", "1"]], [["kill", "-USR2", "1"]]),
        "route-lost": ([["ip", "route", "del", *words] for words in reversed(routes)], put_back),
    }[kind]
    return Cut(machine, kind, made, mended)


def spec(cut: Cut, routes_on: tuple[str, ...]) -> str:
    """What `controller.py` is to wish for: the cut, and a harmless guarded change on each of `routes_on`."""
    steps = {
        word: [{"argv": argv} for argv in argvs] for word, argvs in (("make", cut.make), ("mend", cut.mend))
    }
    routes = [
        {"machine": name, "dst": _NEEDLESS, "via": _LINKS[name][3], "dev": _LINKS[name][4]}
        for name in routes_on
    ]
    return json.dumps({"routes": routes, "cut": {"machine": cut.machine, **steps}})


def inside(lab: Any, machine: str, path: str) -> Path:
    """A file of a running machine, its private /run included, as this host sees it."""
    init = state.read(LabPaths.of(lab.name)).machines[machine].init
    assert init is not None, f"{machine} is off"
    return Path(f"/proc/{init.pid}/root/{path}")


def is_cut(lab: Any, machine: str) -> bool:
    """Whether the cut of the campaign stands (or begins) there."""
    return inside(lab, machine, MARK).exists()


def guards(lab: Any) -> dict[str, dict[str, Any]]:
    """The guards of all machines as they see themselves (`deadline` by CLOCK_BOOTTIME, `state`)."""
    files = {(name, folder): inside(lab, name, f"{folder}/guard.json") for name in LINUX for folder in GUARDS}
    return {name: json.loads(file.read_text()) for (name, _), file in files.items() if file.exists()}


def hops(lab: Any) -> dict[str, tuple[str, str]]:
    """The way of the controller, as `Hops` takes it: it stands on Windows, mirrored."""
    before = {"wsl": "windows", "vm1": "wsl", "vm2": "vm1"}
    return {name: (lab.netns(place), _LINKS[name][1].partition("/")[0]) for name, place in before.items()}
