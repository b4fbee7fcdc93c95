"""Reads the facts of all machines at once: one request each, in threads.

WSL's endpoint is a fact of Windows, so Windows and its subtree are read in the order of the tree; a machine
that cannot be seen is recorded with the reason and its children with it, never raised.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import msgspec

from wslnet.errors import AgentError, Locked, WslnetError
from wslnet.model.change import Op
from wslnet.model.linux_facts import LinuxFacts
from wslnet.model.machine import Kind
from wslnet.model.snapshot import MachineFacts, Snapshot, Unseen
from wslnet.model.typed import typed
from wslnet.model.windows_facts import WindowsFacts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from wslnet.engine.fleet import Fleet
    from wslnet.model.snapshot import Needs

GATHER_DEADLINE_S = 45.0


def gather(
    fleet: Fleet,
    needs: Needs,
    *,
    deadline_s: float = GATHER_DEADLINE_S,
    say: Callable[[str, str], None] | None = None,
) -> Snapshot:
    """A snapshot with what `needs` names; machines without needs are left out.

    `say` is told, from the reading threads, about each machine as soon as it is through.
    Never raises for a machine that cannot be reached: see `Snapshot.unseen`.

    Raises:
        Locked: `fleet` locks what it speaks to, and another controller holds a machine.
    """
    names = [name for name in fleet.inventory.machines if needs.get(name)]
    with ThreadPoolExecutor(max_workers=max(1, len(names)), thread_name_prefix="gather") as pool:
        readings = pool.map(lambda name: _told(say, name, _read(fleet, name, needs[name], deadline_s)), names)
        pairs = list(zip(names, readings, strict=True))
    facts = {name: reading for name, reading in pairs if not isinstance(reading, Unseen)}
    unseen = {name: reading for name, reading in pairs if isinstance(reading, Unseen)}
    return Snapshot(fleet.inventory, facts, unseen)


def _told(
    say: Callable[[str, str], None] | None, name: str, reading: MachineFacts | Unseen
) -> MachineFacts | Unseen:
    if say is not None:
        say(name, f"not seen: {reading.reason}" if isinstance(reading, Unseen) else "read")
    return reading


def _read(fleet: Fleet, name: str, needs: Iterable[str], deadline_s: float) -> MachineFacts | Unseen:
    try:
        (result,) = fleet.execute(name, [Op("facts", {"needs": sorted(needs)})], deadline_s=deadline_s)
        if not result.ok:
            return Unseen(result.code, result.message)
        return decode(fleet.inventory[name].kind, name, result.value)
    except Locked:
        raise
    except WslnetError as error:
        return Unseen(error.code, error.message, error.exit_code)


def decode(kind: Kind, machine: str, value: object) -> MachineFacts:
    """An agent's answer as typed facts.

    Raises:
        AgentError: the answer has not the agreed shape; the message names the first place.
    """
    shape: type[LinuxFacts | WindowsFacts] = WindowsFacts if kind is Kind.WINDOWS else LinuxFacts
    try:
        return typed(value, shape)
    except msgspec.ValidationError as error:
        raise AgentError(f"{machine}: the agent's facts are malformed: {error}", machine=machine) from error
