"""A bridge of wslnet's own: made whole with its MAC, address and switches, known by its alias."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.errors import PlanRefused
from wslnet.model.change import Action, Change, Op, Risk
from wslnet.model.families import IPV4
from wslnet.model.linux_facts import LinuxFacts

if TYPE_CHECKING:
    from wslnet.model.linux_network import Link
    from wslnet.model.snapshot import MachineFacts


@dataclass(frozen=True, slots=True)
class OwnBridge:
    """The bridge `link` of a net with these addresses, or (`present` false) none.

    `settings`: switches by full key; they go with the bridge. `ports`: the links that may be plugged into
    it when it is taken away. `risk`: of the deletion of one that had a card as its port.
    """

    machine: str
    link: str
    mac: str
    net: str
    why: str
    addresses: tuple[str, ...] = ()
    settings: tuple[tuple[str, str], ...] = ()
    ports: tuple[str, ...] = ()
    present: bool = True
    risk: Risk = Risk.SAFE
    rows: tuple[str, ...] = ("S4-01", "S4-08", "S4-26", "S2-13")
    needs: frozenset[str] = frozenset({"links", "addresses", "bridging"})
    volatile: bool = True

    @property
    def name(self) -> str:
        """Its identity: the link."""
        return f"bridge {self.link}"

    def diff(self, facts: MachineFacts) -> tuple[Change, ...]:
        """The bridge to make, or to delete.

        Raises:
            PlanRefused: a link of that name is somebody else's or not as declared, or others are plugged in.
        """
        if not isinstance(facts, LinuxFacts):
            return ()
        found = next((one for one in facts.links or () if one.name == self.link), None)
        if found is None:
            return (self._change(Action.ADD, self.mac, self.addresses),) if self.present else ()
        self._demand_ours(found, facts)
        if not self.present:
            self._demand_empty(facts)
            # What it carries of its card's goes back to that before.
            own = self._have(facts) if self.risk is Risk.SAFE else self.addresses
            return (self._change(Action.REMOVE, found.mac or self.mac, own),)
        self._demand_same(found, facts)
        return ()

    def _demand_ours(self, found: Link, facts: LinuxFacts) -> None:
        if found.kind != "bridge" or facts.alias(self.link) != self._alias:
            raise PlanRefused(
                f"{self.machine}: {self.link} is there ({found.kind or 'a card'}) and was not made by wslnet "
                f"for net {self.net}",
                machine=self.machine,
                hint="give the net another name",
            )

    def _demand_same(self, found: Link, facts: LinuxFacts) -> None:
        have = self._have(facts)
        if found.mac != self.mac or not found.up or not set(have).issuperset(self.addresses):
            raise PlanRefused(
                f"{self.machine}: bridge {self.link} is not as declared any more (MAC {found.mac}, "
                f"{'up' if found.up else 'down'}, {', '.join(have) or 'no address'})",
                machine=self.machine,
                hint=f"wslnet net destroy {self.net} --on {self.machine}, then create it again",
            )

    def _demand_empty(self, facts: LinuxFacts) -> None:
        others = [
            one.name for one in facts.links or () if one.master == self.link and one.name not in self.ports
        ]
        if others:
            raise PlanRefused(
                f"{self.machine}: {', '.join(others)} is plugged into {self.link} and was not by wslnet",
                machine=self.machine,
            )

    @property
    def _alias(self) -> str:
        return f"wslnet:{self.net}"

    def _have(self, facts: LinuxFacts) -> tuple[str, ...]:
        own = (one for one in facts.addresses_of(self.link) if one.family == IPV4)
        return tuple(f"{one.address}/{one.prefix}" for one in own)

    def _change(self, action: Action, mac: str, addresses: tuple[str, ...]) -> Change:
        text = ", ".join((mac, *addresses))
        add = Op(
            "bridge.add",
            {
                "name": self.link,
                "mac": mac,
                "net": self.net,
                "addresses": addresses,
                "settings": dict(self.settings),
            },
        )
        delete = Op("bridge.delete", {"name": self.link, "net": self.net, "addresses": addresses})
        making = action is Action.ADD
        return Change(
            machine=self.machine,
            resource=self.name,
            action=action,
            before=None if making else text,
            after=text if making else "gone",
            why=self.why,
            do=add if making else delete,
            undo=delete if making else add,
            risk=self.risk,
            rows=self.rows,
        )
