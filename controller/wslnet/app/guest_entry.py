"""Into a VM that we cannot enter yet, by what its host can: which ways are tried, and with which password.

Only ways that are trusted as they are: no key is believed because it was shown first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.engine.gather import gather
from wslnet.engine.guest_way import GuestWay
from wslnet.errors import PlanRefused
from wslnet.model.guest_entry import AGENT, GuestEntry, Way
from wslnet.model.nested_vms import NEEDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from wslnet.engine.fleet import Fleet
    from wslnet.model.change import Change
    from wslnet.model.guest_facts import GuestKeys
    from wslnet.model.machine import Machine
    from wslnet.model.snapshot import Snapshot

    Password = Callable[[Machine], str | None]

KEY_NEEDS = NEEDS | {"guest_keys"}


@dataclass(frozen=True)
class Entered:
    """A guest that its host could enter: how, what it read there, and the fleet that goes on that way."""

    entry: GuestEntry
    fleet: GuestWay
    snapshot: Snapshot
    keys: GuestKeys


def entries(host: Machine, guest: Machine, via: Way | None) -> tuple[GuestEntry, ...]:
    """What is tried in turn: the way that was asked for, else the guest agent and then the host's own SSH.

    Never the console by itself: somebody may sit there, and it takes a password.
    """
    user = guest.user or "root"
    by_ssh = GuestEntry(Way.SSH, user, guest.address or "", host.user or "root")
    by_console = GuestEntry(Way.CONSOLE, user, machine=guest.name)
    if via is None:
        return AGENT, by_ssh
    return ({Way.AGENT: AGENT, Way.SSH: by_ssh, Way.CONSOLE: by_console}[via],)


def enter(fleet: Fleet, guest: Machine, domain: str, via: Way | None, password: Password) -> Entered:
    """The first way into `domain` that works. `guest` is its entry in the inventory, or what that shall be.

    Raises:
        PlanRefused: none does; says why for each, in one line.
        WslnetError: the host cannot be seen.
    """
    host = guest.parent or ""
    reasons: list[str] = []
    tried = entries(fleet.inventory[host], guest, via)
    for entry in tried:
        secret = password(guest) if entry.way is Way.CONSOLE else None
        way = GuestWay(fleet, host, domain, entry.via(), secret)
        snapshot = gather(way, {host: KEY_NEEDS})
        if host in snapshot.unseen:
            raise snapshot.unseen[host].error(host)
        facts = snapshot.linux(host)
        keys = next(
            (one for one in (facts.guest_keys if facts else None) or () if one.domain == domain), None
        )
        if keys is not None and keys.problem is None:
            return Entered(entry, way, snapshot, keys)
        reasons.append((keys.problem if keys is not None else None) or "the domain does not run")
    raise PlanRefused(
        f"{host}/{domain} cannot be entered: {'; '.join(reasons)}", machine=host, hint=_hint(tried)
    )


def _hint(tried: Sequence[GuestEntry]) -> str:
    needed = "; or ".join(entry.hint for entry in tried)
    return needed if any(one.way is Way.CONSOLE for one in tried) else f"{needed}; or --via console"


def as_before(fleet: Fleet, changes: Iterable[Change], password: Password) -> Fleet:
    """The fleet to take changes back with: it knows the passwords of the consoles by which they were made."""
    for change in changes:
        args = change.undo.args if change.undo is not None else {}
        via = args.get("via")
        if not isinstance(via, dict) or via.get("kind") != Way.CONSOLE:
            continue
        machine = fleet.inventory.machines.get(str(via.get("machine")))
        secret = password(machine) if machine is not None else None
        fleet = GuestWay(fleet, change.machine, str(args.get("domain")), dict(via), secret)
    return fleet
