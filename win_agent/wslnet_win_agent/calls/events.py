"""Calls about the event log: what WSL warned of at its starts."""

from __future__ import annotations

from wslnet_win_agent.call import Call

MOST = 20


def wsl_events() -> Call:
    """The newest events of the source WSL, newest first; it writes warnings only (wsl-facts 1.2)."""
    return Call("Get-WinEvent", {"ProviderName": ["WSL"], "MaxEvents": MOST})
