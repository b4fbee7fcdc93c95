"""Which ports are allowed for good by wish: what setups asked for, as `firewall` has changed it since.

Each run of `firewall` writes the whole list into its plan, so an undo brings back the list of before; each
setup adds to it. Ports that are allowed for a time stand in their own rules alone.
"""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import PureWindowsPath
from typing import TYPE_CHECKING

from wslnet.engine.run_log import End, read_runs
from wslnet.model.allow import parse_allow
from wslnet.model.boot_data import read_boot_data
from wslnet.profiles.boot import expiries_in, standing_network_task
from wslnet.profiles.table import PROFILES
from wslnet.profiles.table import profile_of as mode_profile
from wslnet.resources.boot_data import BootDataFile
from wslnet.resources.scheduled_task import ScheduledTask

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from wslnet.model.allow import Allow
    from wslnet.model.change import Resource
    from wslnet.model.machine import Inventory
    from wslnet.model.snapshot import Snapshot

KEY = "allowed"
"""Where a plan's profile holds the list."""

_STANDING = frozenset({End.COMMITTED, End.PENDING})


def allowed(inventory: Inventory) -> tuple[Allow, ...]:
    """What is allowed for good after all runs that stand; one for each port.

    Raises:
        InputError: the state folder holds a list that cannot be read.
    """
    found: dict[tuple[str, int], Allow] = {}
    for log in read_runs(inventory.state):
        profile = log.plan.get("profile")
        if not isinstance(profile, dict) or log.ended not in _STANDING:
            continue
        options = profile.get("options")
        mode = PROFILES.get(str(profile.get("mode")))
        if mode is not None and not mode.publishes:
            # Its setup has taken the rules away: no later mode may bring them back unasked.
            found = {}
        elif KEY in profile:
            found = dict(_listed(profile))
        elif isinstance(options, dict):
            found |= dict(_listed({KEY: options.get("allow")}))
    return tuple(sorted(found.values(), key=lambda one: (one.proto, one.port)))


def profile_of(allows: Iterable[Allow]) -> dict[str, object]:
    """The profile of a run after which these are allowed for good."""
    return {KEY: sorted(str(one) for one in allows)}


def boot_resources(
    snapshot: Snapshot, allows: Iterable[Allow], expiries: tuple[str, ...]
) -> Iterator[Resource]:
    """What a start of Windows reads, with this list, and its task with these ends as triggers.

    Nothing where the tasks are not installed.

    Raises:
        InputError: the data is there and cannot be read.
    """
    boot = snapshot.windows.boot if snapshot.windows is not None else None
    windows = snapshot.inventory.windows
    if boot is None or windows is None:
        return
    if boot.data.content is not None:
        data = read_boot_data(PureWindowsPath(boot.data.path), base64.b64decode(boot.data.content))
        if mode_profile(data.mode).publishes:
            options = {**data.options, "allow": [str(one) for one in allows]}
            content = replace(data, options=options).to_bytes()
            why = "a start of Windows puts back what is allowed"
            yield BootDataFile(windows.name, content, boot.sid, why)
    present = expiries_in(boot)
    if present is not None and present != expiries:
        why = "it takes away what is granted for a time"
        yield ScheduledTask(windows.name, standing_network_task(boot, expiries), why, rows=("N-19",))


def _listed(profile: Mapping[str, object]) -> Iterator[tuple[tuple[str, int], Allow]]:
    texts = profile.get(KEY)
    for text in texts if isinstance(texts, list) else ():
        allow = parse_allow(str(text))
        yield (allow.proto, allow.port), allow
