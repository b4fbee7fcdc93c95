"""A sink of the lab's engine for calls that have outputs and errors, and nothing else to say."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wslnet_lab.host.contract import ErrorDetails, Notice, Remark


@dataclass
class QuietSink:
    """Keeps outputs and errors; any other record fails the test."""

    outputs: list[object] = field(default_factory=list)
    errors: list[ErrorDetails] = field(default_factory=list)

    def output(self, value: object) -> None:
        """Kept."""
        self.outputs.append(value)

    def error(self, details: ErrorDetails) -> None:
        """Kept."""
        self.errors.append(details)

    def warning(self, text: str) -> None:
        """Nobody expects one."""
        raise AssertionError(text)

    def remark(self, kind: Remark, text: str) -> None:
        """Nobody expects one."""
        raise AssertionError(kind, text)

    def notice(self, record: Notice) -> None:
        """Nobody expects one."""
        raise AssertionError(record)

    def stopping(self) -> bool:
        """Nobody stops it."""
        return False
