"""Calls about adapters, interfaces, addresses, routes, listeners, and one probe (NetTCPIP, NetAdapter)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet_win_agent.call import Call

if TYPE_CHECKING:
    from collections.abc import Iterable

# Named on every read: the defaults differ from cmdlet to cmdlet (windows-facts 1.4).
_ACTIVE = "ActiveStore"


def adapters() -> Call:
    """All adapters; those of WSL are hidden on some builds (wsl-facts 2.4)."""
    return Call("Get-NetAdapter", {"IncludeHidden": True})


def interfaces() -> Call:
    """The IP half of every adapter, one row per address family."""
    return Call("Get-NetIPInterface", {"PolicyStore": _ACTIVE})


def interface(index: int, family: int) -> Call:
    """One interface by index and family (4 or 6)."""
    key = {"InterfaceIndex": [index], "AddressFamily": [_family(family)], "PolicyStore": _ACTIVE}
    return Call("Get-NetIPInterface", key)


def set_forwarding(index: int, family: int, *, enabled: bool) -> Call:
    """Write: forwarding of one interface and family."""
    return Call(
        "Set-NetIPInterface",
        {
            "InterfaceIndex": [index],
            "AddressFamily": [_family(family)],
            "Forwarding": "Enabled" if enabled else "Disabled",
        },
    )


def addresses() -> Call:
    """All addresses in force."""
    return Call("Get-NetIPAddress", {"PolicyStore": _ACTIVE})


def routes() -> Call:
    """All routes in force."""
    return Call("Get-NetRoute", {"PolicyStore": _ACTIVE})


def profiles() -> Call:
    """The network category of each connected adapter."""
    return Call("Get-NetConnectionProfile")


def tcp_listeners() -> Call:
    """All listening TCP sockets."""
    return Call("Get-NetTCPConnection", {"State": ["Listen"]})


def udp_listeners() -> Call:
    """All bound UDP sockets."""
    return Call("Get-NetUDPEndpoint")


def processes(pids: Iterable[int]) -> Call:
    """The processes with these ids; those that have ended give an error each."""
    return Call("Get-Process", {"Id": sorted(set(pids))})


def ping(address: str) -> Call:
    """One ICMP probe from Windows."""
    return Call("Test-NetConnection", {"ComputerName": address})


def connect(address: str, port: int) -> Call:
    """One TCP connection from Windows, closed at once."""
    return Call("Test-NetConnection", {"ComputerName": address, "Port": port})


def _family(number: int) -> str:
    return "IPv6" if number == 6 else "IPv4"  # noqa: PLR2004 - the name of the family
