"""A fleet that tells a host how one of its VMs is entered, in each request that concerns keys in guests.

The password for a console is in these requests alone: no plan, journal or fact holds it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from wslnet.model.change import Op

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from wslnet.engine.fleet import Fleet
    from wslnet.model.change import OpResult
    from wslnet.model.machine import Inventory

_FACT = "guest_keys"
_VERBS = "guest."


@dataclass(frozen=True)
class GuestWay:
    """The `Fleet` of one enrolment: `via` is how `host` enters `domain`."""

    fleet: Fleet
    host: str
    domain: str
    via: dict[str, str]
    password: str | None = field(default=None, repr=False)

    @property
    def inventory(self) -> Inventory:
        """The machines it can speak to."""
        return self.fleet.inventory

    def execute(self, machine: str, ops: Sequence[Op], *, deadline_s: float) -> tuple[OpResult, ...]:
        """Runs ops (see `Fleet.execute`); the first op of all is then `guest.enter`, which asks nobody."""
        if machine != self.host or not any(_concerns_guests(op) for op in ops):
            return self.fleet.execute(machine, ops, deadline_s=deadline_s)
        args: dict[str, object] = {"domain": self.domain, "via": self.via}
        args |= {"password": self.password} if self.password is not None else {}
        told = Op("guest.enter", args)
        return self.fleet.execute(machine, [told, *ops], deadline_s=deadline_s)[1:]

    def forget(self, machines: Iterable[str]) -> None:
        """Drops connections (see `Fleet.forget`)."""
        self.fleet.forget(machines)


def _concerns_guests(op: Op) -> bool:
    needs = op.args.get("needs")
    return op.verb.startswith(_VERBS) or (isinstance(needs, list) and _FACT in needs)
