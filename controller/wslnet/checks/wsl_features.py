"""What this version of WSL can do on this Windows, and which of it `.wslconfig` switches.

Versions are those of WSL 2.0.0's announcement (note 003) and of wsl-facts 2.1.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.checks.parts.findings import Findings
from wslnet.checks.parts.windows import on_windows
from wslnet.checks.parts.wslconfig import config_of
from wslnet.model.finding import Check, Finding, Fix, Status
from wslnet.model.machine import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.snapshot import Snapshot
    from wslnet.model.windows_facts import Os, WindowsFacts

_SAY = Findings("wsl.features", docs="https://learn.microsoft.com/windows/wsl/wsl-config")

_NUMBER = re.compile(r"\d+(?:\.\d+)+")
_FIRST_WSL = (2, 0, 0)
_ANY_WINDOWS, _KB5030310 = (0, 0), (22621, 2359)


@dataclass(frozen=True, slots=True)
class Feature:
    """A feature that came with WSL 2.0.0: the key that switches it, and the first Windows that has it."""

    name: str
    key: str
    windows: tuple[int, int] = _ANY_WINDOWS


FEATURES = (
    Feature("mirrored networking", "wsl2.networkingMode", _KB5030310),
    Feature("DNS tunneling", "wsl2.dnsTunneling", _KB5030310),
    Feature("Hyper-V firewall", "wsl2.firewall", _KB5030310),
    Feature("Windows' proxy", "wsl2.autoProxy"),
    Feature("memory reclaim", "experimental.autoMemoryReclaim"),
    Feature("sparse disk", "experimental.sparseVhd"),
)


def _judge(snapshot: Snapshot, machine: str, windows: WindowsFacts) -> Iterator[Finding]:
    found = _NUMBER.search((windows.wsl.version if windows.wsl is not None else None) or "")
    if found is None or windows.os is None:
        yield _SAY.unread(machine, "versions of WSL and Windows")
    else:
        yield _features(snapshot, machine, found[0], windows.os)


def _features(snapshot: Snapshot, machine: str, version: str, system: Os) -> Finding:
    is_new = tuple(int(part) for part in version.split(".")) >= _FIRST_WSL
    able = {one: is_new and (system.build, system.revision) >= one.windows for one in FEATURES}
    config = config_of(snapshot)
    lines = []
    for one, there in able.items():
        value = config.value(one.key) if config is not None else None
        told = f"{one.key}={value}" if value is not None else f"{one.key} is not set"
        lines.append(f"{one.name}: {'there' if there else 'not there'} ({told})")
    lacking = ", ".join(one.name for one, there in able.items() if not there)
    if not lacking:
        return _SAY.ok(machine, f"WSL {version} has every feature that wslnet knows", *lines)
    return _SAY.problem(
        Status.WARN,
        machine,
        f"features that are not there: {lacking}",
        evidence=lines,
        cause=f"WSL {version} on Windows {system.build}.{system.revision} is older than they are",
        fix=Fix(
            "wslnet setup --mirrored --update-wsl",
            (
                "update WSL to 2.0.0 or newer: wsl.exe --update",
                "update Windows 11 to 22621.2359 or newer: Windows Update",
            ),
        ),
        depends_on=("wsl.version", "windows.build"),
    )


CHECK = Check(
    code=_SAY.code,
    title="This WSL and Windows have the features that networking builds on",
    needs={Kind.WINDOWS: frozenset({"os", "wsl", "wslconfig"})},
    judge=on_windows(_SAY, _judge),
    depends_on=("wsl.version", "windows.build"),
    docs=_SAY.docs,
)
