"""Reads a topology file (TOML, beside this module) into `topology.model`. A mistake in one names its key."""

from __future__ import annotations

import tomllib
from importlib import resources
from typing import Any

from wslnet_lab.errors import UsageError
from wslnet_lab.fabric.model import BridgeNetwork, Nic
from wslnet_lab.topology.model import Machine, Network, Topology, WindowsAdapter, Wish

_FOLDER = resources.files("wslnet_lab.topology")


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
    data = tomllib.loads((_FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    machines = data["machines"]
    wish = data["wish"]
    return Topology(
        name=data["name"],
        machines={each: _machine(each, machines[each]) for each in data["boot_order"]},
        wish=Wish(wish["mode"], tuple((a, b) for a, b in wish["reach"])),
    )


def _machine(name: str, data: dict[str, Any]) -> Machine:
    rest = dict(data)
    return Machine(
        name=name,
        nic=_nic(rest.pop("nic")) if "nic" in rest else None,
        adapters=tuple(_adapter(each) for each in rest.pop("adapters", ())),
        networks=tuple(_network(each) for each in rest.pop("networks", ())),
        **rest,
    )


def _nic(data: dict[str, Any]) -> Nic:
    rest = dict(data)
    return Nic(addresses=tuple(rest.pop("addresses", ())), **rest)


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
