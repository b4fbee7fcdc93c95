"""The fleet: what the engine needs of open connections, whoever provides them.

`wslnet.transport.connections` opens the real ones; tests put a model of machines behind the same protocol.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from wslnet.model.change import Op, OpResult
    from wslnet.model.machine import Inventory


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
