"""A second route to a network that a card is in, which says from which address packets leave for it.

Windows mirrors the route of a prefix without a source: with two addresses on one card Linux takes the first
for both (microsoft/WSL#12548). Ours stands before WSL's by its metric; WSL's stays as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.model.change import Action, Change, Op
from wslnet.model.families import MAIN_TABLE
from wslnet.model.linux_facts import LinuxFacts
from wslnet.resources.static_route import OWN_PROTOCOL

if TYPE_CHECKING:
    from wslnet.model.linux_network import Route
    from wslnet.model.snapshot import MachineFacts


@dataclass(frozen=True, slots=True)
class SourceRoute:
    """An on-link route of the main table with a source address and a metric below that of WSL's own."""

    machine: str
    dst: str
    dev: str
    src: str
    metric: int
    why: str
    rows: tuple[str, ...] = ()
    needs: frozenset[str] = frozenset({"routes"})
    volatile: bool = True

    @property
    def name(self) -> str:
        """Its identity: destination and card."""
        return f"source of {self.dst} dev {self.dev}"

    def diff(self, facts: MachineFacts) -> tuple[Change, ...]:
        """The route to add, and before it own ones with another source or metric to remove."""
        routes = (facts.routes if isinstance(facts, LinuxFacts) else None) or ()
        found = [(one.src, one.metric) for one in routes if self._is_ours(one)]
        wanted = (self.src, self.metric)
        stale = [self._change(Action.REMOVE, *one) for one in found if one != wanted]
        new = () if wanted in found else (self._change(Action.ADD, *wanted),)
        return (*stale, *new)

    def keep(self, _: MachineFacts) -> Op:
        """The op that adds it."""
        return Op("route.add", self._args(self.src, self.metric))

    def _is_ours(self, route: Route) -> bool:
        where = (route.family, route.dst, route.table, route.dev, route.via)
        return where == (4, self.dst, MAIN_TABLE, self.dev, None) and route.proto == OWN_PROTOCOL

    def _args(self, src: str | None, metric: int) -> dict[str, object]:
        return {
            "family": 4,
            "dst": self.dst,
            "via": None,
            "dev": self.dev,
            "src": src,
            "table": MAIN_TABLE,
            "proto": OWN_PROTOCOL,
            "metric": metric,
        }

    def _change(self, action: Action, src: str | None, metric: int) -> Change:
        text = f"{self.dst} dev {self.dev} src {src} metric {metric}"
        add, delete = (Op(verb, self._args(src, metric)) for verb in ("route.add", "route.delete"))
        is_new = action is Action.ADD
        return Change(
            machine=self.machine,
            resource=self.name,
            action=action,
            before=None if is_new else text,
            after=text if is_new else None,
            why=self.why if is_new else "the address or WSL's own metric has changed",
            do=add if is_new else delete,
            undo=delete if is_new else add,
            rows=self.rows,
        )
