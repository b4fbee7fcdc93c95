"""One firewall rule less on a Linux machine, known by its exact words and chain, whoever made it.

Of equal rules in one chain the first goes; to have several go, there is one of these for each. What cannot be
put back as it was is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.errors import PlanRefused
from wslnet.model.change import Action, Change, Op
from wslnet.model.linux_facts import LinuxFacts
from wslnet.netfilter.rules import NFT, Place, rule_id
from wslnet.netfilter.view import tables

if TYPE_CHECKING:
    from wslnet.model.snapshot import MachineFacts
    from wslnet.netfilter.rules import Chain, Rule, Table

_NUMBERS = {"ip": 4, "ip6": 6}
_UNPRINTED = "#"


@dataclass(frozen=True, slots=True)
class AbsentRule:
    """The rule that reads as `text` stands at most `left` times in its chain.

    `earlier`: the rules of that chain that the same plan deletes before it; so it goes back to its place.
    """

    machine: str
    place: Place
    text: str
    why: str
    left: int = 0
    earlier: tuple[str, ...] = ()
    rows: tuple[str, ...] = ("S4-31",)
    needs: frozenset[str] = frozenset({"firewall"})
    volatile: bool = True

    @property
    def name(self) -> str:
        """Its identity: the chain and the rule's id, and which one of equal rules."""
        which = f" ({self.left + 1})" if self.left else ""
        return f"rule {rule_id(self.place, self.text)} of {self.place.table} {self.place.chain}{which}"

    def diff(self, facts: MachineFacts) -> tuple[Change, ...]:
        """The rule to delete; nothing when it is gone.

        Raises:
            PlanRefused: its table is locked by its owner, or its words do not say all that it does.
        """
        table = self._table(facts)
        chain = table.chains.get(self.place.chain) if table is not None else None
        equal = [rule for rule in chain.listed if rule.text == self.text] if chain is not None else []
        if table is None or chain is None or len(equal) <= self.left:
            return ()
        if table.locked:
            raise PlanRefused(
                f"{self.machine}: the owner of table {table.title} lets nobody else change it",
                machine=self.machine,
            )
        number = self._number(chain)
        do, undo = self._ops(equal[0], number)
        change = Change(
            machine=self.machine,
            resource=self.name,
            action=Action.REMOVE,
            before=f"{table.title} {self.place.chain} rule {number}: {self.text}",
            after="gone",
            why=self.why,
            do=do,
            undo=undo,
            rows=self.rows,
        )
        return (change,)

    def _number(self, chain: Chain) -> int:
        """Its number when its turn comes."""
        texts = [rule.text for rule in chain.listed]
        for text in self.earlier:
            texts.remove(text)
        return texts.index(self.text) + 1

    def _table(self, facts: MachineFacts) -> Table | None:
        firewall = facts.firewall if isinstance(facts, LinuxFacts) else None
        if firewall is None:
            return None
        wanted = (self.place.backend, self.place.family, self.place.table)
        families = (6,) if self.place.family == "ip6" else (4,)
        found = (table for family in families for table in tables(firewall, family))
        return next((one for one in found if (one.backend, one.family, one.name) == wanted), None)

    def _ops(self, rule: Rule, number: int) -> tuple[Op, Op]:
        where: dict[str, object] = {"table": self.place.table, "chain": self.place.chain}
        # A guard may have put it back already; an insertion that knows no better would make it twice.
        position = {"position": number, "equal": self.left}
        if self.place.backend == NFT:
            if _UNPRINTED in rule.spec:
                reason = "nft prints it in part only, so it could not be put back"
                raise PlanRefused(
                    f"{self.machine}: rule {rule.number} of {self.place}: {reason}: {rule.text}",
                    machine=self.machine,
                )
            where |= {"family": self.place.family, "rule": rule.text}
            return Op("nft.delete", where), Op("nft.insert", {**where, **position})
        family = _NUMBERS[self.place.family]
        where |= {"backend": self.place.backend, "family": family, "spec": rule.spec}
        return Op("rule.delete", where), Op("rule.insert", {**where, **position})
