"""Facts of the Windows host, as docs/protocols.md 2 spells them: plain data, one pipeline where possible."""

from .gather import NAMES, gather

__all__ = ["NAMES", "gather"]
