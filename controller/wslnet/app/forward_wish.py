"""Which ports are published by wish: what the inventory says, and what `forward` added and removed since.

Each run of `forward` writes the whole list into its plan, so the newest one that stands says what is wished;
an undo brings back the list of before, with no second place to keep in step.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from wslnet.engine.run_log import End, read_runs
from wslnet.model.forward import parse_forward

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wslnet.model.forward import Forward
    from wslnet.model.machine import Inventory

KEY = "forwards"
"""Where a plan's profile holds the list."""

_STANDING = frozenset({End.COMMITTED, End.PENDING})


def with_forwards(inventory: Inventory) -> Inventory:
    """The inventory with everything in its wish that is to be published.

    Raises:
        InputError: the state folder holds a list that cannot be read.
    """
    return replace(inventory, wish=replace(inventory.wish, forward=declared(inventory)))


def declared(inventory: Inventory) -> tuple[Forward, ...]:
    """The inventory's own forwards and those of the newest run that has such a list; one for each port."""
    found = {one.key: one for one in recorded(inventory)}
    found |= {one.key: one for one in inventory.wish.forward}
    known = inventory.machines
    return tuple(one for _, one in sorted(found.items()) if one.target in known)


def recorded(inventory: Inventory) -> tuple[Forward, ...]:
    """What runs of `forward` have left, without the inventory's own."""
    for log in reversed(read_runs(inventory.state)):
        profile = log.plan.get("profile")
        listed = profile.get(KEY) if isinstance(profile, dict) and log.ended in _STANDING else None
        if isinstance(listed, list):
            return tuple(parse_forward(str(text)) for text in listed)
    return ()


def profile_of(forwards: Iterable[Forward]) -> dict[str, object]:
    """The profile of a run after which these are published."""
    return {KEY: [str(one) for one in sorted(forwards)]}
