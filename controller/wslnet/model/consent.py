"""What the user agreed to beforehand, so that a run need not stop for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wslnet.model.machine import Inventory

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Consent:
    """`regressions`: pairs (from, to) that may stop; `irreversible`: changes without undo may be made;
    `force`: a VM that does not stop in time is cut off.
    """  # noqa: D205 - three fields, said at once

    regressions: frozenset[Pair] = frozenset()
    irreversible: bool = False
    force: bool = False


def parse_pairs(texts: Iterable[str], inventory: Inventory) -> tuple[Pair, ...]:
    """Reads `A->B` with names of the inventory.

    Raises:
        InputError: one is not of that form or names no machine; the message names it.
    """
    pairs: list[Pair] = []
    for text in texts:
        source, arrow, target = (part.strip() for part in text.partition("->"))
        if not arrow or not source or not target or source == target:
            raise InputError(f"--allow-regression {text!r}: expected A->B, two machines of the inventory")
        for name in (source, target):
            if name not in inventory.machines:
                known = ", ".join(inventory.machines)
                raise InputError(f"--allow-regression {text!r}: unknown machine {name!r}; there is {known}")
        pairs.append((source, target))
    return tuple(dict.fromkeys(pairs))
