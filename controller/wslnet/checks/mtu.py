"""Do whole packets of WSL's cards get to the next hop? Measured with packets that must not be cut."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.checks.parts.findings import MODE_KNOWN_BY, Findings
from wslnet.checks.parts.wsl import on_wsl
from wslnet.model.finding import Check, Finding, Fix, Status
from wslnet.model.machine import Kind
from wslnet.model.mirror import mirrored_links
from wslnet.resources.link_mtu import LinkMtu

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.linux_facts import LinuxFacts
    from wslnet.model.linux_network import PathMtu
    from wslnet.model.snapshot import Snapshot

_SAY = Findings("mtu", docs="https://github.com/microsoft/WSL/issues/4698")

_NAT_LINK = "eth0"


def _judge(snapshot: Snapshot, machine: str, facts: LinuxFacts) -> Iterator[Finding]:
    if snapshot.mode is None:
        yield _SAY.skip(machine, "WSL's mode is not known", depends_on=MODE_KNOWN_BY)
    elif facts.path_mtu is None or facts.links is None:
        yield _SAY.unread(machine, "links and what fits them")
    else:
        behind = {
            one.link: one.adapter.name for one in mirrored_links(snapshot) if one.adapter is not None
        } or {_NAT_LINK: ""}
        cards = [one for one in facts.path_mtu if one.link in behind]
        down = [one.name for one in facts.links if one.name in behind and not one.up]
        yield _machine(machine, cards, behind, down)


def _machine(machine: str, cards: list[PathMtu], behind: dict[str, str], down: list[str]) -> Finding:
    told = {one.link: f"{machine}: {_words(one, behind[one.link])}" for one in cards}
    told |= {link: f"{machine}: {link} is down, so nothing was sent" for link in down}
    narrow = [one.link for one in cards if one.largest is not None and one.largest < one.mtu]
    if narrow:
        return _SAY.problem(
            Status.WARN,
            machine,
            "whole packets of WSL do not get to the next hop",
            evidence=[told[link] for link in narrow],
            cause="pings and small requests pass while large answers (TLS, SSH) hang",
            fix=Fix(
                f"wslnet doctor --only {_SAY.code} --fix",
                (
                    *(
                        f"ip link set dev {one.link} mtu {one.largest} in WSL (until it restarts)"
                        for one in cards
                        if one.link in narrow
                    ),
                    "for good: set the MTU of the adapter on Windows, which WSL takes over",
                ),
                tuple(
                    LinkMtu(machine, one.link, one.largest, f"larger packets do not get to {one.hop}")
                    for one in cards
                    if one.link in narrow and one.largest is not None
                ),
            ),
        )
    if any(one.largest is not None for one in cards):
        return _SAY.ok(machine, "whole packets get to the next hop of each card that answers", *told.values())
    return _SAY.skip(machine, "no card of WSL has a next hop that answers", *told.values())


def _words(one: PathMtu, adapter: str) -> str:
    card = f"{one.link} (adapter {adapter})" if adapter else one.link
    if one.hop is None:
        return f"{card}: MTU {one.mtu}, no gateway to ask"
    if one.largest is None:
        return f"{card}: MTU {one.mtu}, {one.hop} answers no echo"
    return f"{card}: MTU {one.mtu}, {one.largest} bytes went to {one.hop} and back"


CHECK = Check(
    code=_SAY.code,
    title="Whole packets of WSL's cards get to the next hop",
    needs={
        Kind.WINDOWS: frozenset({"adapters", "addresses", "wsl"}),
        Kind.WSL: frozenset({"links", "addresses", "path_mtu", "wsl"}),
    },
    judge=on_wsl(_SAY, _judge),
    depends_on=MODE_KNOWN_BY,
    docs=_SAY.docs,
)
