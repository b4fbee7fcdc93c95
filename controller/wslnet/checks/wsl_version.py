"""Is WSL new enough? Mirrored mode, the Hyper-V firewall and remote calls of wsl.exe need 2.0.0."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from wslnet.checks.parts.findings import Findings, graded
from wslnet.checks.parts.windows import on_windows
from wslnet.model.finding import Check, Finding, Fix, Status
from wslnet.model.machine import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.snapshot import Snapshot
    from wslnet.model.windows_facts import WindowsFacts

_SAY = Findings("wsl.version", docs="https://learn.microsoft.com/windows/wsl/basic-commands#update-wsl")

_FIRST = (2, 0, 0)
_NUMBER = re.compile(r"\d+(?:\.\d+)+")


def _judge(snapshot: Snapshot, machine: str, windows: WindowsFacts) -> Iterator[Finding]:
    service = windows.wsl
    if service is None:
        yield _SAY.unread(machine, "WSL")
    elif not service.installed:
        yield _SAY.problem(
            Status.WARN,
            machine,
            "WSL is not installed",
            evidence=("no WSL package is registered in Windows",),
            cause="WSL was never installed here, or only Windows' own old copy of wsl.exe is there",
            fix=Fix("wslnet setup --mirrored --update-wsl", ("install WSL: wsl.exe --install",)),
        )
    else:
        yield _version(snapshot, machine, service.version)


def _version(snapshot: Snapshot, machine: str, version: str | None) -> Finding:
    found = _NUMBER.search(version or "")
    if found is None:
        return _SAY.unread(machine, "WSL version")
    if tuple(int(part) for part in found[0].split(".")) >= _FIRST:
        return _SAY.ok(machine, "WSL is new enough", f"WSL {version}")
    return _SAY.problem(
        graded(wished=snapshot.inventory.wish.mode == "mirrored"),
        machine,
        f"WSL {version} is too old",
        evidence=(f"WSL {version}", "needed: 2.0.0 or newer"),
        cause="mirrored mode came with WSL 2.0.0, and older ones refuse calls without a desktop session",
        fix=Fix(
            "wslnet setup --mirrored --update-wsl",
            ("update WSL: wsl.exe --update", "then let it start anew: wsl.exe --shutdown"),
        ),
    )


CHECK = Check(
    code=_SAY.code,
    title="WSL is new enough",
    needs={Kind.WINDOWS: frozenset({"wsl"})},
    judge=on_windows(_SAY, _judge),
    docs=_SAY.docs,
)
