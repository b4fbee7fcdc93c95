"""Letting the guests of a bridge through one filtering chain: among themselves, out, and answers back.

What passes between two ports of one bridge is asked, too, while br_netfilter is loaded (Docker and WSL do
so), and Docker drops it. As with every accept of ours its place counts, and it is found by walking.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from wslnet.errors import PlanRefused
from wslnet.model.change import Action, Change, Op
from wslnet.model.linux_facts import LinuxFacts
from wslnet.model.linux_network import Firewall
from wslnet.netfilter.placing import USUAL, first_stop, head_that_wins, place_of
from wslnet.netfilter.rules import NFT, Act, Field, Match, Place, Rule
from wslnet.netfilter.view import base_chains
from wslnet.netfilter.walk import Packet
from wslnet.resources.forward_accept import describe

if TYPE_CHECKING:
    from wslnet.model.snapshot import MachineFacts
    from wslnet.netfilter.view import Base

_HOOK = "forward"
_PROBED = (("tcp", 22), ("icmp", None), ("udp", 33434))
_ELSEWHERE = "198.51.100.1"
"""Somebody out there (RFC 5737: nobody has it)."""
_STATES = ("RELATED", "ESTABLISHED")


class Way(StrEnum):
    """Which packets: between two ports, out from a guest, or answers to a guest."""

    INSIDE = "inside"
    OUT = "out"
    BACK = "back"


@dataclass(frozen=True, slots=True)
class BridgeForward:
    """Packets of a `way` of the bridge `link` pass the chain `place`; guests in `subnet`, out `uplink`."""

    machine: str
    link: str
    subnet: str
    uplink: str
    way: Way
    comment: str
    why: str
    place: Place = USUAL
    rows: tuple[str, ...] = ("S2-07", "S2-08")
    needs: frozenset[str] = frozenset({"firewall"})
    volatile: bool = True

    @property
    def name(self) -> str:
        """Its identity: bridge, way, and the chain where it is not the usual one."""
        where = str(self.place)
        return f"forward {self.link} {self.way}" + ("" if where == str(USUAL) else f" in {where}")

    def diff(self, facts: MachineFacts) -> tuple[Change, ...]:
        """The accept to insert where it wins; nothing when such packets pass already.

        Raises:
            PlanRefused: no accept can win there, or the table's owner lets nobody else write.
        """
        base = self._base(facts)
        found = None if base is None else first_stop(base, self._packets())
        if base is None or found is None:
            return ()
        chain = head_that_wins(base, self._accept(), self._packets())
        if chain is None or base.table.locked:
            raise PlanRefused(
                f"{self.machine}: {describe(found)} stops the guests of {self.link} ({self.way}): no accept "
                "can win there",
                machine=self.machine,
            )
        do, undo = self._ops(base, chain)
        change = Change(
            machine=self.machine,
            resource=self.name,
            action=Action.ADD,
            before=describe(found),
            after=f"{base.table.title} {chain} rule 1: ACCEPT {self.way} of {self.link}",
            why=self.why,
            do=do,
            undo=undo,
            rows=self.rows,
        )
        return (change,)

    def _accept(self) -> Rule:
        bridge, subnet = (self.link,), (self.subnet,)
        matches = {
            Way.INSIDE: (Match(Field.IIF, bridge), Match(Field.OIF, bridge)),
            Way.OUT: (Match(Field.SRC, subnet), Match(Field.IIF, bridge)),
            Way.BACK: (Match(Field.DST, subnet), Match(Field.OIF, bridge), Match(Field.STATE, _STATES)),
        }
        return Rule(0, (), "", matches[self.way], Act.ACCEPT)

    def _ops(self, base: Base, chain: str) -> tuple[Op, Op]:
        where: dict[str, object] = {"table": base.table.name, "chain": chain}
        if base.table.backend == NFT:
            words = {
                Way.INSIDE: f'iifname "{self.link}" oifname "{self.link}"',
                Way.OUT: f'ip saddr {self.subnet} iifname "{self.link}"',
                Way.BACK: f'ip daddr {self.subnet} oifname "{self.link}" ct state established,related',
            }[self.way]
            rule = f'{words} counter accept comment "{self.comment}:{self.way}"'
            where |= {"family": base.table.family, "rule": rule}
            return Op("nft.insert", {**where, "position": 1}), Op("nft.delete", where)
        spec: tuple[str, ...] = {
            Way.INSIDE: ("-i", self.link, "-o", self.link),
            Way.OUT: ("-s", self.subnet, "-i", self.link),
            Way.BACK: ("-d", self.subnet, "-o", self.link, "-m", "conntrack", "--ctstate", ",".join(_STATES)),
        }[self.way]
        comment = ("-m", "comment", "--comment", f"{self.comment}:{self.way}")
        where |= {"backend": base.table.backend, "family": 4, "spec": (*spec, *comment, "-j", "ACCEPT")}
        return Op("rule.insert", {**where, "position": 1}), Op("rule.delete", where)

    def _base(self, facts: MachineFacts) -> Base | None:
        firewall = (facts.firewall if isinstance(facts, LinuxFacts) else None) or Firewall()
        place = self.place if self.place.backend else replace(self.place, backend=firewall.default or NFT)
        return next((base for base in base_chains(firewall, _HOOK) if place_of(base) == place), None)

    def _packets(self) -> tuple[Packet, ...]:
        network = ipaddress.ip_network(self.subnet)
        guest, other = str(network.network_address + 1), str(network.network_address + 2)
        ends = {
            Way.INSIDE: (guest, other, self.link, self.link, "NEW"),
            Way.OUT: (guest, _ELSEWHERE, self.link, self.uplink, "NEW"),
            Way.BACK: (_ELSEWHERE, guest, self.uplink, self.link, "ESTABLISHED"),
        }
        src, dst, iif, oif, state = ends[self.way]
        return tuple(Packet(src, dst, iif, oif, proto, port, state) for proto, port in _PROBED)
