"""An address that libvirt's DHCP keeps for a VM's card, in the running network and in its definition.

The VM keeps the address it has: nothing about its lease or its traffic changes at that moment.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.errors import PlanRefused
from wslnet.model.change import Action, Change, Op
from wslnet.model.linux_facts import LinuxFacts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wslnet.model.guest_facts import PinnedLease
    from wslnet.model.snapshot import MachineFacts


@dataclass(frozen=True, slots=True)
class LeasePin:
    """One MAC and the address that the network of that name keeps for it."""

    machine: str
    network: str
    mac: str
    address: str
    why: str
    rows: tuple[str, ...] = ("S0-30",)
    needs: frozenset[str] = frozenset({"networks"})
    volatile: bool = False

    @property
    def name(self) -> str:
        """Its identity: the network and the card."""
        return f"lease {self.mac} of network {self.network}"

    def diff(self, facts: MachineFacts) -> tuple[Change, ...]:
        """The entry where it is missing: in the definition, in what runs, or in both.

        Raises:
            PlanRefused: the card or the address stands in another entry, which is not ours to change.
        """
        networks = facts.networks if isinstance(facts, LinuxFacts) else None
        found = next((one for one in networks or () if one.name == self.network), None)
        if found is None:
            return ()
        places = {"config": found.hosts} | ({"live": found.live_hosts} if found.active else {})
        missing = {place: True for place, hosts in places.items() if not self._stands_in(hosts)}
        if not missing:
            return ()
        args = {"network": self.network, "mac": self.mac, "address": self.address, **missing}
        change = Change(
            machine=self.machine,
            resource=self.name,
            action=Action.ADD,
            before=None,
            after=self.address,
            why=self.why,
            do=Op("lease.pin", args),
            undo=Op("lease.unpin", args),
            rows=self.rows,
        )
        return (change,)

    def _stands_in(self, hosts: Iterable[PinnedLease]) -> bool:
        for one in hosts:
            mine = (one.mac == self.mac, one.address == self.address)
            if all(mine):
                return True
            if any(mine):
                raise PlanRefused(
                    f"{self.machine}: network {self.network} keeps {one.address} for {one.mac} already",
                    machine=self.machine,
                    hint=f"take that entry out: virsh net-edit {self.network}",
                )
        return False
