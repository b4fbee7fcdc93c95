"""What the keys of `.wslconfig` and `wsl.conf` do to each other, to the mode and to this WSL.

Adds to the reader's findings, which know one line at a time, those that need to know more. Pure; what is
not known of the machine (`Surroundings`) is not judged.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .reader import Finding, WslConfig
from .tables import WSLCONFIG

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .schema import Schema

_DEAD: dict[str, tuple[str, ...]] = {
    "wsl2.localhostForwarding": ("nat", "consomme"),
    "wsl2.dnsProxy": ("nat",),
    "wsl2.vmSwitch": ("bridged",),
    "wsl2.macAddress": ("bridged",),
    "wsl2.dhcp": ("bridged",),
    "wsl2.dhcpTimeout": ("bridged",),
    "wsl2.ipv6": ("bridged",),
    "wsl2.dnsTunneling": ("nat", "mirrored", "consomme"),
    "experimental.hostAddressLoopback": ("mirrored",),
    "experimental.ignoredPorts": ("mirrored",),
}
"""Keys that only some modes heed (wsl-facts 1.3)."""

_SINCE: dict[str, tuple[int, int, int]] = {
    "wsl2.networkingMode": (2, 0, 0),
    "wsl2.firewall": (2, 0, 0),
    "wsl2.dnsTunneling": (2, 0, 0),
    "wsl2.autoProxy": (2, 0, 0),
    "wsl2.safeMode": (0, 66, 2),
    "wsl2.kernelModules": (2, 5, 1),
    "experimental.hostAddressLoopback": (2, 0, 0),
    "experimental.ignoredPorts": (2, 0, 0),
    "experimental.dnsTunnelingIpAddress": (2, 0, 0),
    "experimental.bestEffortDnsParsing": (2, 0, 0),
    "experimental.initialAutoProxyTimeout": (2, 0, 0),
    "experimental.autoMemoryReclaim": (2, 0, 0),
    "experimental.sparseVhd": (2, 0, 0),
    "experimental.swiotlb": (2, 8, 9),
    "wsl2.isolateDistroCgroup": (2, 9, 5),
    "experimental.virtioFsAggregateShares": (2, 9, 5),
    "experimental.ephemeralPortRangeSize": (2, 9, 5),
}
"""The first WSL that knows a key, where that is known (facts/wslconfig-keys.json)."""

_POLICY_MODES = {0: "none", 1: "nat", 3: "mirrored", 4: "consomme"}
"""Values of the policy DefaultNetworkingMode; any other, and none, is NAT (wsl-facts 1.3)."""

_WITH_TUNNELING = ("experimental.bestEffortDnsParsing", "experimental.dnsTunnelingIpAddress")
"""Keys that nothing reads without dnsTunneling."""

_DNS_CACHE = "usewindowsdnscache"

_POLICIES = {
    "AllowNetworkingModeUserSetting": "wsl2.networkingMode",
    "AllowFirewallUserSetting": "wsl2.firewall",
    "AllowNestedVirtualization": "wsl2.nestedVirtualization",
    "AllowKernelUserSetting": "wsl2.kernel",
    "AllowKernelCommandLineUserSetting": "wsl2.kernelCommandLine",
}
"""Policy value whose 0 overrides a key (wsl-facts 1.3)."""

_UNITS = {"": 0, "B": 0, "K": 10, "KB": 10, "M": 20, "MB": 20, "G": 30, "GB": 30, "T": 40, "TB": 40}
_SIZE = re.compile(r"(?P<number>[0-9]+)(?P<unit>[A-Z]*)")
_FALSE = frozenset({"false", "0"})
_TRUE = frozenset({"true", "1"})
_BACKGROUND = re.compile(r"(?:^|[;&|\s])(?:nohup|setsid|disown)\b|(?<!&)&\s*$")


@dataclass(frozen=True, slots=True)
class Surroundings:
    r"""What is known of the machine beside the file; None is not known.

    Attributes:
        mode: the mode in force, in lower case; without it the one that the file leads to is taken.
        version: of WSL.
        policies: values of HKLM\SOFTWARE\Policies\WSL.
        other: the other file of the two.
        symlink: where a wsl.conf that is a link leads.
        memory: of the PC, in bytes.
        processors: logical ones of the PC.
    """

    mode: str | None = None
    version: tuple[int, ...] | None = None
    policies: Mapping[str, object] = field(default_factory=dict)
    other: WslConfig | None = None
    symlink: str | None = None
    memory: int | None = None
    processors: int | None = None


def lint(config: WslConfig, schema: Schema, around: Surroundings | None = None) -> tuple[Finding, ...]:
    """All findings of a file, by line."""
    around = around or Surroundings()
    own = _wslconfig(config, around) if schema is WSLCONFIG else _wsl_conf(config, around)
    return tuple(sorted((*config.findings, *own), key=lambda finding: finding.line))


def _wslconfig(config: WslConfig, around: Surroundings) -> Iterator[Finding]:
    mode = _mode(config, around)
    yield from _dead(config, mode)
    yield from _always_on(config, mode)
    yield from _too_new(config, around.version)
    yield from _overridden(config, around.policies)
    yield from _out_of_fashion(config, mode, around.version)
    yield from _hardware(config, around)
    yield from _without_tunneling(config)
    if mode == "bridged" and config.value("wsl2.vmSwitch") is None:
        asked = config.effective.get("wsl2.networkingMode")
        message = "bridged mode needs wsl2.vmSwitch, and WSL starts without a network otherwise"
        yield Finding(
            "missing-key",
            asked.line if asked else 1,
            "wsl2.vmSwitch",
            message,
            "name an external switch of Hyper-V",
        )


def _without_tunneling(config: WslConfig) -> Iterator[Finding]:
    if (config.value("wsl2.dnsTunneling") or "true").casefold() not in _FALSE:
        return
    for name in _WITH_TUNNELING:
        if name in config.effective:
            yield _at(config, name, "dead-key", "needs dnsTunneling, which is off", "remove it")
    for one in config.findings:
        # WSL has no such key any more, so it is not among those that count (note 003 sets it).
        if one.key.casefold().endswith(f".{_DNS_CACHE}"):
            message = "goes with dnsTunneling, which is off"
            yield Finding("dead-key", one.line, one.key, message, "remove it")


def _wsl_conf(config: WslConfig, around: Surroundings) -> Iterator[Finding]:
    if around.symlink is not None:
        message = f"it is a link to {around.symlink}; WSL reads it before other file systems are mounted"
        yield Finding("symlink", 1, "", message, "put a file in its place")
    command = config.value("boot.command")
    if command is not None and _BACKGROUND.search(command):
        message = "what the command leaves in the background is killed when the command ends"
        yield _at(config, "boot.command", "background", message, "make it a systemd unit")
    resolv = (config.value("network.generateResolvConf") or "true").casefold()
    other = around.other.value("wsl2.dnsTunneling") if around.other is not None else None
    if resolv in _FALSE and (other or "true").casefold() not in _FALSE:
        message = "without it the DNS tunnelling of .wslconfig (on by default) is not used"
        suggestion = "remove it, or write wsl2.dnsTunneling=false in .wslconfig"
        yield _at(config, "network.generateResolvConf", "dns-conflict", message, suggestion)


def coming_mode(config: WslConfig, policies: Mapping[str, object]) -> str:
    """Give the mode that WSL takes when it starts with this file, in lower case, fallbacks left out.

    A policy may fix it, except against a user who asks for none, and safe mode is without a network
    (wsl-facts 1.3). The fifth mode is called consomme, its name since WSL 2.9.
    """
    asked = config.value("wsl2.networkingMode")
    if (config.value("wsl2.safeMode") or "").casefold() in _TRUE:
        return "none"
    default = policies.get("DefaultNetworkingMode")
    fixed = policies.get("AllowNetworkingModeUserSetting") == 0 and (asked or "").casefold() != "none"
    by_policy = _POLICY_MODES.get(default, "nat") if isinstance(default, int) else "nat"
    mode = by_policy if fixed or asked is None else asked.casefold()
    return "consomme" if mode == "virtioproxy" else mode


def _mode(config: WslConfig, around: Surroundings) -> str:
    mode = around.mode.casefold() if around.mode is not None else coming_mode(config, around.policies)
    return "consomme" if mode == "virtioproxy" else mode


def _dead(config: WslConfig, mode: str) -> Iterator[Finding]:
    for name, modes in _DEAD.items():
        if name in config.effective and mode not in modes:
            message = f"has no effect in {mode} mode, only in {' and '.join(modes)}"
            yield _at(config, name, "dead-key", message, "remove it")


def _always_on(config: WslConfig, mode: str) -> Iterator[Finding]:
    if mode == "mirrored" and (config.value("wsl2.firewall") or "").casefold() in _FALSE:
        yield _at(
            config, "wsl2.firewall", "dead-key", "mirrored mode always has the firewall on", "remove it"
        )


def _too_new(config: WslConfig, version: tuple[int, ...] | None) -> Iterator[Finding]:
    for name, first in _SINCE.items():
        if name in config.effective and version is not None and version < first:
            since, here = (".".join(map(str, one)) for one in (first, version))
            yield _at(config, name, "too-new", f"came with WSL {since}; this is {here}", "wsl.exe --update")


def _overridden(config: WslConfig, policies: Mapping[str, object]) -> Iterator[Finding]:
    for policy, name in _POLICIES.items():
        if name in config.effective and policies.get(policy) == 0:
            yield _at(config, name, "policy", f"the policy {policy} = 0 overrides it")


def _out_of_fashion(config: WslConfig, mode: str, version: tuple[int, ...] | None) -> Iterator[Finding]:
    written = (config.value("wsl2.networkingMode") or "").casefold()
    if mode == "bridged" and written == "bridged":
        message = "bridged mode is deprecated since WSL 2.4.5"
        yield _at(config, "wsl2.networkingMode", "deprecated", message)
    if written == "virtioproxy" and version is not None and version >= (2, 9, 0):
        message = "virtioproxy is called consomme since WSL 2.9.0"
        yield _at(config, "wsl2.networkingMode", "deprecated", message, "write consomme")
    if written == "consomme" and version is not None and version < (2, 9, 0):
        message = f"this WSL {'.'.join(map(str, version))} knows the mode as virtioproxy"
        yield _at(config, "wsl2.networkingMode", "too-new", message, "write virtioproxy")


def _hardware(config: WslConfig, around: Surroundings) -> Iterator[Finding]:
    memory, processors = config.value("wsl2.memory"), config.value("wsl2.processors")
    size = bytes_of(memory) if memory is not None else None
    if size is not None and around.memory is not None and size > around.memory:
        message = f"is more than this PC has ({around.memory // 2**30} GB)"
        yield _at(config, "wsl2.memory", "too-much", message)
    if processors is not None and around.processors is not None and int(processors, 0) > around.processors:
        message = f"is more than this PC has; WSL takes {around.processors}"
        yield _at(config, "wsl2.processors", "too-much", message)


def bytes_of(size: str) -> int | None:
    """The bytes that a size of WSL's (`8GB`) means, by powers of 1024; None for another text."""
    found = _SIZE.fullmatch(size)
    if found is None or found["unit"] not in _UNITS:
        return None
    return int(found["number"]) << _UNITS[found["unit"]]


def _at(config: WslConfig, name: str, code: str, message: str, suggestion: str = "") -> Finding:
    return Finding(code, config.effective[name].line, name, message, suggestion)
