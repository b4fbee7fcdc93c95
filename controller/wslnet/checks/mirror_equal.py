"""Is a mirrored card of WSL what its adapter of Windows is: MAC, IPv4 and IPv6 addresses?

Only adapters that lead somewhere are judged; whether one is mirrored at all is `mirror.links`' part.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.checks.parts.findings import MODE_KNOWN_BY, Findings
from wslnet.checks.parts.wsl import on_mirrored_cards
from wslnet.model.adapter_roles import Role, role_of
from wslnet.model.finding import Check, Finding, Fix, Status
from wslnet.model.machine import Kind
from wslnet.model.mirror import mirrored_links

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.linux_facts import LinuxFacts
    from wslnet.model.snapshot import Snapshot
    from wslnet.model.windows_facts import Adapter, WindowsFacts

_SAY = Findings("mirror.equal", docs="https://learn.microsoft.com/windows/wsl/networking")

_COUNTED = frozenset({Role.UPLINK, Role.VPN})


def _judge(snapshot: Snapshot, machine: str, windows: WindowsFacts, facts: LinuxFacts) -> Finding:
    pairs = {
        one.link: one.adapter
        for one in mirrored_links(snapshot)
        if one.adapter is not None and one.adapter.status == "Up"
        if role_of(one.adapter, windows) in _COUNTED
    }
    wrong = [line for link, adapter in pairs.items() for line in _differences(link, adapter, windows, facts)]
    if not wrong:
        same = [f"{link} is what {adapter.name} is" for link, adapter in pairs.items()]
        return _SAY.ok(machine, "mirrored cards are equal to Windows' own", *same)
    return _SAY.problem(
        Status.FAIL,
        machine,
        "a mirrored card is not what Windows has",
        evidence=(f"{machine}: {line}" for line in wrong),
        cause="a program in WSL changed the card, or Windows could not hand its last change on",
        fix=Fix("wslnet restart", ("let WSL start anew: wslnet restart",)),
        depends_on=("mirror.links",),
    )


def _differences(link: str, adapter: Adapter, windows: WindowsFacts, facts: LinuxFacts) -> Iterator[str]:
    mac = next((one.mac for one in facts.links or () if one.name == link), None)
    if None not in {mac, adapter.mac} and mac != adapter.mac:
        yield f"{link} has the MAC {mac}, {adapter.name} has {adapter.mac}"
    here = {one.address for one in facts.addresses or () if one.link == link}
    there = {one.address.partition("%")[0] for one in windows.addresses or () if one.index == adapter.index}
    for address in sorted(there - here):
        yield f"{link} lacks {address} of {adapter.name}"
    for address in sorted(here - there):
        yield f"{link} has {address}, which {adapter.name} has not"


CHECK = Check(
    code=_SAY.code,
    title="Mirrored cards have the MAC and the addresses of Windows' own",
    needs={
        Kind.WINDOWS: frozenset({"adapters", "addresses", "routes", "wsl"}),
        Kind.WSL: frozenset({"links", "addresses", "wsl"}),
    },
    judge=on_mirrored_cards(_SAY, _judge),
    depends_on=(*MODE_KNOWN_BY, "mirror.links"),
    docs=_SAY.docs,
)
