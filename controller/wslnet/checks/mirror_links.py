"""Does a mirrored WSL have what Windows has: each address that leads somewhere, on a link that is up?

Host-only adapters of VMware and Hyper-V are not counted: WSL does not support them there (wsl-facts 6, 32).
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from wslnet.checks.parts.findings import MODE_KNOWN_BY, Findings
from wslnet.checks.parts.wsl import on_mirrored_cards
from wslnet.model.adapter_roles import Role, role_of
from wslnet.model.families import IPV4
from wslnet.model.finding import Check, Finding, Fix, Status
from wslnet.model.machine import Kind
from wslnet.model.mirror import mirrored_links
from wslnet.resources.copied_address import CopiedAddress
from wslnet.resources.raised_link import RaisedLink

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.change import Resource
    from wslnet.model.linux_facts import LinuxFacts
    from wslnet.model.snapshot import Snapshot
    from wslnet.model.windows_facts import Adapter, WindowsFacts

_SAY = Findings("mirror.links", docs="https://learn.microsoft.com/windows/wsl/troubleshooting")

_COUNTED = frozenset({Role.UPLINK, Role.VPN, Role.LOCAL})


def _judge(snapshot: Snapshot, machine: str, windows: WindowsFacts, facts: LinuxFacts) -> Finding:
    counted = {
        one.name: role for one in windows.adapters or () if (role := role_of(one, windows)) in _COUNTED
    }
    lost = {
        one.name: line
        for one in windows.adapters or ()
        if one.name in counted and one.status == "Up"
        for line in _lost(snapshot, one, windows, facts)
    }
    if not lost:
        return _SAY.ok(machine, "WSL has the addresses of every adapter that leads somewhere", *counted)
    cut_off = any(counted[name] is Role.UPLINK for name in lost)
    repairs = tuple(
        repair
        for one in windows.adapters or ()
        if one.name in lost
        for repair in _repairs(snapshot, machine, one, windows, facts)
    )
    again = "let WSL start anew, with the VPN already up: wslnet restart"
    now = "until WSL restarts, and watched where wslnet-agent is: wslnet doctor --only mirror.links --fix"
    return _SAY.problem(
        Status.FAIL if cut_off else Status.WARN,
        machine,
        "WSL lacks what Windows has",
        evidence=(f"{machine}: {line}" for line in lost.values()),
        cause="Windows could not mirror the adapter (two adapters with one MAC, a VPN driver that filters, "
        "stale state of HNS), or a program in WSL took the link down or its address away",
        fix=Fix(
            f"wslnet doctor --only {_SAY.code} --fix" if repairs else "wslnet restart",
            (
                *((now,) if repairs else ()),
                again,
                "see whether two adapters share a MAC: wslnet doctor --only adapter.duplicate-mac",
                "mask network managers in the distro that touch eth0, eth1 …",
            ),
            repairs,
        ),
    )


def _lost(snapshot: Snapshot, adapter: Adapter, windows: WindowsFacts, facts: LinuxFacts) -> Iterator[str]:
    here = {one.address for one in facts.addresses or ()}
    gone = [
        one.address
        for one in windows.addresses or ()
        if one.index == adapter.index and one.family == IPV4 and one.address not in here
        if not ipaddress.ip_address(one.address).is_link_local
    ]
    if gone:
        yield f"{', '.join(gone)} of the adapter {adapter.name} is nowhere in WSL"
        return
    up = {link.name for link in facts.links or () if link.up}
    for one in mirrored_links(snapshot):
        if one.adapter == adapter and one.link not in up:
            yield f"{one.link} is down, and its adapter {adapter.name} is up"


def _repairs(
    snapshot: Snapshot, machine: str, adapter: Adapter, windows: WindowsFacts, facts: LinuxFacts
) -> Iterator[Resource]:
    """What does again what WSL did: the card up, and the adapter's addresses on it.

    Only for a card that is told by its MAC or an address that it still has; a guess would be somebody else's.
    """
    here = {one.address for one in facts.addresses or ()}
    why = f"WSL lost what the adapter {adapter.name} has; Windows undoes and redoes such things at random"
    for card in mirrored_links(snapshot):
        if card.adapter != adapter:
            continue
        yield RaisedLink(machine, card.link, why)
        for one in windows.addresses or ():
            own = one.index == adapter.index and one.family == IPV4 and one.address not in here
            if own and not ipaddress.ip_address(one.address).is_link_local:
                yield CopiedAddress(machine, card.link, one.address, one.prefix, why)


CHECK = Check(
    code=_SAY.code,
    title="A mirrored WSL has the addresses that Windows has",
    needs={
        Kind.WINDOWS: frozenset({"adapters", "addresses", "routes", "wsl"}),
        Kind.WSL: frozenset({"links", "addresses", "wsl"}),
    },
    judge=on_mirrored_cards(_SAY, _judge),
    depends_on=MODE_KNOWN_BY,
    docs=_SAY.docs,
)
