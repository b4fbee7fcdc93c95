"""A topic of `wslnet explain`: a concept told with the facts of this very network."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from wslnet.model.machine import Inventory
    from wslnet.model.snapshot import Needs, Snapshot


@dataclass(frozen=True)
class Told:
    """What there is to say: lines for people, and the same facts as data."""

    lines: tuple[str, ...]
    data: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic: its name, what it is about, the facts it needs, and a pure function that tells it.

    `tell` copes with machines that were not seen.
    """

    name: str
    title: str
    needs: Callable[[Inventory], Needs]
    tell: Callable[[Snapshot], Told]
