"""Can wsl.exe be run over the network? A WSL of the Store does not start there (wsl-facts 6, 42).

The way around it is a task of the owner's that runs wsl.exe when it is asked; a probe tells whether it is
needed, and nothing is guessed from versions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.checks.parts.findings import REACHABLE, Findings
from wslnet.checks.parts.windows import on_windows
from wslnet.model.finding import Check, Finding, Fix, Status
from wslnet.model.machine import Kind
from wslnet.profiles.boot import programs_task
from wslnet.resources.scheduled_task import ScheduledTask

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.snapshot import Snapshot
    from wslnet.model.windows_facts import WindowsFacts

_SAY = Findings("wsl.remote", docs="https://github.com/microsoft/WSL/issues/9231")

_REFUSED = "not-permitted"
_COMMAND = r"wslnet endpoint install --owner MACHINE\NAME"


def _judge(_snapshot: Snapshot, machine: str, windows: WindowsFacts) -> Iterator[Finding]:
    if windows.wsl is None:
        yield _SAY.unread(machine, "WSL")
    elif windows.wsl.error is None:
        yield _SAY.ok(machine, "wsl.exe runs where wslnet runs it")
    elif windows.wsl.error_code != _REFUSED:
        yield _SAY.skip(machine, windows.wsl.error)
    else:
        yield _refused(machine, windows, windows.wsl.error)


def _refused(machine: str, windows: WindowsFacts, message: str) -> Finding:
    boot = windows.boot
    installed = boot is not None and boot.program.exists and not boot.program.strangers
    why = "runs wsl.exe as its owner when asked"
    resources = (
        (ScheduledTask(machine, programs_task(boot.sid), why, rows=()),)
        if boot is not None and installed
        else ()
    )
    return _SAY.problem(
        Status.FAIL,
        machine,
        "wsl.exe does not run over the network",
        evidence=(f"{machine}: {message}",),
        cause="Windows starts it in no session without a desktop, or this account is no administrator; the "
        "owner's own task can, while he is logged on",
        fix=Fix(
            f"wslnet doctor --fix --only {_SAY.code}" if resources else _COMMAND,
            (
                *(() if installed else ("install wslnet on that Windows for all users",)),
                f"an administrator makes the task of WSL's owner: {_COMMAND}",
                "or update WSL there: wsl.exe --update",
            ),
            resources,
        ),
    )


CHECK = Check(
    code=_SAY.code,
    title="wsl.exe can be run from where wslnet runs",
    needs={Kind.WINDOWS: frozenset({"boot", "wsl"})},
    judge=on_windows(_SAY, _judge),
    depends_on=(REACHABLE,),
    docs=_SAY.docs,
)
