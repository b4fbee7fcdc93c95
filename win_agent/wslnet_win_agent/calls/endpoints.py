"""Calls about session configurations (Microsoft.PowerShell.Core)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet_win_agent.call import Call

if TYPE_CHECKING:
    from collections.abc import Iterable


def configuration(name: str) -> Call:
    """One session configuration; none of that name is an error."""
    return Call("Get-PSSessionConfiguration", {"Name": [name]})


def commands(names: Iterable[str]) -> Call:
    """Which of these commands this Windows has; each that is missing is an error."""
    return Call("Get-Command", {"Name": list(names)})


def register(name: str, path: str) -> Call:
    """Write: a configuration from its file, in the place of one of that name.

    WinRM is not restarted: that would end the very session that asks.
    """
    return Call(
        "Register-PSSessionConfiguration",
        {"Name": name, "Path": path, "Force": True, "NoServiceRestart": True},
    )


def unregister(name: str) -> Call:
    """Write: one configuration gone; its sessions that are open stay."""
    return Call("Unregister-PSSessionConfiguration", {"Name": name, "Force": True, "NoServiceRestart": True})
