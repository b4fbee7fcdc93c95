"""A static route on a Linux machine (`ip route add 192.168.124.0/24 via 192.168.122.191 dev virbr0`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.errors import PlanRefused
from wslnet.model.change import Action, Change, Op
from wslnet.model.linux_facts import LinuxFacts, Route

if TYPE_CHECKING:
    from wslnet.model.snapshot import MachineFacts

OWN_PROTOCOL = 119
"""Routing protocol number that marks routes of wslnet: one that /etc/iproute2/rt_protos gives to nobody."""

_MAIN = 254


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
            PlanRefused: somebody else's route to the same destination leads elsewhere.
        """
        found = self._found(facts)
        if found is not None and (found.via, found.dev) == (self.via, self.dev):
            return ()
        if found is not None and found.proto != OWN_PROTOCOL:
            raise PlanRefused(
                f"{self.machine}: {_text(found)} exists already and was not made by wslnet; "
                f"remove it or correct the inventory (wanted: via {self.via} dev {self.dev})",
                machine=self.machine,
            )
        stale = () if found is None else (self._change(Action.REMOVE, found.via, found.dev),)
        return (*stale, self._change(Action.ADD, self.via, self.dev))

    def _change(self, action: Action, via: str | None, dev: str | None) -> Change:
        args: dict[str, object] = {
            "family": 4,
            "dst": self.dst,
            "via": via,
            "dev": dev,
            "table": _MAIN,
            "proto": OWN_PROTOCOL,
            "metric": 0,
        }
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
        return next((route for route in routes or () if route.dst == self.dst and route.table == _MAIN), None)


def _text(route: Route) -> str:
    via = f" via {route.via}" if route.via else ""
    return f"{route.dst}{via} dev {route.dev}"
