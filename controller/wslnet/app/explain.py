"""`wslnet explain TOPIC`: reads what the topic tells of, and has it told. Changes nothing, starts nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from wslnet.app.forward_wish import with_forwards
from wslnet.engine.gather import gather
from wslnet.errors import InputError
from wslnet.explain import discover
from wslnet.model.machine import Kind
from wslnet.model.snapshot import Snapshot
from wslnet.profiles.mode_choice import in_short, judge

if TYPE_CHECKING:
    from collections.abc import Callable

    from wslnet.engine.fleet import Fleet
    from wslnet.model.allow import Allow
    from wslnet.model.topic import Told, Topic

_SOON_S = 10.0


def topic_named(name: str) -> Topic:
    """The topic of that name.

    Raises:
        InputError: there is none; the message lists those that are.
    """
    topics = {one.name: one for one in discover()}
    if name not in topics:
        raise InputError(f"explain knows no topic {name!r}; there is {', '.join(topics)}")
    return topics[name]


def modes_for(fleet: Fleet, allow: tuple[Allow, ...]) -> str:
    """Which mode serves what is wished for, `allow` included, in one line.

    Windows is asked only where the answer depends on it: for peers, which may stand on a switch of its own.
    """
    inventory = with_forwards(fleet.inventory)
    wish = replace(inventory.wish, allow=allow or inventory.wish.allow)
    peers = {one.name for one in inventory.of_kind(Kind.PEER)}
    seen = Snapshot(inventory)
    if inventory.windows is not None and any(peers.intersection(pair) for pair in wish.reach):
        needs = {inventory.windows.name: frozenset({"addresses", "routes"})}
        seen = replace(gather(fleet, needs, deadline_s=_SOON_S), inventory=inventory)
    return in_short(judge(seen, wish))


def explained(fleet: Fleet, topic: Topic, say: Callable[[str, str], None]) -> Told:
    """The topic, told with the facts of now; a machine that cannot be seen is told as that."""
    snapshot = gather(fleet, topic.needs(fleet.inventory), say=say)
    # What runs of `forward` have published is wished for as well.
    return topic.tell(replace(snapshot, inventory=with_forwards(snapshot.inventory)))
