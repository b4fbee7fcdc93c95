"""A tree of VMs grown from two figures: `width` chains below WSL, each of them `depth` VMs deep.

The machines are data like those of a file. The chains hang on two libvirt networks of WSL in turn, so that
there are siblings on the same bridge and on different ones.
"""

from __future__ import annotations

from typing import Any

_BRIDGES = ("virbr0", "virbr1")
_MOST = 9
"""Of either figure: they stand in names and addresses as one digit."""


def grow(data: dict[str, Any], depth: int, width: int) -> dict[str, Any]:
    """The topology with the tree below its `wsl`: `vmBD` is the VM of branch B at depth D.

    Raises:
        ValueError: a figure is not from 1 to 9.
    """
    if not (1 <= depth <= _MOST and 1 <= width <= _MOST):
        raise ValueError(f"a tree has 1 to {_MOST} branches and levels, not {width} and {depth}")
    machines = dict(data["machines"])
    networks = [_network(bridge, f"10.{place}.0") for place, bridge in enumerate(_BRIDGES)]
    machines["wsl"] = {**machines["wsl"], "networks": networks}
    names = []
    # Level by level: parents are before their children in the order of boot.
    for level in range(1, depth + 1):
        for branch in range(1, width + 1):
            names.append(f"vm{branch}{level}")
            machines[names[-1]] = _vm(branch, level, last=level == depth)
    reach = [pair for name in names for pair in (["wsl", name], [name, "wsl"])]
    wish = {**data["wish"], "reach": [*data["wish"]["reach"], *reach, *_across(width)]}
    return {**data, "machines": machines, "boot_order": [*data["boot_order"], *names], "wish": wish}


def _across(width: int) -> list[list[str]]:
    """Pairs of the first two branches, which hang on different bridges."""
    return [["vm11", "vm21"], ["vm21", "vm11"]] if width > 1 else []


def _vm(branch: int, level: int, *, last: bool) -> dict[str, Any]:
    bridge = _BRIDGES[(branch - 1) % len(_BRIDGES)] if level == 1 else _BRIDGES[0]
    prefix = f"10.{_BRIDGES.index(bridge)}.0" if level == 1 else _below(branch, level - 1)
    machine = {
        "kind": "vm",
        "parent": "wsl" if level == 1 else f"vm{branch}{level - 1}",
        "hostname": f"vm{branch}{level}",
        "bridge": bridge,
        "tap": f"vnet{branch - 1}" if level == 1 else "vnet0",
        "nic": {
            "device": "enp1s0",
            "mac": f"52:54:00:00:{branch:02x}:{level:02x}",
            "addresses": [f"{prefix}.{10 + branch}/24"],
            "gateway": f"{prefix}.1",
            "metric": 100,
        },
    }
    return machine if last else {**machine, "networks": [_network(_BRIDGES[0], _below(branch, level))]}


def _below(branch: int, level: int) -> str:
    return f"10.{branch}{level}.0"


def _network(bridge: str, prefix: str) -> dict[str, Any]:
    numbers = prefix.split(".")
    return {
        "name": "default" if bridge == _BRIDGES[0] else "second",
        "bridge": bridge,
        "mac": f"52:54:00:ff:{int(numbers[1]):02x}:01",
        "address": f"{prefix}.1/24",
        "generation": "reject-in-forward",
    }
