"""The registry keys that matter to wslnet, read in one call and told apart by their `PSPath`.

Read only. Values that PowerShell adds to each key (`PSPath`, `PSChildName` …) are left out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .values import integer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .bridge import WindowsObject

CURRENT_VERSION = r"HKLM:\SOFTWARE\Microsoft\Windows NT\CurrentVersion"
IPV6_PARAMETERS = r"HKLM:\SYSTEM\CurrentControlSet\Services\Tcpip6\Parameters"
FIREWALL_PARAMETERS = r"HKLM:\SYSTEM\CurrentControlSet\Services\MpsSvc\Parameters"
HOST_RULES = {
    "Local": r"HKLM:\SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy\FirewallRules",
    "GroupPolicy": r"HKLM:\SOFTWARE\Policies\Microsoft\WindowsFirewall\FirewallRules",
}
"""The rules of Windows' own firewall, one value a rule, by the store they come from ([MS-GPFAS] 2.2.2.19)."""
APPLOCKER = {kind: rf"HKLM:\SOFTWARE\Policies\Microsoft\Windows\SrpV2\{kind}" for kind in ("Exe", "Script")}
"""Kinds of AppLocker's rules that a program or a session could meet ([MS-GPAC] 2.2)."""

NTLM = r"HKLM:\SYSTEM\CurrentControlSet\Control\Lsa\MSV1_0"
WSL_POLICIES = r"HKLM:\SOFTWARE\Policies\WSL"
WSL_MSI = r"HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Lxss\MSI"
WSL_MACHINE = r"HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Lxss"
WSL_OF_USER = r"SOFTWARE\Microsoft\Windows\CurrentVersion\Lxss"
"""Below a user's own hive."""

WSL_USER = rf"HKCU:\{WSL_OF_USER}"
ENVIRONMENT = r"HKLM:\SYSTEM\CurrentControlSet\Control\Session Manager\Environment"
LOGON_UI = r"HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Authentication\LogonUI"
PROFILES = r"HKLM:\SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList"
"""A key for each account that has ever logged on, named by its SID."""

FOR_ADMINISTRATORS = r"Registry::HKEY_USERS\S-1-5-19\Environment"
"""LocalService's own hive: only an administrator whose rights are in force may open it."""

PORTPROXY_FAMILIES = ("v4tov4", "v4tov6", "v6tov4", "v6tov6")
PORTPROXY = {
    each: rf"HKLM:\SYSTEM\CurrentControlSet\Services\PortProxy\{each}\tcp" for each in PORTPROXY_FAMILIES
}
_HIVES = {"HKLM:": "HKEY_LOCAL_MACHINE", "HKCU:": "HKEY_CURRENT_USER"}
_OWN_HIVE = re.compile(r"^HKEY_USERS\\S-1-5-21-[0-9-]+(?=\\)", re.IGNORECASE)
"""How a session that is not the user himself names the user's own hive (the constrained endpoint)."""

_ADDED = frozenset({"PSPath", "PSParentPath", "PSChildName", "PSDrive", "PSProvider", "PSComputerName"})


@dataclass(frozen=True, slots=True)
class RegistryKeys:
    """Values of the keys that exist: key (folded full path) to name to value."""

    keys: Mapping[str, Mapping[str, object]]

    def values(self, path: str) -> Mapping[str, object]:
        """Give all values of a key; empty when the key is absent."""
        return self.keys.get(_full(path), {})

    def text(self, path: str, name: str) -> str | None:
        """Give a text value; None when it is absent or no text."""
        value = self.values(path).get(name)
        return value if isinstance(value, str) and value else None

    def number(self, path: str, name: str) -> int | None:
        """Give a number, also one kept as text; None when it is absent."""
        return integer(self.values(path).get(name))


def read(rows: Sequence[WindowsObject]) -> RegistryKeys:
    """Give the keys among some outputs; anything without a registry path is passed over."""
    keys = {}
    for row in rows:
        path = row.get("PSPath")
        if isinstance(path, str) and "HKEY_" in path:
            own = {**row.raw, **row.text}
            values = {name: value for name, value in own.items() if name not in _ADDED}
            keys[_OWN_HIVE.sub(_HIVES["HKCU:"], path[path.index("HKEY_") :]).casefold()] = values
    return RegistryKeys(keys)


def _full(path: str) -> str:
    drive, _, rest = path.partition("\\")
    return f"{_HIVES[drive]}\\{rest}".casefold()
