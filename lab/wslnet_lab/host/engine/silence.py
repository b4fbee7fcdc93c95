"""A sink for what nobody receives: the streams of a job, and of a session's own script."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wslnet_lab.host.contract import ErrorDetails, Notice, Remark


class Silence:
    """A `Sink` that keeps nothing."""

    def output(self, value: object) -> None:
        """Nobody sees it."""

    def error(self, details: ErrorDetails) -> None:
        """Nobody sees it."""

    def warning(self, text: str) -> None:
        """Nobody sees it."""

    def remark(self, kind: Remark, text: str) -> None:
        """Nobody sees it."""

    def notice(self, record: Notice) -> None:
        """Nobody sees it."""

    def stopping(self) -> bool:
        """Nobody asks; a job, too, is not stopped with the pipeline that started it."""
        return False


def drop(_value: object) -> None:
    """Nobody takes an output."""
