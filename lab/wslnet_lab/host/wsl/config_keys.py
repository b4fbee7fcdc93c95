"""The keys that `.wslconfig` knows, with their kinds (wslconfig-keys.json). A table, nothing else.

`since` is the first WSL version that knows the key; older ones call it unknown. The first name is the one
used here, the others are aliases of the same slot.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Key:
    """One key: its names, `kind` (bool int size enum mac ports ipv4 text), the names an enum takes."""

    names: tuple[str, ...]
    kind: str
    values: tuple[str, ...] = ()
    since: tuple[int, ...] = ()


CONSOMME = (2, 9)  # renamed then; VirtioProxy stays as the legacy name
MODES = ("None", "Nat", "Bridged", "Mirrored", "VirtioProxy")

_MOVED = {  # first under [experimental], now under [wsl2]; both names are one slot
    "firewall": "bool",
    "dnsTunneling": "bool",
    "autoProxy": "bool",
}
_WSL2 = {
    "bool": (
        "localhostForwarding dnsProxy dhcp ipv6 loadDefaultKernelModules nestedVirtualization safeMode "
        "guiApplications debugConsole earlyBootLogging hostFileSystemAccess hardwarePerformanceCounters "
        "virtio virtio9p virtiofs gpuSupport telemetry"
    ),
    "int": (
        "dhcpTimeout processors vmIdleTimeout kernelDebugPort kernelBootTimeout distributionStartTimeout "
        "mountDeviceTimeout maxCrashDumpCount"
    ),
    "size": "memory swap defaultVhdSize",
    "mac": "macAddress",
    "text": (
        "vmSwitch kernel kernelModules kernelCommandLine loadKernelModules swapFile debugConsoleLogFile "
        "systemDistro crashDumpFolder"
    ),
}
_EXPERIMENTAL = {
    "bool": "hostAddressLoopback bestEffortDnsParsing sparseVhd setVersionDebug",
    "int": "initialAutoProxyTimeout",
    "ports": "ignoredPorts",
    "ipv4": "dnsTunnelingIpAddress",
}
_GENERAL = {"int": "instanceIdleTimeout", "text": "distributionInstallPath"}


def _table() -> tuple[Key, ...]:
    keys = [
        Key(("wsl2.networkingMode", "experimental.networkingMode"), "enum", MODES),
        Key(("experimental.autoMemoryReclaim",), "enum", ("Gradual", "DropCache", "Disabled")),
        Key(("experimental.swiotlb",), "size", since=(2, 8, 9)),
        Key(("experimental.virtioFsAggregateShares",), "bool", since=(2, 9, 5)),
        Key(("wsl2.isolateDistroCgroup",), "bool", since=(2, 9, 5)),
    ]
    keys += [Key((f"wsl2.{name}", f"experimental.{name}"), kind) for name, kind in _MOVED.items()]
    for section, kinds in (("wsl2", _WSL2), ("experimental", _EXPERIMENTAL), ("general", _GENERAL)):
        keys += [Key((f"{section}.{name}",), kind) for kind, names in kinds.items() for name in names.split()]
    return tuple(keys)


KEYS = _table()


def find_key(name: str, version: tuple[int, ...]) -> Key | None:
    """The key of this name (any case) that WSL `version` knows, or None."""
    lowered = name.lower()
    for key in KEYS:
        if any(known.lower() == lowered for known in key.names):
            if key.values == MODES and version >= CONSOMME:
                return replace(key, values=(*MODES, "Consomme"))
            return key if version >= key.since else None
    return None
