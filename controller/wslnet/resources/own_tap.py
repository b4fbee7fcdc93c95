"""A tap of wslnet's own: a port of a bridge that a virtual machine is plugged into, of one user's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.errors import PlanRefused
from wslnet.model.change import Action, Change, Op
from wslnet.model.linux_facts import LinuxFacts

if TYPE_CHECKING:
    from wslnet.model.snapshot import MachineFacts


@dataclass(frozen=True, slots=True)
class OwnTap:
    """The tap `link` on `bridge`, or (`present` false) none; `owner`: a user's name or number, None: root."""

    machine: str
    link: str
    mac: str
    bridge: str
    net: str
    why: str
    owner: str | None = None
    present: bool = True
    rows: tuple[str, ...] = ("S4-02", "S4-03", "S4-21", "S4-27")
    needs: frozenset[str] = frozenset({"links", "bridging"})
    volatile: bool = True

    @property
    def name(self) -> str:
        """Its identity: the link."""
        return f"tap {self.link}"

    def diff(self, facts: MachineFacts) -> tuple[Change, ...]:
        """The tap to make or to delete.

        Raises:
            PlanRefused: a link of that name is somebody else's, or is not as declared.
        """
        if not isinstance(facts, LinuxFacts):
            return ()
        found = next((one for one in facts.links or () if one.name == self.link), None)
        if found is None:
            return (self._change(Action.ADD),) if self.present else ()
        if found.kind != "tun" or facts.alias(self.link) != f"wslnet:{self.net}":
            raise PlanRefused(
                f"{self.machine}: {self.link} is there ({found.kind or 'a card'}) and was not made by wslnet "
                f"for net {self.net}",
                machine=self.machine,
                hint="name the taps otherwise (--tap NAME)",
            )
        if not self.present:
            return (self._change(Action.REMOVE),)
        owners = facts.owners(self.link)
        wanted = {self.owner} if self.owner is not None else {None}
        if found.master != self.bridge or not found.up or found.mac != self.mac or not wanted & owners:
            who = next(iter(sorted(filter(None, owners))), "root")
            raise PlanRefused(
                f"{self.machine}: tap {self.link} is not as declared any more (on "
                f"{found.master or 'no bridge'}, {'up' if found.up else 'down'}, of {who}, MAC {found.mac})",
                machine=self.machine,
                hint=f"wslnet net destroy {self.net} --on {self.machine}, then create it again",
            )
        return ()

    def _change(self, action: Action) -> Change:
        text = f"{self.mac} on {self.bridge}, of {self.owner or 'root'}"
        args: dict[str, object] = {
            "name": self.link,
            "mac": self.mac,
            "master": self.bridge,
            "net": self.net,
            "owner": self.owner,
        }
        add, delete = Op("tap.add", args), Op("tap.delete", {"name": self.link, "net": self.net})
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
            rows=self.rows,
        )
