"""Calls about services: reading their state."""

from __future__ import annotations

from wslnet_win_agent.call import Call

OF_INTEREST = ("WSLService", "vmcompute", "hns", "SharedAccess", "iphlpsvc", "MpsSvc")
"""The services that WSL's network rests on, and the one that portproxy needs (windows-facts 3)."""


def services() -> Call:
    """The services of interest; one that this Windows lacks is an error of its own and takes none along."""
    return Call("Get-Service", {"Name": list(OF_INTEREST)})
