"""Does WSL's own filter (ufw and the like) let wished ports in, once Windows has let them through?"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from wslnet.checks.parts.findings import REACHABLE, Findings, look_again
from wslnet.checks.parts.wsl import on_wsl
from wslnet.model.finding import Check, Finding, Status
from wslnet.model.machine import Kind
from wslnet.model.topology import lan_address, lan_prefixes
from wslnet.netfilter.owners import owner_of
from wslnet.netfilter.view import base_chains
from wslnet.netfilter.walk import UNKNOWN, Packet, walk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.allow import Allow
    from wslnet.model.linux_facts import LinuxFacts
    from wslnet.model.linux_network import Firewall
    from wslnet.model.snapshot import Snapshot

_SAY = Findings("guest.input", docs="https://help.ubuntu.com/community/UFW")


def _judge(snapshot: Snapshot, machine: str, facts: LinuxFacts) -> Iterator[Finding]:
    if not snapshot.inventory.wish.allow:
        yield _SAY.ok(machine, "no port is wished")
    elif facts.firewall is None or facts.addresses is None:
        yield _SAY.unread(machine, "firewall and addresses")
    elif (here := lan_address(snapshot)) is None:
        yield _SAY.skip(machine, "no address of Windows on a LAN is known")
    else:
        yield _machine(snapshot, machine, facts, facts.firewall, here)


def _machine(snapshot: Snapshot, machine: str, facts: LinuxFacts, firewall: Firewall, here: str) -> Finding:
    stopped: dict[str, str] = {}
    owners: set[str] = set()
    for allow in snapshot.inventory.wish.allow:
        packet = _packet(snapshot, facts, allow, here)
        for base in base_chains(firewall, "input"):
            verdict = walk(base.table, base.chain.name, packet)
            if verdict.passes or verdict.target == UNKNOWN:
                continue
            rule = verdict.rule
            where = "policy" if rule is None else f"rule {rule.number}: {rule.text}"
            stopped[str(allow)] = f"{base.table.title} {verdict.chain} {where} ({verdict.target})"
            owners |= {owner_of(base.table, verdict.chain, rule) or "somebody"}
            break
    if not stopped:
        return _SAY.ok(machine, "no filter of WSL is known to keep wished ports shut")
    names = ", ".join(stopped)
    return _SAY.problem(
        Status.WARN,
        machine,
        f"WSL's own filter keeps {names} shut",
        evidence=[f"{machine}: {allow}: {words}" for allow, words in stopped.items()],
        cause=f"Windows lets them through, and a filter in WSL ({', '.join(sorted(owners))}) does not",
        fix=look_again(_SAY.code, *(_opening(allow, owners) for allow in stopped)),
    )


def _packet(snapshot: Snapshot, facts: LinuxFacts, allow: Allow, here: str) -> Packet:
    """The first packet of somebody of the LAN, to Windows' address, which a mirrored WSL has too."""
    iif = next((one.link for one in facts.addresses or () if one.address == here), "eth0")
    prefix = next(iter(lan_prefixes(snapshot)), "198.51.100.0/24")
    source = next(str(one) for one in ipaddress.ip_network(prefix).hosts() if str(one) != here)
    return Packet(source, here, iif, "", allow.proto, allow.port)


def _opening(allow: str, owners: set[str]) -> str:
    proto, _, port = allow.partition("@")[0].partition("/")
    if "ufw" in owners:
        return f"in WSL: ufw allow {port}/{proto}"
    return f"in WSL: let {proto} {port} in, above what stops it"


CHECK = Check(
    code=_SAY.code,
    title="WSL's own filter lets wished ports in",
    needs={
        Kind.WINDOWS: frozenset({"addresses", "routes"}),
        Kind.WSL: frozenset({"firewall", "addresses"}),
    },
    judge=on_wsl(_SAY, _judge),
    depends_on=(REACHABLE,),
    docs=_SAY.docs,
)
