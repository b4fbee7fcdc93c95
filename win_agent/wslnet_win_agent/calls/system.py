"""Calls about Windows as a whole."""

from __future__ import annotations

from wslnet_win_agent.call import Call


def operating_system() -> Call:
    """The running Windows, above all since when it runs; a Fast Startup is no start (wsl-facts 9)."""
    return Call("Get-CimInstance", {"ClassName": "Win32_OperatingSystem"})
