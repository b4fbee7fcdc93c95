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
from wslnet.model.linux_facts import LinuxFacts
from wslnet.model.linux_network import Firewall
from wslnet.netfilter.placing import USUAL, first_stop, head_that_wins, place_of, winning_chain
from wslnet.netfilter.rules import NFT, OWN_MARK, Act, Field, Match, Place, Rule
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
_REPLY = "ESTABLISHED"
_CLIENT_PORT = 50000
# What is accepted is every protocol; these stand for it: what the note pings and logs in with, and the rest.
_PROBED = (("tcp", 22), ("icmp", None), ("udp", 33434))


ANYBODY = "0.0.0.0/0"


@dataclass(frozen=True, slots=True)
class Service:
    """One port that alone is accepted, or (`replies`) what comes back from it; `tag`: the rule's comment."""

    proto: str
    port: int
    tag: str
    replies: bool = False

    def __str__(self) -> str:
        return f"{self.proto}/{self.port}" + (" replies" if self.replies else "")


@dataclass(frozen=True, slots=True)
class ForwardAccept:
    """New connections from `src` to `dst` (prefixes), in by `iif`, out by `oif`, pass the chain `place`.

    Of every protocol, or of one `service`.
    """

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
    service: Service | None = None

    @property
    def name(self) -> str:
        """Its identity: from where to where, and in which chain where it is not the usual one."""
        where = str(self.place)
        return f"forward {self._words()}" + ("" if where == str(USUAL) else f" in {where}")

    @property
    def comment(self) -> str:
        """What marks the rule as ours."""
        return f"{OWN_MARK}{self.service.tag if self.service is not None else f'{self.src}->{self.dst}'}"

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
        chain = self._winning(base)
        if chain is None or base.table.locked:
            reason = (
                "its owner lets nobody else change it" if base.table.locked else "no accept can win there"
            )
            raise PlanRefused(
                f"{self.machine}: {describe(found)} stops {self._words()}: {reason}",
                machine=self.machine,
                hint=_POLICY.format(src=self.src, dst=self.dst) if base.table.name == _FIREWALLD else None,
            )
        do, undo = self._ops(base, chain)
        change = Change(
            machine=self.machine,
            resource=self.name,
            action=Action.ADD,
            before=describe(found),
            after=f"{base.table.title} {chain} rule 1: ACCEPT {self._words()}",
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
            return f"{tool} -I {chain} 1 {' '.join(self._iptables_words())} -j ACCEPT"
        target = f"{base.table.family} {base.table.name} {self._chain(base)}"
        return f"nft insert rule {target} {' '.join(self._nft_words())} accept"

    def _chain(self, base: Base) -> str:
        return self._winning(base) or base.chain.name

    def _winning(self, base: Base) -> str | None:
        if self.service is None:
            return winning_chain(base, self.src, self.dst, self._packets())
        asked = Field.SPORT if self.service.replies else Field.DPORT
        matches = (
            Match(Field.SRC, (self.src,)),
            Match(Field.DST, (self.dst,)),
            Match(Field.PROTO, (self.service.proto,)),
            Match(asked, (str(self.service.port),)),
        )
        return head_that_wins(base, Rule(0, (), "", matches, Act.ACCEPT), self._packets())

    def _iptables_words(self) -> tuple[str, ...]:
        """As iptables prints them again: any source is not printed."""
        source = () if self.src == ANYBODY else ("-s", self.src)
        ends = (*source, *(() if self.dst == ANYBODY else ("-d", self.dst)))
        if self.service is None:
            return ends
        proto, port = self.service.proto, str(self.service.port)
        if not self.service.replies:
            return (*ends, "-p", proto, "-m", proto, "--dport", port)
        state = ("-m", "conntrack", "--ctstate", "RELATED,ESTABLISHED")
        return (*ends, "-p", proto, "-m", proto, "--sport", port, *state)

    def _nft_words(self) -> tuple[str, ...]:
        """As nft prints them again: any source is not printed, and one address without its length."""
        source = () if self.src == ANYBODY else ("ip", "saddr", self.src.removesuffix("/32"))
        ends = (*source, *(() if self.dst == ANYBODY else ("ip", "daddr", self.dst.removesuffix("/32"))))
        if self.service is None:
            return ends
        proto, port = self.service.proto, str(self.service.port)
        if not self.service.replies:
            return (*ends, proto, "dport", port)
        return (*ends, proto, "sport", port, "ct", "state", "established,related")

    def _ops(self, base: Base, chain: str) -> tuple[Op, Op]:
        if base.table.backend == NFT:
            words = f'{" ".join(self._nft_words())} counter accept comment "{self.comment}"'
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
            "spec": (*self._iptables_words(), *comment, "-j", "ACCEPT"),
        }
        return Op("rule.insert", {**args, "position": 1}), Op("rule.delete", args)

    def _base(self, facts: MachineFacts) -> Base | None:
        firewall = _firewall(facts)
        place = self.place if self.place.backend else replace(self.place, backend=firewall.default or NFT)
        return next((base for base in base_chains(firewall, _HOOK) if place_of(base) == place), None)

    def _words(self) -> str:
        port = "" if self.service is None else f" {self.service}"
        return f"{self.src} -> {self.dst}{port}"

    def _packets(self) -> tuple[Packet, ...]:
        src, dst = _host_of(self.src), _host_of(self.dst)
        service = self.service
        if service is not None and service.replies:
            return (Packet(src, dst, self.iif, self.oif, service.proto, _CLIENT_PORT, _REPLY, service.port),)
        probed = _PROBED if service is None else ((service.proto, service.port),)
        return tuple(Packet(src, dst, self.iif, self.oif, proto, port) for proto, port in probed)


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
