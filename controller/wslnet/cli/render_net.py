"""Bridges, taps and guests' texts for people and as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from wslnet.cli.output import SCHEMA_VERSION, print_json, print_line
from wslnet.model.bridges import bridges_of, lost_nets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wslnet.model.bridges import Bridge, Port
    from wslnet.model.snapshot import Snapshot


def list_to_json(snapshot: Snapshot) -> dict[str, object]:
    """Machines with their bridges, and those that could not be seen."""
    machines: dict[str, object] = {}
    for name in snapshot.facts:
        facts = snapshot.linux(name)
        if facts is not None:
            bridges = [asdict(one) for one in bridges_of(facts)]
            machines[name] = {"bridges": bridges, "lost": list(lost_nets(facts))}
    unseen = {name: one.reason for name, one in snapshot.unseen.items()}
    return {"schema_version": SCHEMA_VERSION, "machines": machines, "unseen": unseen}


def print_list(snapshot: Snapshot) -> None:
    """One line a bridge, one below it a port; then MAC addresses where they were asked for."""
    for name in snapshot.facts:
        facts = snapshot.linux(name)
        bridges = bridges_of(facts) if facts is not None else ()
        if not bridges:
            print_line(f"{name}: no bridges")
        for bridge in bridges:
            _print_bridge(name, bridge)
        for lost in lost_nets(facts) if facts is not None else ():
            print_line(f"{name}: net {lost} is declared and its bridge is not there")
    for name, unseen in snapshot.unseen.items():
        print_line(f"{name}: not seen: {unseen.reason}")


def _print_bridge(machine: str, bridge: Bridge) -> None:
    mode = f", {bridge.mode}" if bridge.mode else ""
    addresses = ", ".join(bridge.addresses) or "no address"
    spanning = "" if bridge.stp is None else f", STP {'on' if bridge.stp else 'off'}"
    print_line(f"{machine}: {bridge.name} ({bridge.maker}{mode}) {addresses}{spanning}")
    if bridge.reach:
        print_line(f"  {bridge.reach}")
    for port in bridge.ports:
        owner = f" of {port.owner}" if port.owner else ""
        print_line(f"  port {port.name} ({port.kind}{owner}) {_state(port)}")
    for entry in bridge.fdb or ():
        print_line(f"  {entry.mac} behind {entry.port}{' (its own)' if entry.own else ''}")


def _state(port: Port) -> str:
    if not port.up:
        return "down"
    return "up" if port.carrier else "up, nobody plugged in"


def print_texts(what: str, texts: Mapping[str, object], *, as_json: bool) -> int:
    """Texts by tap: as they are, with nothing else on stdout, one after the other."""
    if as_json:
        print_json({"schema_version": SCHEMA_VERSION, what: dict(texts)})
        return 0
    for text in texts.values():
        print_line(" ".join(text) if isinstance(text, list) else str(text).rstrip("\n"))
    return 0
