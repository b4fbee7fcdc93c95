"""Hiding one subnet behind this machine's address: a MASQUERADE of its source alone (note 004 hid everybody).

Without a way out by name it follows the routes, so it survives a change of uplink (mirrored mode numbers
its cards anew). It never sets mark 0x1, by which WSL skips its own masquerade (wsl-guest-facts 5).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.errors import PlanRefused
from wslnet.model.change import Action, Change, Op
from wslnet.model.linux_facts import LinuxFacts
from wslnet.netfilter.rules import NFT
from wslnet.netfilter.view import base_chains

if TYPE_CHECKING:
    from wslnet.model.snapshot import MachineFacts
    from wslnet.netfilter.view import Base

_TABLE, _HOOK = "nat", "postrouting"


@dataclass(frozen=True, slots=True)
class Masquerade:
    """What comes from `subnet` and is not for it leaves (by `oif` alone, where one is named) as from here."""

    machine: str
    subnet: str
    comment: str
    why: str
    oif: str | None = None
    rows: tuple[str, ...] = ("S4-11", "S4-12", "S4-14")
    needs: frozenset[str] = frozenset({"firewall"})
    volatile: bool = True

    @property
    def name(self) -> str:
        """Its identity: the subnet."""
        return f"masquerade {self.subnet}"

    def diff(self, facts: MachineFacts) -> tuple[Change, ...]:
        """The rule to insert at the head of the chain; nothing when it stands anywhere in it.

        Raises:
            PlanRefused: the machine has no firewall tool to do it with.
        """
        firewall = facts.firewall if isinstance(facts, LinuxFacts) else None
        bases = base_chains(firewall, _HOOK) if firewall is not None else ()
        if any(rule.comment == self.comment for base in bases for rule in base.chain.rules):
            return ()
        if firewall is not None and firewall.default is not None:
            do, undo = self._by_iptables(firewall.default)
        else:
            do, undo = self._by_nft(bases)
        change = Change(
            machine=self.machine,
            resource=self.name,
            action=Action.ADD,
            before=None,
            after=f"{self.subnet} leaves {f'by {self.oif}' if self.oif else 'by any link'} as from here",
            why=self.why,
            do=do,
            undo=undo,
            rows=self.rows,
        )
        return (change,)

    def _by_iptables(self, backend: str) -> tuple[Op, Op]:
        way = ("-o", self.oif) if self.oif else ()
        comment = ("-m", "comment", "--comment", self.comment)
        args: dict[str, object] = {
            "backend": backend,
            "family": 4,
            "table": _TABLE,
            "chain": "POSTROUTING",
            "spec": ("-s", self.subnet, "!", "-d", self.subnet, *way, *comment, "-j", "MASQUERADE"),
        }
        return Op("rule.insert", {**args, "position": 1}), Op("rule.delete", args)

    def _by_nft(self, bases: tuple[Base, ...]) -> tuple[Op, Op]:
        base = next((one for one in bases if one.chain.kind == _TABLE and not one.table.locked), None)
        if base is None or base.table.backend != NFT:
            raise PlanRefused(
                f"{self.machine}: has neither iptables nor a chain of nftables for this: install iptables",
                machine=self.machine,
            )
        way = f'oifname "{self.oif}" ' if self.oif else ""
        args: dict[str, object] = {
            "family": base.table.family,
            "table": base.table.name,
            "chain": base.chain.name,
            "rule": f"ip saddr {self.subnet} ip daddr != {self.subnet} {way}counter masquerade "
            f'comment "{self.comment}"',
        }
        return Op("nft.insert", {**args, "position": 1}), Op("nft.delete", args)
