"""Does NetworkManager manage cards that WSL sets up itself? What it sets there is all distributions' network.

WSL gives its cards addresses and routes and hears of nothing that takes them away (microsoft/WSL#11247).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from wslnet.checks.parts.findings import REACHABLE, Findings
from wslnet.checks.parts.wsl import on_wsl
from wslnet.model.finding import Check, Finding, Fix, Status
from wslnet.model.machine import Kind
from wslnet.resources.unmanaged_links import UnmanagedLinks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.linux_facts import LinuxFacts
    from wslnet.model.snapshot import Snapshot

_SAY = Findings("wsl.manager", docs="https://github.com/microsoft/WSL/issues/11247")

_OF_WSL = re.compile(r"(?:eth|wlan)\d+|loopback0")
_NET = "wsl-cards"


def _judge(_snapshot: Snapshot, machine: str, facts: LinuxFacts) -> Iterator[Finding]:
    if facts.settings is None:
        yield _SAY.unread(machine, "links that are managed")
    else:
        cards = tuple(one for one in facts.settings.managed if _OF_WSL.fullmatch(one))
        yield _machine(machine, cards)


def _machine(machine: str, cards: tuple[str, ...]) -> Finding:
    if not cards:
        return _SAY.ok(machine, "WSL's cards are WSL's own")
    named = ", ".join(cards)
    return _SAY.problem(
        Status.WARN,
        machine,
        f"NetworkManager manages {named}, which WSL sets up",
        evidence=(f"{machine}: nmcli device: {named}",),
        cause="it puts its own addresses and routes in the place of WSL's, in every distribution at once",
        fix=Fix(
            f"wslnet doctor --only {_SAY.code} --fix",
            (
                "until WSL restarts: as above",
                (
                    "for good, in /etc/NetworkManager/conf.d: [keyfile] "
                    "unmanaged-devices=interface-name:eth*;interface-name:loopback0"
                ),
            ),
            (UnmanagedLinks(machine, _NET, cards, "WSL sets these cards up itself", rows=()),),
        ),
    )


CHECK = Check(
    code=_SAY.code,
    title="Nobody else manages WSL's cards",
    needs={Kind.WSL: frozenset({"settings", "bridging"})},
    judge=on_wsl(_SAY, _judge),
    depends_on=(REACHABLE,),
    docs=_SAY.docs,
)
