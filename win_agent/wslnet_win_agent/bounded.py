"""Native programs within the deadline of the request that needs them.

`wsl.exe` has a time limit for each act; a request that has less time left must not wait longer than that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .native import NativeResult, NativeRunner


@dataclass
class BoundedRunner:
    """A `NativeRunner` whose programs get at most the seconds that `left` gives."""

    runner: NativeRunner
    left: Callable[[], float]

    def run(
        self, argv: Sequence[str], *, timeout_s: float, stdin: bytes = b"", changes: bool = False
    ) -> NativeResult:
        """As `NativeRunner.run`."""
        return self.runner.run(argv, timeout_s=min(timeout_s, self.left()), stdin=stdin, changes=changes)

    def hold(self, argv: Sequence[str]) -> None:
        """As `NativeRunner.hold`; what is held may outlive the request."""
        self.runner.hold(argv)

    def close(self) -> None:
        """As `NativeRunner.close`."""
        self.runner.close()
