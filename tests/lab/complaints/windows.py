"""Causes that live on Windows, by the mode of WSL in which they are drilled."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .causes import Cause

IN_MIRRORED: tuple[Cause, ...] = ()
"""A mirrored WSL on the seed, after `setup --mirrored`."""

IN_NAT: tuple[Cause, ...] = ()
"""The seed in NAT mode, after `setup --nat`."""
