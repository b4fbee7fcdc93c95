"""Calls about what guards this Windows beside its own firewall; all of them only read."""

from __future__ import annotations

from wslnet_win_agent.call import Call


def firewall_products() -> Call:
    """Firewalls that have told Windows of themselves; a Server has no such namespace."""
    return Call("Get-CimInstance", {"Namespace": "root/SecurityCenter2", "ClassName": "FirewallProduct"})


def device_guard() -> Call:
    """Whether code integrity is enforced (WDAC, App Control)."""
    return Call(
        "Get-CimInstance",
        {"Namespace": "root/Microsoft/Windows/DeviceGuard", "ClassName": "Win32_DeviceGuard"},
    )
