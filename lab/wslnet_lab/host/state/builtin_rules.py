"""The rules of its own firewall that a Windows comes with, as far as somebody in the lab comes to its ports.

An owner who uses WinRM and shares files has switched these on: WinRM, echo requests, and what the network
itself needs. All are bound to a program, so none is merged for WSL (wsl-facts 2.3).
"""

from __future__ import annotations

from typing import Any

from wslnet_lab.host.state.firewall import ALLOW, INBOUND, RULE_ENABLED

_ANY_PROFILE, _DOMAIN_PRIVATE, _PUBLIC = 0, 1 | 2, 4
_SYSTEM = "System"
_SERVICES = r"%SystemRoot%\system32\svchost.exe"


def builtin_rules() -> dict[str, dict[str, Any]]:
    """The rules in their normal form, by lower-case name."""
    rows = (
        _rule("CoreNet-ICMP6-ND-In", "Core Networking - Neighbor Discovery (ICMPv6-In)", "ICMPv6"),
        _rule("CoreNet-DHCP-In", "Core Networking - DHCP (DHCP-In)", "UDP", "68", service="Dhcp"),
        _rule("FPS-ICMP4-ERQ-In", "File and Printer Sharing (Echo Request - ICMPv4-In)", "ICMPv4"),
        _rule("FPS-ICMP6-ERQ-In", "File and Printer Sharing (Echo Request - ICMPv6-In)", "ICMPv6"),
        _rule(
            "WINRM-HTTP-In-TCP",
            "Windows Remote Management (HTTP-In)",
            "TCP",
            "5985",
            profiles=_DOMAIN_PRIVATE,
        ),
        _rule(
            "WINRM-HTTP-In-TCP-PUBLIC",
            "Windows Remote Management (HTTP-In)",
            "TCP",
            "5985",
            profiles=_PUBLIC,
            remote="LocalSubnet",
        ),
        # Windows has none for HTTPS; whoever sets such a listener up makes one.
        _rule("WINRM-HTTPS-In-TCP", "Windows Remote Management (HTTPS-In)", "TCP", "5986"),
        # WSL makes it for the DNS proxy of its NAT network (wsl-facts 2.3).
        _rule("WSLCore-SharedAccess-Allow-Rule", "WSLCore SharedAccess", "UDP", "53", service="SharedAccess"),
    )
    return {str(row["InstanceID"]).lower(): row for row in rows}


def _rule(
    name: str,
    display_name: str,
    protocol: str,
    port: str = "Any",
    *,
    profiles: int = _ANY_PROFILE,
    remote: str = "Any",
    service: str | None = None,
) -> dict[str, Any]:
    row: dict[str, Any] = {
        "InstanceID": name,
        "DisplayName": display_name,
        "Direction": INBOUND,
        "Action": ALLOW,
        "Enabled": RULE_ENABLED,
        "Profiles": profiles,
        "Protocol": protocol,
        "LocalPort": [port],
        "RemotePort": ["Any"],
        "LocalAddress": ["Any"],
        "RemoteAddress": [remote],
        "Program": _SERVICES if service is not None else _SYSTEM,
    }
    return row if service is None else {**row, "Service": service}
