"""The two ways in which a constrained session does not open (jea-facts B, H)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wslnet_lab.host.contract import ErrorDetails


class ConfigurationRefused(Exception):
    """The files themselves cannot be used: the server says so outside the protocol and sends no state."""


class OpenFailed(Exception):
    """The session was being built and broke: the pool is Broken, with this record."""

    def __init__(self, details: ErrorDetails) -> None:
        super().__init__(details.message)
        self.details = details
