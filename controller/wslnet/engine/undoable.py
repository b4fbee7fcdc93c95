"""Refuses changes that could not be taken back, unless the user asked for them by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.errors import PlanRefused

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wslnet.model.change import Change


class Irreversible(PlanRefused):
    """A change has no undo, and nobody said that it may be made."""

    code = "irreversible"
    exit_code = 2


def demand_undoable(changes: Iterable[Change], *, accepted: bool, to_confirm: bool) -> None:
    """Judges `changes` before the first is made.

    Raises:
        Irreversible: one has no undo and that was not `accepted`, or the run waits `to_confirm`.
    """
    for change in changes:
        if change.reversible or (accepted and not to_confirm):
            continue
        hint = (
            "--confirm-within promises that all is taken back"
            if to_confirm
            else "--accept-irreversible makes it all the same"
        )
        raise Irreversible(
            f"{change.machine}: {change.resource}: it cannot be undone; nothing was changed",
            machine=change.machine,
            hint=hint,
        )
