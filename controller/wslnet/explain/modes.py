"""Which networking mode of WSL serves the inventory's wish, item by item, and what keeps one from this PC."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from wslnet.engine.doctor import examine
from wslnet.errors import WslnetError
from wslnet.model.finding import Status
from wslnet.model.topic import Told, Topic
from wslnet.profiles.mode_choice import CHARACTER, Served, judge, serving
from wslnet.profiles.modes import WINDOWS_NEEDS, SetupOptions
from wslnet.profiles.table import PROFILES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.machine import Inventory
    from wslnet.model.snapshot import Needs, Snapshot
    from wslnet.profiles.mode_choice import Judgement

_MARKS = {Served.YES: "yes", Served.NO: "no", Served.UNKNOWN: "?"}
_NOT_OFFERED = "setup does not offer it: WSL falls back to it"
_NOT_SEEN = "Windows was not seen: what keeps a mode from this PC is not known"


def _needs(inventory: Inventory) -> Needs:
    return {inventory.windows.name: WINDOWS_NEEDS} if inventory.windows is not None else {}


def _tell(snapshot: Snapshot) -> Told:
    wish, running = snapshot.inventory.wish, snapshot.mode
    judgements = judge(snapshot, wish)
    hindered = {one.mode: _hindrance(snapshot, one.mode) for one in judgements}
    best = [mode for mode in serving(judgements, running) if hindered[mode] is None]
    lines = [] if snapshot.windows is not None else [_NOT_SEEN]
    for one in judgements:
        lines += _lines(one, hindered[one.mode], running=one.mode == running)
    lines.append(_advice(best, running))
    data = {
        "running": running,
        "best": best,
        "modes": [_plain(one, hindered[one.mode]) for one in judgements],
    }
    return Told(tuple(lines), data)


def _lines(one: Judgement, hindrance: str | None, *, running: bool) -> Iterator[str]:
    words = "serves all that is wished for" if one.serves else f"does not serve {_count(one)}"
    now = "; WSL runs in it now" if running else ""
    yield f"{one.mode}: {words}{now}"
    yield f"  {CHARACTER[one.mode]}"
    if hindrance is not None:
        yield f"  not to be had here: {hindrance}"
    for answer in one.answers:
        yield f"  {_MARKS[answer.served]:4}{answer.item}: {answer.how}"


def _count(one: Judgement) -> str:
    return f"{len(one.missing)} of {len(one.answers)} things that are wished for"


def _advice(best: list[str], running: str | None) -> str:
    if not best:
        return "no mode that setup offers serves all of it here: see what is missing; ports can be published"
    if best[0] == running:
        return f"WSL runs in {running} mode, which serves it: nothing to change"
    return f"`wslnet setup --{best[0]}` serves it"


def _hindrance(snapshot: Snapshot, mode: str) -> str | None:
    """What keeps the mode from this PC, as the preflight of `setup` would say it."""
    profile = PROFILES.get(mode)
    if profile is None:
        return _NOT_OFFERED
    if snapshot.windows is None:
        return None
    failing = [
        one for one in examine(snapshot, only=profile.requires or {"wsl.policy"}) if one.status is Status.FAIL
    ]
    for one in failing:
        return f"{one.title}" + (f": {one.cause}" if one.cause else "")
    # What is published has an answer of its own.
    wish = replace(snapshot.inventory.wish, forward=())
    try:
        profile.resources(replace(snapshot, inventory=replace(snapshot.inventory, wish=wish)), SetupOptions())
    except WslnetError as refused:
        return refused.message
    return None


def _plain(one: Judgement, hindrance: str | None) -> dict[str, object]:
    return {
        "mode": one.mode,
        "serves": one.serves,
        "hindrance": hindrance,
        "items": [
            {"item": answer.item, "served": str(answer.served), "how": answer.how} for answer in one.answers
        ],
    }


TOPIC = Topic("modes", "which networking mode of WSL serves what is wished for", _needs, _tell)
