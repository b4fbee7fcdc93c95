"""Reads a topology file (TOML, beside this module) into `topology.model`. A mistake in one names its key.

A file may say `extends = "NAME"`: its tables are laid over that topology's key by key, its lists of adapters,
networks and machines in boot order are added to it (an adapter or network of the same name is laid over), its
wish takes the place of the other. A table `[tree]` grows VMs below WSL (`topology.tree`).
"""

from __future__ import annotations

import tomllib
from importlib import resources
from typing import TYPE_CHECKING, Any

from wslnet_lab.errors import UsageError
from wslnet_lab.fabric.model import BridgeNetwork, Nic
from wslnet_lab.topology.model import Machine, Network, Topology, WindowsAdapter, Wish
from wslnet_lab.topology.tree import grow

if TYPE_CHECKING:
    from collections.abc import Sequence

_FOLDER = resources.files("wslnet_lab.topology")
_EXTENDS = "extends"
_ADDED = frozenset({"boot_order", "adapters", "networks"})


def names() -> tuple[str, ...]:
    """The topologies that there are."""
    return tuple(sorted(f.name.removesuffix(".toml") for f in _FOLDER.iterdir() if f.name.endswith(".toml")))


def read(name: str) -> Topology:
    """The topology called `name`.

    Raises:
        UsageError: There is none of that name.
    """
    if name not in names():
        raise UsageError(f"no topology {name!r}; there is {', '.join(names())}")
    data = _load(name)
    machines = data["machines"]
    wish = data["wish"]
    return Topology(
        name=data["name"],
        machines={each: _machine(each, machines[each]) for each in data["boot_order"]},
        wish=Wish(wish["mode"], tuple((a, b) for a, b in wish["reach"])),
        beside=data.get("beside", ""),
    )


def _load(name: str) -> dict[str, Any]:
    own = tomllib.loads((_FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    base = own.pop(_EXTENDS, None)
    tree = own.pop("tree", None)
    whole = own if base is None else _joined_with(base, own)
    return whole if tree is None else grow(whole, **tree)


def _joined_with(base: str, own: dict[str, Any]) -> dict[str, Any]:
    return {**_laid_over(_load(base), own), "wish": own.get("wish") or _load(base)["wish"]}


def _laid_over(base: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in own.items():
        if isinstance(value, dict) and isinstance(base.get(key), dict):
            merged[key] = _laid_over(base[key], value)
        elif key in _ADDED:
            merged[key] = _joined(base.get(key, ()), value)
        else:
            merged[key] = value
    return merged


def _joined(base: Sequence[Any], own: Sequence[Any]) -> list[Any]:
    """Both lists; a table of `own` with a name that `base` has is laid over that one."""
    joined = list(base)
    for value in own:
        name = value.get("name") if isinstance(value, dict) else None
        place = next(
            (n for n, one in enumerate(joined) if name is not None and one.get("name") == name), None
        )
        if place is None:
            joined.append(value)
        else:
            joined[place] = _laid_over(joined[place], value)
    return joined


def _machine(name: str, data: dict[str, Any]) -> Machine:
    rest = dict(data)
    return Machine(
        name=name,
        nic=_nic(rest.pop("nic")) if "nic" in rest else None,
        lan_nic=_nic(rest.pop("lan_nic")) if "lan_nic" in rest else None,
        adapters=tuple(_adapter(each) for each in rest.pop("adapters", ())),
        networks=tuple(_network(each) for each in rest.pop("networks", ())),
        rule_sets=tuple(rest.pop("rule_sets", ())),
        services=tuple(tuple(argv) for argv in rest.pop("services", ())),
        **rest,
    )


def _nic(data: dict[str, Any]) -> Nic:
    rest = dict(data)
    # An empty one takes away the gateway that the topology below it gave.
    gateway = rest.pop("gateway", None) or None
    return Nic(addresses=tuple(rest.pop("addresses", ())), gateway=gateway, **rest)


def _adapter(data: dict[str, Any]) -> WindowsAdapter:
    rest = dict(data)
    return WindowsAdapter(nic=_nic(rest.pop("nic")), **rest)


def _network(data: dict[str, Any]) -> Network:
    rest = dict(data)
    bridge = BridgeNetwork(
        bridge=rest.pop("bridge"),
        mac=rest.pop("mac"),
        address=rest.pop("address"),
        placeholder=rest.pop("placeholder", None),
    )
    return Network(bridge=bridge, forward=tuple(rest.pop("forward", ())), **rest)
