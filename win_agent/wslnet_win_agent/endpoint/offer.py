"""What the endpoint offers: our own functions, and the plain reads beside them.

One list, from which the role capability is written and by which calls are spelled; nothing else is public.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

MODULE = "WslnetEndpoint"
ROLE = "wslnet"
CONFIGURATION = "wslnet"
"""The name that an inventory gives as `configuration`."""

FUNCTIONS = (
    "Copy-WslnetConfig",
    "Get-WslnetConfigContent",
    "Get-WslnetConfigItem",
    "Get-WslnetFileContent",
    "Get-WslnetFileItem",
    "Get-WslnetRegistry",
    "Get-WslnetUserProfile",
    "Move-WslnetFile",
    "New-WslnetFile",
    "New-WslnetHyperVRule",
    "New-WslnetHyperVSetting",
    "Publish-WslnetConfig",
    "Remove-WslnetConfig",
    "Remove-WslnetFile",
    "Remove-WslnetHyperVRule",
    "Set-WslnetConfigDraft",
    "Set-WslnetFile",
    "Set-WslnetForwarding",
    "Set-WslnetHyperVSetting",
    "Start-WslnetTask",
)
READS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "Microsoft.PowerShell.Management": ("Get-Process", "Get-Service"),
        "NetAdapter": ("Get-NetAdapter",),
        "NetConnection": ("Get-NetConnectionProfile",),
        "NetSecurity": (
            "Get-NetFirewallHyperVProfile",
            "Get-NetFirewallHyperVRule",
            "Get-NetFirewallHyperVVMCreator",
            "Get-NetFirewallHyperVVMSetting",
            "Get-NetFirewallProfile",
        ),
        "NetTCPIP": (
            "Get-NetIPAddress",
            "Get-NetIPInterface",
            "Get-NetRoute",
            "Get-NetTCPConnection",
            "Get-NetUDPEndpoint",
        ),
        "ScheduledTasks": ("Export-ScheduledTask", "Get-ScheduledTask", "Get-ScheduledTaskInfo"),
    }
)
"""Plain reads by module. `Register-ScheduledTask` and its like are ways out, never here (windows-facts 6)."""

ENGINE_MODULES = frozenset({"Microsoft.PowerShell.Management"})
"""Loaded in every session; importing them again is needless."""

PROBE = ("Set-WslnetForwarding", "Set-NetIPInterface")
"""Asked for when a session opens: the first alone means the endpoint, the second a full session."""
