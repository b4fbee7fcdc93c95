"""The keys that WSL knows in `.wslconfig`, their aliases, and how it checks their values.

From facts/wslconfig-keys.json and wsl-facts 1.1 and 1.3. Names are `section.key`; WSL ignores case in
both. A new key of WSL's is one line here.
"""

from __future__ import annotations

import ipaddress
import re

_MODES = ("none", "nat", "bridged", "mirrored", "consomme", "virtioproxy")
_RECLAIM = ("gradual", "dropcache", "disabled")
_SIZE = re.compile(r"[0-9]+(B|K|KB|M|MB|G|GB|T|TB)?", re.ASCII)
_INTEGER = re.compile(r"[ \t\n\r\f\v]*[+-]?(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)", re.ASCII)
_MAC = re.compile(r"([0-9a-fA-F]{2}([:-])[0-9a-fA-F]{2}(\2[0-9a-fA-F]{2}){4})")
_INT32 = range(-(2**31), 2**31)
_PORTS = range(1, 65536)

_KINDS: dict[str, str] = {
    "wsl2": (
        "networkingMode:mode firewall:bool dnsTunneling:bool autoProxy:bool localhostForwarding:bool "
        "dnsProxy:bool vmSwitch:text macAddress:mac dhcp:bool dhcpTimeout:int ipv6:bool kernel:text "
        "kernelModules:text kernelCommandLine:text loadDefaultKernelModules:bool loadKernelModules:text "
        "memory:size processors:int swap:size swapFile:text nestedVirtualization:bool vmIdleTimeout:int "
        "safeMode:bool guiApplications:bool debugConsole:bool debugConsoleLogFile:text "
        "earlyBootLogging:bool kernelDebugPort:int kernelBootTimeout:int distributionStartTimeout:int "
        "mountDeviceTimeout:int hostFileSystemAccess:bool hardwarePerformanceCounters:bool virtio:bool "
        "virtio9p:bool virtiofs:bool gpuSupport:bool systemDistro:text telemetry:bool defaultVhdSize:size "
        "crashDumpFolder:text maxCrashDumpCount:int isolateDistroCgroup:bool"
    ),
    "experimental": (
        "hostAddressLoopback:bool ignoredPorts:ports dnsTunnelingIpAddress:ipv4 bestEffortDnsParsing:bool "
        "initialAutoProxyTimeout:int autoMemoryReclaim:reclaim sparseVhd:bool swiotlb:size "
        "virtioFsAggregateShares:bool setVersionDebug:bool ephemeralPortRangeSize:int"
    ),
    "general": "instanceIdleTimeout:int distributionInstallPath:text",
}
_ALIASES = {
    f"experimental.{key.casefold()}": f"wsl2.{key}"
    for key in ("networkingMode", "firewall", "dnsTunneling", "autoProxy")
}
KNOWN: dict[str, str] = {
    f"{section}.{key}": kind
    for section, entries in _KINDS.items()
    for key, _, kind in (entry.partition(":") for entry in entries.split())
}
"""`section.key` in WSL's spelling to the kind of its value."""

_BY_FOLD = {name.casefold(): name for name in KNOWN} | _ALIASES


def canonical(section: str, key: str) -> str | None:
    """Give WSL's own name for a key, aliases resolved; None for a key that WSL does not know."""
    return _BY_FOLD.get(f"{section}.{key}".casefold())


def section_of(key: str) -> str | None:
    """Give the section in which WSL knows `key`, for one that was put into another; None if in none."""
    fold = key.casefold()
    for name in KNOWN:
        section, _, own = name.partition(".")
        if own.casefold() == fold:
            return section
    return None


def is_valid(name: str, value: str) -> bool:
    """Say whether WSL takes `value` for the key `name`; otherwise it warns and keeps the default."""
    return _CHECKS[KNOWN[name]](value)


def _is_bool(value: str) -> bool:
    return value in ("0", "1") or value.casefold() in ("true", "false")


def _is_integer(value: str) -> bool:
    match = _INTEGER.fullmatch(value)
    if match is None:
        return False
    digits = match[1]
    base = 16 if digits[:2] in ("0x", "0X") else 8 if digits.startswith("0") else 10
    number = int(digits, base)
    return (-number if "-" in value else number) in _INT32


def _is_port_list(value: str) -> bool:
    items = [item.strip() for item in value.split(",") if item.strip()]
    return all(item.isascii() and item.isdigit() and int(item) in _PORTS for item in items)


def _is_ipv4(value: str) -> bool:
    try:
        ipaddress.IPv4Address(value)
    except ValueError:
        return False
    return True


_CHECKS = {
    "text": lambda _value: True,
    "bool": _is_bool,
    "int": _is_integer,
    "size": lambda value: _SIZE.fullmatch(value) is not None,
    "mode": lambda value: value.casefold() in _MODES,
    "reclaim": lambda value: value.casefold() in _RECLAIM,
    "mac": lambda value: _MAC.fullmatch(value) is not None,
    "ports": _is_port_list,
    "ipv4": _is_ipv4,
}
