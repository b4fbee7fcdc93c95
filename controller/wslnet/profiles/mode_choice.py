"""Which networking mode of WSL serves what is wished for, item by item, and why another does not. Pure.

The inventory's wish suffices; facts of Windows tell which peers stand on a switch of its own. What keeps a
mode from this PC at all is not judged here. Rules from wsl-facts 2.1, 2.2 and 6.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from wslnet.model.machine import Kind
from wslnet.model.ports import NEVER_STEERED
from wslnet.model.topology import behind_switch
from wslnet.profiles import bridged_mode, mirrored, nat
from wslnet.profiles.mode_ways import PUBLISH, UNSEEN, WAYS, Place, Way

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.allow import Allow
    from wslnet.model.forward import Forward
    from wslnet.model.machine import Wish
    from wslnet.model.snapshot import Snapshot

CONSOMME, NONE = "consomme", "none"
MODES = (mirrored.MODE, nat.MODE, bridged_mode.MODE, CONSOMME, NONE)
"""All that WSL has; the last two are what it falls back to, and `setup` offers neither (wsl-facts 2.1)."""

CHARACTER = {
    mirrored.MODE: "WSL has Windows' own addresses; ports are let in one by one, nets inside it stay hidden",
    nat.MODE: "for clients: WSL reaches everybody behind Windows' address, outsiders only published ports",
    bridged_mode.MODE: "for serving: WSL is a machine of the LAN, with no firewall of Windows before it; "
    "deprecated since WSL 2.4.5",
    CONSOMME: "a program of Windows carries WSL's traffic; WSL takes it when it cannot make its NAT network",
    NONE: "no network at all; WSL ends so when its network engine fails at start",
}
_WINDOWS_KEEPS = "Windows keeps this port for itself in this mode (microsoft/WSL#41135)"
_DEAD = "WSL has no network, and wslnet no way into it"


class Served(StrEnum):
    """Whether a mode serves an item."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "cannot tell"


@dataclass(frozen=True, slots=True)
class Answer:
    """One item of the wish under one mode, and by what it is served or why it is not."""

    item: str
    served: Served
    how: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """One mode and all items of the wish."""

    mode: str
    answers: tuple[Answer, ...]

    @property
    def serves(self) -> bool:
        """Whether every item is known to be served."""
        return all(one.served is Served.YES for one in self.answers)

    @property
    def missing(self) -> tuple[Answer, ...]:
        """The items that are not."""
        return tuple(one for one in self.answers if one.served is not Served.YES)


def judge(snapshot: Snapshot, wish: Wish) -> tuple[Judgement, ...]:
    """Every mode of MODES under the wish: its pairs, its ports, and how deep the VMs lie."""
    return tuple(Judgement(mode, tuple(_answers(snapshot, wish, mode))) for mode in MODES)


def serving(judgements: tuple[Judgement, ...], running: str | None = None) -> tuple[str, ...]:
    """The modes of `setup` that serve all of it: the one that runs first, else in the order of MODES."""
    offered = [one.mode for one in judgements if one.mode not in {CONSOMME, NONE} and one.serves]
    return tuple(sorted(offered, key=lambda mode: mode != running))


def in_short(judgements: tuple[Judgement, ...]) -> str:
    """What `setup` offers, each with whether it serves the wish, in one line."""
    said = []
    for one in judgements:
        if one.mode in {CONSOMME, NONE}:
            continue
        lacking = ", ".join(answer.item for answer in one.missing)
        said.append(f"--{one.mode} serves " + (f"all but {lacking}" if lacking else "all that is wished for"))
    return "; ".join(said)


def unserved(snapshot: Snapshot, wish: Wish, mode: str) -> tuple[str, ...]:
    """What of the wish this mode does not serve, and which mode serves all of it: lines for a plan."""
    judgements = judge(snapshot, wish)
    missing = [answer for one in judgements if one.mode == mode for answer in one.missing]
    lines = [f"{mode} mode does not serve {one.item}: {one.how}" for one in missing]
    better = [f"--{other}" for other in serving(judgements)]
    if missing and better:
        lines.append(f"all that is wished for is served by setup {' or '.join(better)}")
    return tuple(lines)


def _answers(snapshot: Snapshot, wish: Wish, mode: str) -> Iterator[Answer]:
    for source, target in wish.reach:
        way = _way(snapshot, mode, source, target)
        yield _answer(f"{source} -> {target}", way)
    for allow in wish.allow:
        yield _answer(str(allow), _port(mode, allow))
    for forward in wish.forward:
        yield _answer(str(forward), _published(mode, forward))
    inventory = snapshot.inventory
    vms = inventory.of_kind(Kind.VM)
    if vms:
        deepest = max(inventory.depth(vm.name) for vm in vms) - 1
        yield _answer(f"VMs {deepest} deep in WSL reach out", WAYS[mode][Place.VM, Place.LAN])


def _answer(item: str, way: Way) -> Answer:
    served = Served.UNKNOWN if way.serves is None else Served.YES if way.serves else Served.NO
    return Answer(item, served, way.how)


def _way(snapshot: Snapshot, mode: str, source: str, target: str) -> Way:
    places = _place(snapshot, source), _place(snapshot, target)
    inside = {Place.WSL, Place.VM}
    if not inside.intersection(places):
        return Way(serves=True, how="WSL has no part in it")
    if mode == NONE:
        return Way(serves=False, how=_DEAD)
    if inside.issuperset(places):
        return Way(serves=True, how="inside WSL, by routes and accepts there")
    return WAYS[mode].get(places, UNSEEN)


def _place(snapshot: Snapshot, name: str) -> Place:
    machine = snapshot.inventory[name]
    if machine.kind is not Kind.PEER:
        return Place(str(machine.kind))
    is_near = machine.address is not None and behind_switch(snapshot, machine.address)
    return Place.SWITCH if is_near else Place.LAN


def _port(mode: str, allow: Allow) -> Way:
    if mode == mirrored.MODE:
        if (allow.proto, allow.port) in NEVER_STEERED:
            return Way(serves=False, how=_WINDOWS_KEEPS)
        return Way(serves=True, how="at Windows' own address, by a Hyper-V firewall rule (setup --allow)")
    if mode == bridged_mode.MODE:
        limit = ", and nothing limits it to @lan" if allow.scope else ""
        return Way(serves=True, how=f"at WSL's own address on the LAN{limit}")
    if mode == nat.MODE:
        return Way(serves=False, how=f"no firewall rule brings the LAN to WSL's NAT address: {PUBLISH}")
    return Way(serves=False, how=_DEAD) if mode == NONE else UNSEEN


def _published(mode: str, forward: Forward) -> Way:
    if mode == mirrored.MODE:
        if forward.key in NEVER_STEERED:
            return Way(serves=False, how=_WINDOWS_KEEPS)
        return Way(serves=True, how="at Windows' own address, by a holder of the port in WSL and DNAT")
    if mode == nat.MODE:
        means = "a relay on Windows" if forward.proto == "udp" else "portproxy"
        return Way(serves=True, how=f"by {means}, which follows WSL's address")
    if mode == bridged_mode.MODE:
        return Way(serves=False, how="Windows publishes nothing; WSL's own ports are on the LAN anyway")
    return Way(serves=False, how="wslnet publishes in mirrored and NAT mode only")
