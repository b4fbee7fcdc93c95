"""Calls about services: reading their state, and letting one run again."""

from __future__ import annotations

from wslnet_win_agent.call import Call

OF_INTEREST = ("WSLService", "vmcompute", "hns", "SharedAccess", "iphlpsvc", "MpsSvc")
"""The services that WSL's network rests on, and the one that portproxy needs (windows-facts 3)."""

NEIGHBOURS = (
    "AppIDSvc",
    "CloudflareWARP",
    "FA_Scheduler",
    "GlobalSecureAccessTunnelingService",
    "OpenVPNServiceInteractive",
    "PanGPS",
    "PulseSecureService",
    "Tailscale",
    "TracSrvWrapper",
    "WireGuardManager",
    "ZSAService",
    "com.docker.service",
    "csc_vpnagent",
    "sshd",
    "stAgentSvc",
    "vpnagent",
)
"""Services of others that share the network with WSL; most PCs have none of them."""


def services() -> Call:
    """The services of interest, and of the neighbours those that there are.

    A plain name that this Windows lacks is an error of its own and takes none along; a neighbour's is asked
    for as a pattern, for which nothing found is no error.
    """
    patterns = [f"[{name[0]}]{name[1:]}" for name in NEIGHBOURS]
    return Call("Get-Service", {"Name": [*OF_INTEREST, *patterns]})


def service(name: str) -> Call:
    """One service."""
    return Call("Get-Service", {"Name": [name]})


def set_start(name: str, start: str) -> Call:
    """Write: how a service starts: `Automatic`, `Manual`, `Disabled`."""
    return Call("Set-Service", {"Name": name, "StartupType": start})


def start_service(name: str) -> Call:
    """Write: a service runs; one that runs already is no error."""
    return Call("Start-Service", {"Name": [name]})


def stop_service(name: str) -> Call:
    """Write: a service does not run."""
    return Call("Stop-Service", {"Name": [name]})
