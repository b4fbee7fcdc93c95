"""The fleet: what the engine needs of open connections, whoever provides them.

`wslnet.transport.connections` opens the real ones; tests put a model of machines behind the same protocol.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from wslnet.model.change import Op
    from wslnet.model.machine import Inventory


@dataclass(frozen=True, slots=True)
class OpResult:
    """What an agent answered to one op; `code` is empty on success."""

    value: object = None
    code: str = ""
    message: str = ""

    @property
    def ok(self) -> bool:
        """Whether it was done."""
        return not self.code


class Fleet(Protocol):
    """Open connections to the machines of one inventory; every call has a deadline in seconds."""

    @property
    def inventory(self) -> Inventory:
        """The machines it can speak to."""

    def execute(self, machine: str, ops: Sequence[Op], *, deadline_s: float) -> tuple[OpResult, ...]:
        """Runs ops in order, in one request.

        Raises:
            Unreachable: no connection, or no answer before the deadline.
            OutcomeUnknown: a changing op was sent and its answer never came.
        """

    def forget(self, machines: Iterable[str]) -> None:
        """Drops the connections of machines that are about to go down, and what was learned about them."""
