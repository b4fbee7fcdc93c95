"""The errors of the Windows half; transports and the engine turn them into those of the program.

This package must not import the controller, so it has a small tree of its own. `code` is a word of
docs/protocols.md (`not-found`, `not-permitted`, `locked` …); the message is one line for a person.
"""

from __future__ import annotations


class WindowsAgentError(Exception):
    """An op or a call could not be done.

    Attributes:
        code: stable word for programs.
        message: one line: what, where, what to do.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class CallRefused(WindowsAgentError):
    """A call that must not or cannot be sent; nothing was sent."""

    def __init__(self, message: str) -> None:
        super().__init__("refused", message)


class DeliveryUnknown(WindowsAgentError):
    """A write was handed over and no answer came: it may have happened. Read before anything else."""

    def __init__(self, message: str) -> None:
        super().__init__("outcome-unknown", message)
