"""Is WSL's kernel new enough for mirrored mode? Only one that somebody built himself is not (wsl-facts 2.1).

WSL then falls back to NAT, with a message and without a code. Which kernel runs is its owner's choice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.checks.parts.findings import REACHABLE, Findings, look_again
from wslnet.checks.parts.wsl import on_wsl
from wslnet.checks.parts.wslconfig import config_of, numbers
from wslnet.model.finding import Check, Finding, Status
from wslnet.model.machine import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.linux_facts import LinuxFacts
    from wslnet.model.snapshot import Snapshot

_SAY = Findings("kernel.version", docs="https://learn.microsoft.com/windows/wsl/wsl-config#wslconfig")

_KEY = "wsl2.kernel"
_FIRST = (5, 10)


def _judge(snapshot: Snapshot, machine: str, facts: LinuxFacts) -> Iterator[Finding]:
    release = facts.identity.kernel if facts.identity is not None else None
    version = numbers((release or "").partition("-")[0])
    told = f"{machine}: kernel {release}"
    if version is None:
        yield _SAY.unread(machine, "kernel")
    elif version >= _FIRST:
        yield _SAY.ok(machine, "the kernel is new enough for mirrored mode", told)
    elif snapshot.inventory.wish.mode != "mirrored":
        yield _SAY.ok(machine, "the kernel has no mirrored mode, and it is not wished", told)
    else:
        yield _too_old(snapshot, machine, told)


def _too_old(snapshot: Snapshot, machine: str, told: str) -> Finding:
    config = config_of(snapshot)
    setting = config.effective.get(_KEY) if config is not None else None
    where = () if setting is None else (f".wslconfig line {setting.line}: kernel={setting.value}",)
    return _SAY.problem(
        Status.FAIL,
        machine,
        "the kernel is too old for mirrored mode",
        evidence=(told, "needed: 5.10 or newer, with seccomp", *where),
        cause="WSL needs it to ask Windows for ports, and falls back to NAT mode without",
        fix=look_again(
            _SAY.code,
            "build a newer one, or take WSL's own: wslnet config unset wsl2.kernel, then wslnet restart",
            "WSL's own is updated by wsl.exe --update",
        ),
    )


CHECK = Check(
    code=_SAY.code,
    title="WSL's kernel is new enough for mirrored mode",
    needs={Kind.WINDOWS: frozenset({"wslconfig"}), Kind.WSL: frozenset({"identity"})},
    judge=on_wsl(_SAY, _judge),
    depends_on=(REACHABLE, "wsl.running"),
    docs=_SAY.docs,
)
