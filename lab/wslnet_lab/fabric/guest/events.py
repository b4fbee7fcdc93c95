"""The events that Windows sends to the guest, as data (corpus/wsl-guest/messages)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Event:
    """Base of all events."""
