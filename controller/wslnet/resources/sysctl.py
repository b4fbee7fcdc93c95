"""A kernel setting of a Linux machine (`net.ipv4.ip_forward = 1`), in the running system.

Some switches turn others with them, and back when they are turned back; the undo puts those right too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.model.change import Action, Change, Op
from wslnet.model.linux_facts import LinuxFacts

if TYPE_CHECKING:
    from wslnet.model.snapshot import MachineFacts


_PER_LINK = "net.ipv4.conf."
_FORWARDING = ("net.ipv4.ip_forward", "net.ipv4.conf.all.forwarding")
_REDIRECTS = "net.ipv4.conf.all.accept_redirects"


@dataclass(frozen=True, slots=True)
class Sysctl:
    """One key and the value it shall have; of what it turns with it, `also` has these values after it."""

    machine: str
    key: str
    value: str
    why: str
    also: tuple[tuple[str, str], ...] = ()
    rows: tuple[str, ...] = ("S0-41",)
    needs: frozenset[str] = frozenset({"sysctls"})
    volatile: bool = True

    @property
    def name(self) -> str:
        """Its identity: the key."""
        return f"sysctl {self.key}"

    def diff(self, facts: MachineFacts) -> tuple[Change, ...]:
        """The value to set, with the value found as its undo; nothing for a key the kernel does not have."""
        found = (facts.sysctls or {}).get(self.key) if isinstance(facts, LinuxFacts) else None
        if found is None or found == self.value:
            return ()
        kept: dict[str, object] = {"also": dict(self.also)} if self.also else {}
        change = Change(
            machine=self.machine,
            resource=self.name,
            action=Action.CHANGE,
            before=found,
            after=self.value,
            why=self.why,
            do=Op("sysctl.set", {"key": self.key, "value": self.value} | kept),
            undo=Op("sysctl.set", {"key": self.key, "value": found} | turned_with(self.key, found, facts)),
            rows=self.rows,
        )
        return (change,)

    def keep(self, facts: MachineFacts) -> Op | None:
        """The op that sets it; None for a key the kernel does not have."""
        values = (facts.sysctls if isinstance(facts, LinuxFacts) else None) or {}
        return Op("sysctl.set", {"key": self.key, "value": self.value}) if self.key in values else None


def turned_with(key: str, found: str, facts: MachineFacts) -> dict[str, object]:
    """What must be put back by hand after `key` is turned back to `found`: `also`, or nothing.

    Turning IPv4 forwarding turns it on every interface, and whether redirects are accepted the other way
    (kernel, net/ipv4/devinet.c: inet_forward_change).
    """
    values = facts.sysctls if isinstance(facts, LinuxFacts) else None
    if key not in _FORWARDING or not values:
        return {}
    turned = {one: found for one in values if one.startswith(_PER_LINK) and one.endswith(".forwarding")}
    turned |= {_REDIRECTS: "0" if found == "1" else "1"} if _REDIRECTS in values else {}
    also = {one: values[one] for one, value in sorted(turned.items()) if values[one] != value}
    return {"also": also} if also else {}
