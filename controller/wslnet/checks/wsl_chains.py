"""Are WSL's own nft chains whole in mirrored mode? A flush or a table restore of iptables takes them away.

Without them nested VMs and containers lose TCP and UDP to the LAN, and nothing brings them back before WSL
starts anew (wsl-guest-facts 5).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from wslnet.checks.parts.findings import MODE_KNOWN_BY, Findings
from wslnet.checks.parts.wsl import on_wsl
from wslnet.model.finding import Check, Finding, Fix, Status
from wslnet.model.machine import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from wslnet.model.linux_facts import LinuxFacts
    from wslnet.model.snapshot import Snapshot

_SAY = Findings(
    "wsl.chains", docs="https://learn.microsoft.com/windows/wsl/networking#mirrored-mode-networking"
)

_TABLE = re.compile(r"^table (?P<family>ip6?) (?P<name>\S+) \{")
_CHAIN = re.compile(r"^\s+chain (?P<name>\S+) \{")
_MARK = re.compile(r"\bmark set (?:0x0*1|1)\b")
_MASQUERADE = re.compile(r'\boif "?(?P<link>[^"\s]+)"? (?P<proto>tcp|udp)\b.*\bmasquerade\b')
_MIRRORED_LINK = re.compile(r"(?:eth|wlan)\d+")
_FAMILIES = ("ip", "ip6")


def _judge(snapshot: Snapshot, machine: str, facts: LinuxFacts) -> Iterator[Finding]:
    if snapshot.mode is None:
        yield _SAY.skip(machine, "WSL's mode is not known", depends_on=MODE_KNOWN_BY)
    elif snapshot.mode != "mirrored":
        yield _SAY.skip(
            machine, f"WSL has these chains in mirrored mode only, and runs in {snapshot.mode} mode"
        )
    elif facts.firewall is None or facts.firewall.nft is None:
        yield _SAY.unread(machine, "nft ruleset")
    elif facts.links is None:
        yield _SAY.unread(machine, "links")
    else:
        up = [link.name for link in facts.links if link.up and _MIRRORED_LINK.fullmatch(link.name)]
        yield _machine(machine, facts.firewall.nft, up)


def _machine(machine: str, nft: str, links: Sequence[str]) -> Finding:
    missing = {family: list(_missing(nft, family, links)) for family in _FAMILIES}
    if not any(missing.values()):
        named = ", ".join(links) or "no link that is up"
        return _SAY.ok(
            machine, "WSL's own chains are whole", f"WSLOUTPUT marks 0x1; WSLPOSTROUTING has {named}"
        )
    return _SAY.problem(
        # VMs of libvirt's NAT networks have no IPv6 way out: only the IPv4 half cuts anybody.
        Status.FAIL if missing["ip"] else Status.WARN,
        machine,
        "WSL's own nft chains are damaged",
        evidence=(f"{machine}: {line}" for family in _FAMILIES for line in missing[family]),
        cause="iptables-nft shares WSL's tables: `iptables -F`, `nft flush ruleset` or an iptables-restore "
        "without --noflush has taken WSL's rules with it",
        fix=Fix(
            "wslnet restart",
            (
                "let WSL start anew, which makes the chains again: wslnet restart",
                "have what flushes or restores whole tables in WSL delete its own rules one by one instead",
            ),
        ),
    )


def _missing(nft: str, family: str, links: Sequence[str]) -> Iterator[str]:
    marks = _rules(nft, family, "filter", "WSLOUTPUT")
    if marks is None:
        yield f"{family} filter WSLOUTPUT is missing"
    elif not any(_MARK.search(rule) for rule in marks):
        yield f"{family} filter WSLOUTPUT does not set mark 0x1"
    lines = _rules(nft, family, "nat", "WSLPOSTROUTING")
    if lines is None:
        yield f"{family} nat WSLPOSTROUTING is missing"
        return
    found = {(match["link"], match["proto"]) for rule in lines if (match := _MASQUERADE.search(rule))}
    for link in links:
        for proto in ("tcp", "udp"):
            if (link, proto) not in found:
                yield f"{family} nat WSLPOSTROUTING has no {proto} masquerade for {link}"


def _rules(nft: str, family: str, table: str, chain: str) -> list[str] | None:
    """The lines of one chain in the text of `nft list ruleset`; None if there is no such chain."""
    here: tuple[str, str] | None = None
    inside: str | None = None
    found: list[str] | None = None
    for line in nft.splitlines():
        if opened := _TABLE.match(line):
            here, inside = (opened["family"], opened["name"]), None
        elif line.startswith(("}", "table ")):
            here = None
        elif named := _CHAIN.match(line):
            inside = named["name"]
            if (here, inside) == ((family, table), chain):
                found = []
        elif line.strip() == "}":
            inside = None
        elif (here, inside) == ((family, table), chain) and found is not None:
            found.append(line.strip())
    return found


CHECK = Check(
    code=_SAY.code,
    title="WSL's own nft chains are whole",
    needs={Kind.WINDOWS: frozenset({"wsl"}), Kind.WSL: frozenset({"firewall", "links", "wsl"})},
    judge=on_wsl(_SAY, _judge),
    depends_on=MODE_KNOWN_BY,
    docs=_SAY.docs,
)
