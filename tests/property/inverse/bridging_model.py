"""What the ops of bridges, taps, uplinks and NetworkManager make of a machine's facts. Pure."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_interface
from typing import TYPE_CHECKING, Any

from wslnet.model.linux_network import Address, Device, Link

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from wslnet.model.linux_facts import LinuxFacts


class Refused(Exception):
    """The agent's answer to an op that cannot be done; the code is that of docs/protocols.md 1."""


def _made(facts: LinuxFacts, link: Link, net: str, owner: str | None = None) -> LinuxFacts:
    if any(one.name == link.name for one in facts.links or ()):
        raise Refused("exists")
    assert facts.bridging is not None
    devices = (*facts.bridging.devices, Device(link.name, f"wslnet:{net}", owner))
    return replace(
        facts, links=(*(facts.links or ()), link), bridging=replace(facts.bridging, devices=devices)
    )


def _add_bridge(facts: LinuxFacts, args: Mapping[str, Any]) -> LinuxFacts:
    made = _made(facts, Link(3, args["name"], args["mac"], up=True, kind="bridge"), args["net"])
    pairs = [one.split("/") for one in args["addresses"]]
    new = tuple(Address(args["name"], 4, address, int(prefix)) for address, prefix in pairs)
    return replace(made, addresses=(*(made.addresses or ()), *new))


def _add_tap(facts: LinuxFacts, args: Mapping[str, Any]) -> LinuxFacts:
    link = Link(3, args["name"], args["mac"], up=True, kind="tun", master=args["master"])
    return _made(facts, link, args["net"], args["owner"])


def _delete(facts: LinuxFacts, args: Mapping[str, Any]) -> LinuxFacts:
    name = args["name"]
    if not any(one.name == name for one in facts.links or ()):
        raise Refused("not-found")
    if facts.alias(name) != f"wslnet:{args['net']}":
        raise Refused("not-permitted")
    have = {f"{one.address}/{one.prefix}" for one in facts.addresses or () if one.link == name}
    if not have.issubset(args.get("addresses", have)):
        raise Refused("not-permitted")
    assert facts.bridging is not None
    devices = tuple(one for one in facts.bridging.devices if one.name != name)
    addresses = None if facts.addresses is None else tuple(a for a in facts.addresses if a.link != name)
    return replace(
        facts,
        links=tuple(one for one in facts.links or () if one.name != name),
        addresses=addresses,
        bridging=replace(facts.bridging, devices=devices),
    )


def _move(facts: LinuxFacts, args: Mapping[str, Any]) -> LinuxFacts:
    source, target, port = args["source"], args["target"], args["port"]
    kept = [ip_interface(one) for one in args.get("keep", ())]

    def stays(text: str) -> bool:
        return any(ip_interface(text).ip in one.network for one in kept)

    masters = {source: target} if port is not None else {target: None}
    links = (replace(one, master=masters.get(one.name, one.master)) for one in facts.links or ())
    return replace(
        facts,
        links=tuple(links),
        addresses=tuple(
            replace(one, link=target) if one.link == source and not stays(one.address) else one
            for one in facts.addresses or ()
        ),
        routes=tuple(
            replace(one, dev=target) if one.dev == source and not stays(one.via or one.dst) else one
            for one in facts.routes or ()
        ),
    )


def _leave(facts: LinuxFacts, args: Mapping[str, Any]) -> LinuxFacts:
    told = facts.bridging.unmanaged if facts.bridging is not None else None
    assert facts.bridging is not None
    assert told is not None
    if args["net"] in told:
        raise Refused("exists")
    names = tuple(sorted((*told, args["net"])))
    return replace(facts, bridging=replace(facts.bridging, unmanaged=names))


def _give_back(facts: LinuxFacts, args: Mapping[str, Any]) -> LinuxFacts:
    told = facts.bridging.unmanaged if facts.bridging is not None else None
    assert facts.bridging is not None
    assert told is not None
    if args["net"] not in told:
        raise Refused("not-found")
    names = tuple(one for one in told if one != args["net"])
    return replace(facts, bridging=replace(facts.bridging, unmanaged=names))


OPS: dict[str, Callable[[LinuxFacts, Mapping[str, Any]], LinuxFacts]] = {
    "bridge.add": _add_bridge,
    "bridge.delete": _delete,
    "tap.add": _add_tap,
    "tap.delete": _delete,
    "uplink.move": _move,
    "manager.leave": _leave,
    "manager.return": _give_back,
}
