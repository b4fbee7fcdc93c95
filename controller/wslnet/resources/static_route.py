"""A static route on a Linux machine (`ip route add 192.168.124.0/24 via 192.168.122.191 dev virbr0`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.errors import PlanRefused
from wslnet.model.change import Action, Change, Op
from wslnet.model.linux_facts import LinuxFacts, Route

if TYPE_CHECKING:
    from wslnet.model.snapshot import MachineFacts

OWN_PROTOCOL = 188
"""Routing protocol number that marks routes of wslnet (free in /etc/iproute2/rt_protos)."""

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

    def diff(self, facts: MachineFacts) -> Change | None:
        """The route to add, or the own route to replace when its next hop moved.

        Raises:
            PlanRefused: somebody else's route to the same destination leads elsewhere.
        """
        found = self._found(facts)
        if found is not None and (found.via, found.dev) == (self.via, self.dev):
            return None
        if found is not None and found.proto != OWN_PROTOCOL:
            raise PlanRefused(
                f"{self.machine}: {_text(found)} exists already and was not made by wslnet; "
                f"remove it or correct the inventory (wanted: via {self.via} dev {self.dev})",
                machine=self.machine,
            )
        wanted = self._args(self.via, self.dev)
        if found is None:
            action, do, undo = Action.ADD, Op("route.add", wanted), Op("route.delete", wanted)
        else:
            before = self._args(found.via, found.dev)
            action = Action.CHANGE
            do = Op("route.replace", {"before": before, "after": wanted})
            undo = Op("route.replace", {"before": wanted, "after": before})
        return Change(
            machine=self.machine,
            resource=self.name,
            action=action,
            before=None if found is None else _text(found),
            after=f"{self.dst} via {self.via} dev {self.dev}",
            why=self.why,
            do=do,
            undo=undo,
            rows=self.rows,
        )

    def _found(self, facts: MachineFacts) -> Route | None:
        routes = facts.routes if isinstance(facts, LinuxFacts) else None
        return next((route for route in routes or () if route.dst == self.dst and route.table == _MAIN), None)

    def _args(self, via: str | None, dev: str | None) -> dict[str, object]:
        return {
            "family": 4,
            "dst": self.dst,
            "via": via,
            "dev": dev,
            "table": _MAIN,
            "proto": OWN_PROTOCOL,
            "metric": 0,
        }


def _text(route: Route) -> str:
    via = f" via {route.via}" if route.via else ""
    return f"{route.dst}{via} dev {route.dev}"
