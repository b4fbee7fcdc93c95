"""The seam to native programs (`wsl.exe`): an argument vector in, bytes out.

The implementations live with the transports. Nothing here builds command lines or decodes output.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class NativeResult:
    """How a native program ended; `exit_code` as Windows has it, 4294967295 for -1."""

    exit_code: int
    stdout: bytes
    stderr: bytes


class NativeRunner(Protocol):
    """Runs native programs on one Windows machine as the owner of the distros."""

    def run(
        self, argv: Sequence[str], *, timeout_s: float, stdin: bytes = b"", changes: bool = False
    ) -> NativeResult:
        """Run `argv` and wait for its end; `changes` marks what must not be run twice.

        Raises:
            WindowsAgentError: `timed-out`, `bad-op` for a token that cannot be passed on safely,
                `not-permitted`.
            DeliveryUnknown: a program that `changes` was started and its end was not seen.
        """

    def hold(self, argv: Sequence[str]) -> None:
        """Start `argv` and leave it running until `close`; what it says is not read.

        Raises:
            WindowsAgentError: as `run` does.
        """

    def close(self) -> None:
        """End the session on the Windows side; safe to call twice."""
