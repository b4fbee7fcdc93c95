"""One rule of ours at the head of a built-in iptables chain of a Linux machine, known by its comment.

For translating addresses and for closing what another change opens; what only accepts forwarded packets is
`forward_accept`'s, which looks for the place that wins.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.errors import PlanRefused
from wslnet.model.change import Action, Change, Op
from wslnet.model.families import IPV4
from wslnet.model.linux_facts import LinuxFacts
from wslnet.netfilter.rules import OWN_MARK
from wslnet.netfilter.ruleset import parse_save

if TYPE_CHECKING:
    from wslnet.model.snapshot import MachineFacts
    from wslnet.netfilter.rules import Rule


@dataclass(frozen=True, slots=True)
class OwnRule:
    """`match` and `action` (words as iptables-save prints them) in `table` and `chain`; `tag` is its name.

    It must be asked before the rules of others in the chain: below one of them it is moved up. `below_ours`:
    other rules of ours that stand at the head are asked before it.
    """

    machine: str
    table: str
    chain: str
    tag: str
    match: tuple[str, ...]
    action: tuple[str, ...]
    why: str
    rows: tuple[str, ...] = ("S0-57", "S2-12")
    needs: frozenset[str] = frozenset({"firewall"})
    volatile: bool = True
    below_ours: bool = False

    @property
    def name(self) -> str:
        """Its identity: the chain and what the comment says."""
        return f"rule {self.tag} in {self.table} {self.chain}"

    @property
    def spec(self) -> tuple[str, ...]:
        """The rule's arguments, comment included."""
        return (*self.match, "-m", "comment", "--comment", f"{OWN_MARK}{self.tag}", *self.action)

    def diff(self, facts: MachineFacts) -> tuple[Change, ...]:
        """The rule to insert; before it, those of this tag that are not as declared or stand too low.

        Raises:
            PlanRefused: the machine has no iptables.
        """
        firewall = facts.firewall if isinstance(facts, LinuxFacts) else None
        if firewall is None:
            return ()
        backend = firewall.default
        if backend is None:
            raise PlanRefused(
                f"{self.machine}: a port is published by rules of iptables, and there is no iptables",
                machine=self.machine,
                hint="install the package iptables",
            )
        table = parse_save(firewall.backends[backend].get("4") or "", backend, "ip").get(self.table)
        listed = table.chains[self.chain].listed if table is not None and self.chain in table.chains else ()
        ours = [rule for rule in listed if rule.comment == f"{OWN_MARK}{self.tag}"]
        if len(ours) == 1 and ours[0].spec == self.spec and _is_asked_first(ours[0], listed):
            return ()
        # Of equal rules the first one is deleted: they go in their order, each from its place of then.
        stale = [
            self._change(backend, Action.REMOVE, rule.spec, rule.number - gone)
            for gone, rule in enumerate(ours)
        ]
        place = 1 + (_leading(listed, self.tag) if self.below_ours else 0)
        return (*stale, self._change(backend, Action.ADD, self.spec, place))

    def keep(self, facts: MachineFacts) -> Op | None:
        """The op that inserts it; None without iptables."""
        firewall = facts.firewall if isinstance(facts, LinuxFacts) else None
        if firewall is None or firewall.default is None:
            return None
        return self._change(firewall.default, Action.ADD, self.spec, 1).do

    def _change(self, backend: str, action: Action, spec: tuple[str, ...], number: int) -> Change:
        where: dict[str, object] = {
            "backend": backend,
            "family": IPV4,
            "table": self.table,
            "chain": self.chain,
            "spec": spec,
        }
        insert, delete = Op("rule.insert", {**where, "position": number}), Op("rule.delete", where)
        is_new = action is Action.ADD
        text = f"{self.table} {self.chain} rule {number}: {' '.join(spec)}"
        return Change(
            machine=self.machine,
            resource=self.name,
            action=action,
            before=None if is_new else text,
            after=text if is_new else "gone",
            why=self.why if is_new else "it is not as declared, or others are asked before it",
            do=insert if is_new else delete,
            undo=delete if is_new else insert,
            rows=self.rows,
        )


def _leading(listed: tuple[Rule, ...], tag: str) -> int:
    """How many other rules of ours stand at the head, those of this tag aside."""
    others = [one for one in listed if one.comment != f"{OWN_MARK}{tag}"]
    return next((at for at, one in enumerate(others) if not one.ours), len(others))


def _is_asked_first(rule: Rule, listed: tuple[Rule, ...]) -> bool:
    """Whether nobody else's rule stands above it."""
    return all(one.ours for one in listed if one.number < rule.number)
