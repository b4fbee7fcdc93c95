"""The .NET enums that parameters take: member names from the oracle, numbers from the CIM class pages.

Only data and look-ups; what a value converts to is `conversion`'s business. Numbers not listed here are
ordinals, which is what the stand-ins of corpus/binder have too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_CDXML_PREFIX = "Microsoft.PowerShell.Cmdletization.GeneratedTypes"


@dataclass(frozen=True)
class Enumeration:
    """One enum: full type name, members with their numbers, and whether they may be OR-ed."""

    type_name: str
    members: Mapping[str, int]
    flags: bool = False

    def name_of(self, number: int) -> str | None:
        """The text .NET shows for `number`; None when no member, or no sum of flags, has it."""
        for name, value in self.members.items():
            if value == number:
                return name
        if not self.flags:
            return None
        parts: list[str] = []
        rest = number
        for name, value in sorted(self.members.items(), key=lambda item: -item[1]):
            if value and value & rest == value:
                parts.insert(0, name)
                rest &= ~value
        if not rest:
            return ", ".join(parts) or "0"
        # .NET accepts any number whose bits some member covers, and shows it as digits.
        mask = 0
        for value in self.members.values():
            mask |= value
        return str(number) if number > 0 and not number & ~mask else None


def _powers(*names: str) -> dict[str, int]:
    return {name: 1 << index for index, name in enumerate(names)}


def _from(first: int, *names: str) -> dict[str, int]:
    return {name: first + index for index, name in enumerate(names)}


# Sources: windows-facts 1.1 and the win32 class pages (cim_classes of the oracle); .NET's own for the rest.
_NUMBERS: Mapping[str, Mapping[str, int]] = {
    "Action": {"NotConfigured": 0, "Allow": 2, "Block": 4},
    "AddressFamily": {"IPv4": 2, "IPv6": 23},
    "AppliedSetting": {
        "Internet": 0,
        "Datacenter": 1,
        "Compat": 2,
        "InternetCustom": 3,
        "DatacenterCustom": 4,
    },
    "CommandTypes": _powers(
        "Alias", "Function", "Filter", "Cmdlet", "ExternalScript", "Application", "Script", "Workflow"
    )
    | {"Configuration": 256, "All": 511},
    "Direction": {"Inbound": 1, "Outbound": 2},
    "Enabled": {"True": 1, "False": 2},
    "ExecutionPolicy": {
        "Unrestricted": 0,
        "RemoteSigned": 1,
        "AllSigned": 2,
        "Restricted": 3,
        "Default": 3,
        "Bypass": 4,
        "Undefined": 5,
    },
    "GpoBoolean": {"False": 0, "True": 1, "NotConfigured": 2},
    "LogonTypeEnum": _from(
        1, "Password", "S4U", "Interactive", "Group", "ServiceAccount", "InteractiveOrPassword"
    ),
    "PolicyStoreType": {
        "None": 0,
        "Local": 1,
        "GroupPolicy": 2,
        "Dynamic": 3,
        "Generated": 4,
        "Hardcoded": 5,
        "MDM": 6,
        "HostFirewallLocal": 8,
        "HostFirewallGroupPolicy": 9,
        "HostFirewallDynamic": 10,
        "HostFirewallMDM": 11,
    },
    "Profile": {"Any": 0, "Domain": 1, "Private": 2, "Public": 4, "NotApplicable": 65535},
    "RegistryValueKind": {
        "Unknown": 0,
        "String": 1,
        "ExpandString": 2,
        "Binary": 3,
        "DWord": 4,
        "MultiString": 7,
        "QWord": 11,
        "None": -1,
    },
    "RouterDiscovery": {"Disabled": 0, "Enabled": 1, "ControlledByDHCP": 2},
    "ScopedItemOptions": {"None": 0, "ReadOnly": 1, "Constant": 2, "Private": 4, "AllScope": 8}
    | {"Unspecified": 16},
    "State": _from(
        1,
        *("Closed", "Listen", "SynSent", "SynReceived", "Established", "FinWait1", "FinWait2", "CloseWait"),
        *("Closing", "LastAck", "TimeWait", "DeleteTCB"),
    )
    | {"Bound": 100},
    "Type": {"Unicast": 1, "Anycast": 2},
    "VMSwitchType": _from(0, "Private", "Internal", "External"),
    "FlagsExpression[FileAttributes]": {
        "ReadOnly": 1,
        "Hidden": 2,
        "System": 4,
        "Directory": 16,
        "Archive": 32,
        "Device": 64,
        "Normal": 128,
        "Temporary": 256,
        "SparseFile": 512,
        "ReparsePoint": 1024,
        "Compressed": 2048,
        "Offline": 4096,
        "NotContentIndexed": 8192,
        "Encrypted": 16384,
        "IntegrityStream": 32768,
        "NoScrubData": 131072,
    },
}
_ROUTE_PROTOCOL_FIRST = 1
_FLAGS = frozenset({"Profile", "CommandTypes", "ScopedItemOptions", "FlagsExpression[FileAttributes]"})
# Members that no document lists with the parameter, or not with every one.
_MEMBERS = {
    "RegistryValueKind": tuple(_NUMBERS["RegistryValueKind"]),
    "TestPathType": ("Any", "Container", "Leaf"),
    "ScopedItemOptions": tuple(_NUMBERS["ScopedItemOptions"]),
    "VMSwitchType": tuple(_NUMBERS["VMSwitchType"]),
    "AuthenticationMechanism": (
        *("Default", "Digest", "Negotiate", "Basic", "Kerberos", "ClientCertificate", "Credssp"),
    ),
}
_TYPE_NAMES = {
    "ActionPreference": "System.Management.Automation.ActionPreference",
    "AuthenticationMechanism": "Microsoft.WSMan.Management.AuthenticationMechanism",
    "CommandTypes": "System.Management.Automation.CommandTypes",
    "DayOfWeek": "System.DayOfWeek",
    "FileSystemCmdletProviderEncoding": "Microsoft.PowerShell.Commands.FileSystemCmdletProviderEncoding",
    "ExecutionPolicy": "Microsoft.PowerShell.ExecutionPolicy",
    "LogLevel": "Microsoft.Dism.Commands.LogLevel",
    "RegistryValueKind": "Microsoft.Win32.RegistryValueKind",
    "ScopedItemOptions": "System.Management.Automation.ScopedItemOptions",
    "ServiceStartMode": "System.ServiceProcess.ServiceStartMode",
    "TestPathType": "Microsoft.PowerShell.Commands.TestPathType",
}
_GENERATED_NOUNS = {"NetSecurity": "NetSecurity", "ScheduledTasks": "ScheduledTask"}

ACTION_PREFERENCE = Enumeration(
    _TYPE_NAMES["ActionPreference"],
    _from(0, "SilentlyContinue", "Stop", "Continue", "Inquire", "Ignore", "Suspend"),
)


def enumeration(module: str, command: str, type_name: str, values: tuple[str, ...]) -> Enumeration | None:
    """The enum that `type_name` means for a parameter of `command`; None when it is no enum.

    `values` are the names the oracle lists for the parameter.
    """
    names = _MEMBERS.get(type_name, values)
    if not names:
        return None
    if type_name == "Protocol" and "Other" in names:
        numbers: Mapping[str, int] = _from(_ROUTE_PROTOCOL_FIRST, *names)
    else:
        table = _NUMBERS.get(type_name, {})
        numbers = {name: table.get(name, index) for index, name in enumerate(names)}
    return Enumeration(_full_name(module, command, type_name), numbers, flags=type_name in _FLAGS)


def _full_name(module: str, command: str, type_name: str) -> str:
    if type_name in _TYPE_NAMES:
        return _TYPE_NAMES[type_name]
    if module == "Hyper-V":
        return f"Microsoft.HyperV.PowerShell.{type_name}"
    noun = _GENERATED_NOUNS.get(module, command.partition("-")[2])
    return f"{_CDXML_PREFIX}.{noun}.{type_name}"
