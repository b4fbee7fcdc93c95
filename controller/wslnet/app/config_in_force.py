"""What WSL will really use against what it uses now, as far as the running machine shows it. Pure.

A key that leaves no trace that can be read is not judged: nothing here guesses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.app.config_report import Difference
from wslnet.checks.parts.wslconfig import MODE_KEY, same_mode
from wslnet_win_agent.wslconfig import WSLCONFIG
from wslnet_win_agent.wslconfig.lint import bytes_of, coming_mode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.app.config_file import ConfigFile
    from wslnet.app.config_machine import MachineFiles
    from wslnet.model.linux_facts import LinuxFacts
    from wslnet.model.settings_in_use import InUse
    from wslnet.model.snapshot import Snapshot

_RESTART = "WSL takes it when its VM starts: wslnet restart"
_START = "WSL takes it when the distribution starts: wslnet restart"
_FELL_BACK = f"{_RESTART}; if it started since, it fell back: wslnet doctor --only mode.actual"
_LOOPBACK_TABLE = 128
"""Routes to Windows' own addresses, there with hostAddressLoopback only (wsl-facts 2.2)."""

_TUNNEL = "10.255.255.254"
_LEAST_SHARE = 0.8
"""Of its memory a kernel keeps a part for itself: what it tells is always less than what it was given."""

_WSLS_OWN = "/wsl/resolv.conf"
_FALSE = frozenset({"false", "0"})


def not_in_force(found: MachineFiles) -> tuple[tuple[str, Difference], ...]:
    """Path of the file and key, where the value now is another than the one of WSL's next start."""
    wsl = found.snapshot.inventory.wsl
    inside = found.snapshot.linux(wsl.name) if wsl is not None else None
    rows: list[tuple[str, Difference]] = []
    for file in found.files:
        if file.schema is WSLCONFIG:
            rows += ((file.path, one) for one in _wslconfig(file, found.snapshot, inside))
        elif inside is not None:
            rows += ((file.path, one) for one in _wsl_conf(file, inside))
    return tuple(rows)


def _wslconfig(file: ConfigFile, snapshot: Snapshot, inside: LinuxFacts | None) -> Iterator[Difference]:
    mode = coming_mode(file.config, file.around.policies)
    if snapshot.mode is not None and not same_mode(mode, snapshot.mode):
        yield _row(file, MODE_KEY, mode, snapshot.mode, _FELL_BACK)
    if inside is None or inside.in_use is None:
        return
    yield from _machine(file, inside.in_use)
    if not same_mode(mode, snapshot.mode):
        return
    if mode == "mirrored" and inside.routes is not None:
        asked = "true" if _is_on(file, "experimental.hostAddressLoopback", "false") else "false"
        there = any(route.table == _LOOPBACK_TABLE for route in inside.routes)
        now = "true" if there else "false"
        if asked != now:
            yield _row(file, "experimental.hostAddressLoopback", asked, now, _RESTART)
    servers = inside.in_use.resolver.nameservers
    if mode in {"nat", "mirrored"} and servers:
        server = file.config.value("experimental.dnsTunnelingIpAddress") or _TUNNEL
        asked = "true" if _is_on(file, "wsl2.dnsTunneling", "true") else "false"
        now = "true" if server in servers else "false"
        if asked != now:
            yield _row(file, "wsl2.dnsTunneling", asked, f"{now} (nameserver {servers[0]})", _RESTART)


def _machine(file: ConfigFile, used: InUse) -> Iterator[Difference]:
    processors, memory = file.config.value("wsl2.processors"), file.config.value("wsl2.memory")
    if processors is not None and int(processors, 0) != used.processors:
        yield _row(file, "wsl2.processors", processors, str(used.processors), _RESTART)
    size = bytes_of(memory) if memory is not None else None
    if memory is not None and size and not _LEAST_SHARE * size <= used.memory_kb * 1024 <= size:
        yield _row(file, "wsl2.memory", memory, f"{used.memory_kb // 1024}MB", _RESTART)
    line = file.config.value("wsl2.kernelCommandLine")
    if line and line not in used.command_line:
        yield _row(file, "wsl2.kernelCommandLine", line, used.command_line or "(empty)", _RESTART)


def _wsl_conf(file: ConfigFile, inside: LinuxFacts) -> Iterator[Difference]:
    if inside.persistence is not None:
        asked = "true" if _is_on(file, "boot.systemd", "false") else "false"
        now = "true" if inside.persistence.systemd else "false"
        if asked != now:
            yield _row(file, "boot.systemd", asked, now, _START)
    name = file.config.value("network.hostname")
    if name is not None and inside.identity is not None and name != inside.identity.hostname:
        yield _row(file, "network.hostname", name, inside.identity.hostname, _START)
    link = inside.in_use.resolver.link if inside.in_use is not None else None
    if link is not None:
        # A plain file may be a copy that somebody made of WSL's: that cannot be told.
        asked = "true" if _is_on(file, "network.generateResolvConf", "true") else "false"
        now = "true" if link.endswith(_WSLS_OWN) else "false"
        if asked != now:
            words = f"{now} (/etc/resolv.conf leads to {link})"
            yield _row(file, "network.generateResolvConf", asked, words, _START)


def _is_on(file: ConfigFile, key: str, default: str) -> bool:
    return (file.config.value(key) or default).casefold() not in _FALSE


def _row(file: ConfigFile, key: str, used: str, now: str, reason: str) -> Difference:
    setting = file.config.effective.get(key)
    line = setting.line if setting is not None else 0
    written = f"{key.partition('.')[2]}={setting.value}" if setting is not None else "(not set)"
    return Difference(key, line, written, used, reason, now)
