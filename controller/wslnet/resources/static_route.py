"""A static route on a Linux machine (`ip route add 192.168.124.0/24 via 192.168.122.191 dev virbr0`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.errors import PlanRefused
from wslnet.model.change import Action, Change, Op
from wslnet.model.families import MAIN_TABLE
from wslnet.model.linux_facts import LinuxFacts

if TYPE_CHECKING:
    from wslnet.model.linux_network import Route
    from wslnet.model.snapshot import MachineFacts

OWN_PROTOCOL = 119
"""Routing protocol number that marks routes of wslnet: one that /etc/iproute2/rt_protos gives to nobody."""


@dataclass(frozen=True, slots=True)
class StaticRoute:
    """A route in the main table, marked as ours by its protocol number."""

    machine: str
    dst: str
    via: str
    dev: str
    why: str
    rows: tuple[str, ...] = ("S0-24", "S0-25")
    needs: frozenset[str] = frozenset({"routes"})
    volatile: bool = True

    @property
    def name(self) -> str:
        """Its identity: the destination."""
        return f"route {self.dst}"

    def diff(self, facts: MachineFacts) -> tuple[Change, ...]:
        """The route to add, and before it the own route to remove when its next hop has moved.

        Raises:
            PlanRefused: somebody else's route to the same destination leads elsewhere, or ours was altered to
                what could not be put back.
        """
        found = self._found(facts)
        if found is not None and (found.via, found.dev) == (self.via, self.dev):
            return ()
        if found is not None and not _is_ours(found):
            raise PlanRefused(
                f"{self.machine}: {_text(found)} exists already and was not made by wslnet; "
                f"remove it or correct the inventory (wanted: via {self.via} dev {self.dev})",
                machine=self.machine,
            )
        stale = () if found is None else (self._change(Action.REMOVE, found.via, found.dev, found.metric),)
        return (*stale, self._change(Action.ADD, self.via, self.dev))

    def keep(self, _: MachineFacts) -> Op:
        """The op that adds it."""
        return Op("route.add", self._args(self.via, self.dev))

    def _args(self, via: str | None, dev: str | None, metric: int = 0) -> dict[str, object]:
        return {
            "family": 4,
            "dst": self.dst,
            "via": via,
            "dev": dev,
            "table": MAIN_TABLE,
            "proto": OWN_PROTOCOL,
            "metric": metric,
        }

    def _change(self, action: Action, via: str | None, dev: str | None, metric: int = 0) -> Change:
        args = self._args(via, dev, metric)
        text = f"{self.dst} via {via} dev {dev}"
        add, delete = Op("route.add", args), Op("route.delete", args)
        return Change(
            machine=self.machine,
            resource=self.name,
            action=action,
            before=text if action is Action.REMOVE else None,
            after=text if action is Action.ADD else None,
            why=self.why if action is Action.ADD else "its next hop has moved",
            do=add if action is Action.ADD else delete,
            undo=delete if action is Action.ADD else add,
            rows=self.rows,
        )

    def _found(self, facts: MachineFacts) -> Route | None:
        routes = facts.routes if isinstance(facts, LinuxFacts) else None
        same = (one for one in routes or () if (one.family, one.dst, one.table) == (4, self.dst, MAIN_TABLE))
        return min(same, key=lambda route: route.metric, default=None)


def _is_ours(route: Route) -> bool:
    """Whether it is one that wslnet makes, with nothing about it that `route.add` would not put back."""
    plain = route.type == "unicast" and route.src is None and "onlink" not in route.flags
    return route.proto == OWN_PROTOCOL and plain and route.dev is not None


def _text(route: Route) -> str:
    via = f" via {route.via}" if route.via else ""
    return f"{route.dst}{via} dev {route.dev}"
