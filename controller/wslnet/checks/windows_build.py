"""Is this Windows able to run mirrored mode at all? Windows 11 22H2 with the update of September 2023."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.checks.parts.findings import Findings, look_again
from wslnet.checks.parts.windows import on_windows
from wslnet.model.finding import Check, Finding, Status
from wslnet.model.machine import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.snapshot import Snapshot
    from wslnet.model.windows_facts import Os, WindowsFacts

_SAY = Findings(
    "windows.build", docs="https://learn.microsoft.com/windows/wsl/networking#mirrored-mode-networking"
)

_FIRST = (22621, 2359)
"""KB5030310 (wsl-facts 2.1)."""

_FIRST_WINDOWS_11 = 22000


def _judge(snapshot: Snapshot, machine: str, windows: WindowsFacts) -> Iterator[Finding]:
    os = windows.os
    if os is None:
        yield _SAY.unread(machine, "build")
        return
    evidence = f"{os.product or 'Windows'} {os.edition or ''} build {os.build}.{os.revision}".replace(
        "  ", " "
    )
    lacking = _lacking(os)
    if lacking is None:
        yield _SAY.ok(machine, "this Windows has mirrored mode", evidence)
    elif snapshot.inventory.wish.mode != "mirrored":
        yield _SAY.ok(machine, "this Windows has no mirrored mode, and it is not wished", evidence)
    else:
        cause, step = lacking
        yield _SAY.problem(
            Status.FAIL,
            machine,
            "this Windows has no mirrored mode",
            evidence=(evidence, f"needed: {_FIRST[0]}.{_FIRST[1]} or newer"),
            cause=cause,
            fix=look_again(_SAY.code, step),
        )


def _lacking(os: Os) -> tuple[str, str] | None:
    """Why mirrored mode cannot be had, and what helps; None if it can."""
    if (os.edition or "").startswith("Server") or "Server" in (os.product or ""):
        return "Windows Server never has mirrored mode", "use NAT mode here: wslnet setup --nat"
    if os.build < _FIRST_WINDOWS_11:
        return "Windows 10 never has mirrored mode", "move to Windows 11, or use NAT mode: wslnet setup --nat"
    if (os.build, os.revision) < _FIRST:
        return "Windows 11 has mirrored mode only since build 22621.2359", "install the updates of Windows"
    return None


CHECK = Check(
    code=_SAY.code,
    title="Windows is new enough for mirrored mode",
    needs={Kind.WINDOWS: frozenset({"os"})},
    judge=on_windows(_SAY, _judge),
    docs=_SAY.docs,
)
