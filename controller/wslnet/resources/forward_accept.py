"""Letting one subnet open connections to another through one filtering chain of a Linux machine.

libvirt, Docker, ufw and firewalld put their rejects behind their own accepts; an accept of ours must stand
above them, and its place, not its presence, is what counts (linux-facts B2). So the difference is found by
walking packets through the rules, and a rule of somebody else that lets them pass is as good as ours.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from wslnet.errors import PlanRefused
from wslnet.model.change import Action, Change, Op
from wslnet.model.linux_facts import Firewall, LinuxFacts
from wslnet.netfilter.placing import USUAL, first_stop, place_of, winning_chain
from wslnet.netfilter.rules import NFT, OWN_MARK, Place
from wslnet.netfilter.view import base_chains
from wslnet.netfilter.walk import Packet

if TYPE_CHECKING:
    from wslnet.model.snapshot import MachineFacts
    from wslnet.netfilter.placing import Stop
    from wslnet.netfilter.view import Base

_HOOK = "forward"
_FIREWALLD = "firewalld"
_POLICY = (
    "give firewalld a policy with ingress and egress zone ANY and the rich rule "
    'family="ipv4" source address="{src}" destination address="{dst}" accept, and the same the other way'
)
# What is accepted is every protocol; these stand for it: what the note pings and logs in with, and the rest.
_PROBED = (("tcp", 22), ("icmp", None), ("udp", 33434))


@dataclass(frozen=True, slots=True)
class ForwardAccept:
    """New connections from `src` to `dst` (prefixes), in by `iif`, out by `oif`, pass the chain `place`."""

    machine: str
    src: str
    dst: str
    iif: str
    oif: str
    why: str
    place: Place = USUAL
    rows: tuple[str, ...] = ("S0-37", "S0-38")
    needs: frozenset[str] = frozenset({"firewall"})
    volatile: bool = True

    @property
    def name(self) -> str:
        """Its identity: from where to where, and in which chain where it is not the usual one."""
        where = str(self.place)
        return f"forward {self.src} -> {self.dst}" + ("" if where == str(USUAL) else f" in {where}")

    @property
    def comment(self) -> str:
        """What marks the rule as ours."""
        return f"{OWN_MARK}{self.src}->{self.dst}"

    def stop(self, facts: MachineFacts) -> Stop | None:
        """Where such packets end in the chain; None when they pass or there is no such chain."""
        base = self._base(facts)
        return None if base is None else first_stop(base, self._packets())

    def diff(self, facts: MachineFacts) -> tuple[Change, ...]:
        """The accept to insert where it wins; nothing when such packets pass already.

        Raises:
            PlanRefused: no accept can win there, or the table's owner lets nobody else write.
        """
        found = self.stop(facts)
        if found is None:
            return ()
        base = found.base
        chain = winning_chain(base, self.src, self.dst, self._packets())
        if chain is None or base.table.locked:
            reason = (
                "its owner lets nobody else change it" if base.table.locked else "no accept can win there"
            )
            raise PlanRefused(
                f"{self.machine}: {describe(found)} stops {self.src} -> {self.dst}: {reason}",
                machine=self.machine,
                hint=_POLICY.format(src=self.src, dst=self.dst) if base.table.name == _FIREWALLD else None,
            )
        do, undo = self._ops(base, chain)
        change = Change(
            machine=self.machine,
            resource=self.name,
            action=Action.ADD,
            before=describe(found),
            after=f"{base.table.title} {chain} rule 1: ACCEPT {self.src} -> {self.dst}",
            why=self.why,
            do=do,
            undo=undo,
            rows=self.rows,
        )
        return (change,)

    def keep(self, facts: MachineFacts) -> Op | None:
        """The op that inserts it; None where packets pass without a rule of ours."""
        for change in self.diff(facts):
            return change.do
        base = self._base(facts)
        chains = base.table.chains.values() if base is not None else ()
        mine = (one.name for one in chains if any(rule.comment == self.comment for rule in one.rules))
        chain = next(mine, None)
        return None if base is None or chain is None else self._ops(base, chain)[0]

    def command(self, facts: MachineFacts) -> str:
        """The same in the words that one would type; of the usual chain if the facts do not say more."""
        base = self._base(facts)
        if base is None or base.table.backend != NFT:
            usual = base is None or base.table.backend == _firewall(facts).default
            tool = "iptables" if base is None or usual else base.table.backend
            chain = self.place.chain if base is None else self._chain(base)
            return f"{tool} -I {chain} 1 -s {self.src} -d {self.dst} -j ACCEPT"
        target = f"{base.table.family} {base.table.name} {self._chain(base)}"
        return f"nft insert rule {target} ip saddr {self.src} ip daddr {self.dst} accept"

    def _chain(self, base: Base) -> str:
        return winning_chain(base, self.src, self.dst, self._packets()) or base.chain.name

    def _ops(self, base: Base, chain: str) -> tuple[Op, Op]:
        if base.table.backend == NFT:
            words = f'ip saddr {self.src} ip daddr {self.dst} counter accept comment "{self.comment}"'
            where: dict[str, object] = {
                "family": base.table.family,
                "table": base.table.name,
                "chain": chain,
                "rule": words,
            }
            return Op("nft.insert", {**where, "position": 1}), Op("nft.delete", where)
        comment = ("-m", "comment", "--comment", self.comment)
        args: dict[str, object] = {
            "backend": base.table.backend,
            "family": 4,
            "table": base.table.name,
            "chain": chain,
            "spec": ("-s", self.src, "-d", self.dst, *comment, "-j", "ACCEPT"),
        }
        return Op("rule.insert", {**args, "position": 1}), Op("rule.delete", args)

    def _base(self, facts: MachineFacts) -> Base | None:
        firewall = _firewall(facts)
        place = self.place if self.place.backend else replace(self.place, backend=firewall.default or NFT)
        return next((base for base in base_chains(firewall, _HOOK) if place_of(base) == place), None)

    def _packets(self) -> tuple[Packet, ...]:
        src, dst = _host_of(self.src), _host_of(self.dst)
        return tuple(Packet(src, dst, self.iif, self.oif, proto, port) for proto, port in _PROBED)


def _firewall(facts: MachineFacts) -> Firewall:
    return (facts.firewall if isinstance(facts, LinuxFacts) else None) or Firewall()


def forward_places(firewall: Firewall | None) -> tuple[Place, ...]:
    """The chains that can stop a forwarded IPv4 packet; the usual one when none can."""
    bases = base_chains(firewall, _HOOK) if firewall is not None else ()
    return tuple(place_of(base) for base in bases if base.filters) or (USUAL,)


def describe(stop: Stop) -> str:
    """The deciding rule in the words of the contract: `filter FORWARD rule 7: REJECT …`."""
    verdict, title = stop.verdict, stop.base.table.title
    if verdict.rule is None:
        return f"{title} {verdict.chain} policy: {verdict.target}"
    return f"{title} {verdict.chain} rule {verdict.rule.number}: {verdict.target} ({verdict.rule.text})"


def _host_of(prefix: str) -> str:
    network = ipaddress.ip_network(prefix)
    return str(network.network_address + (2 if network.num_addresses > 2 else 0))  # noqa: PLR2004
