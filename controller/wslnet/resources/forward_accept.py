"""Letting one subnet open connections to another through a Linux machine's FORWARD chain.

libvirt puts REJECT rules behind its own accepts; an accept of ours must stand above them and its place, not
its presence, is what counts (linux-facts B2). So the difference is found by walking a packet through the
saved rules, and a rule of somebody else that lets it pass is as good as ours.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.model.change import Action, Change, Op
from wslnet.model.linux_facts import LinuxFacts
from wslnet.netfilter.ruleset import parse_save
from wslnet.netfilter.walk import Packet, Verdict, walk

if TYPE_CHECKING:
    from wslnet.model.snapshot import MachineFacts
    from wslnet.netfilter.ruleset import Table

_CHAIN = "FORWARD"


@dataclass(frozen=True, slots=True)
class ForwardAccept:
    """New connections from `src` to `dst` (prefixes), in by `iif` and out by `oif`, are let through."""

    machine: str
    src: str
    dst: str
    iif: str
    oif: str
    why: str
    rows: tuple[str, ...] = ("S0-37", "S0-38")
    needs: frozenset[str] = frozenset({"firewall"})
    volatile: bool = True

    @property
    def name(self) -> str:
        """Its identity: from where to where."""
        return f"forward {self.src} -> {self.dst}"

    def diff(self, facts: MachineFacts) -> tuple[Change, ...]:
        """The accept to insert at the head of FORWARD; nothing when such a packet passes already."""
        found = self.verdict(facts)
        if found is None or found.passes:
            return ()
        args: dict[str, object] = {
            "backend": default_backend(facts),
            "family": 4,
            "table": "filter",
            "chain": _CHAIN,
            "spec": self.spec,
        }
        change = Change(
            machine=self.machine,
            resource=self.name,
            action=Action.ADD,
            before=describe(found),
            after=f"filter FORWARD rule 1: ACCEPT {self.src} -> {self.dst}",
            why=self.why,
            do=Op("rule.insert", {**args, "position": 1}),
            undo=Op("rule.delete", args),
            rows=self.rows,
        )
        return (change,)

    @property
    def spec(self) -> tuple[str, ...]:
        """The rule's arguments as iptables-save prints them, with our comment."""
        comment = ("-m", "comment", "--comment", f"wslnet:{self.src}->{self.dst}")
        return ("-s", self.src, "-d", self.dst, *comment, "-j", "ACCEPT")

    def verdict(self, facts: MachineFacts) -> Verdict | None:
        """What FORWARD says to the first packet; None when there is no firewall at all."""
        table = filter_table(facts)
        if table is None:
            return None
        packet = Packet(_host_of(self.src), _host_of(self.dst), self.iif, self.oif, "tcp", 22)
        return walk(table, _CHAIN, packet)


def default_backend(facts: MachineFacts) -> str:
    """The iptables back end in use; plain `iptables` when the machine did not say."""
    firewall = facts.firewall if isinstance(facts, LinuxFacts) else None
    return (firewall.default if firewall is not None else None) or "iptables"


def filter_table(facts: MachineFacts) -> Table | None:
    """The IPv4 filter table of the back end in use, None if there is none."""
    firewall = facts.firewall if isinstance(facts, LinuxFacts) else None
    if firewall is None or firewall.default is None:
        return None
    saved = firewall.backends.get(firewall.default, {}).get("4")
    return parse_save(saved).get("filter") if saved else None


def describe(verdict: Verdict) -> str:
    """The deciding rule in the words of the contract: `filter FORWARD rule 7: REJECT …`."""
    if verdict.rule is None:
        return f"filter {verdict.chain} policy: {verdict.target}"
    return f"filter {verdict.chain} rule {verdict.rule.number}: {verdict.target} ({verdict.rule.text})"


def _host_of(prefix: str) -> str:
    network = ipaddress.ip_network(prefix)
    return str(network.network_address + (2 if network.num_addresses > 2 else 0))  # noqa: PLR2004
