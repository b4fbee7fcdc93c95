"""What listens on Windows beyond loopback, and whether its own firewall lets WSL come. A fact, no fault."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.checks.parts.findings import MODE_KNOWN_BY, Findings
from wslnet.checks.parts.host_rules import beyond_loopback, let_in, wsl_prefix
from wslnet.checks.parts.windows import on_windows
from wslnet.model.finding import Check, Finding
from wslnet.model.machine import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.snapshot import Snapshot
    from wslnet.model.windows_facts import HostRule, WindowsFacts, WindowsListener

_SAY = Findings("win.listen", docs="https://learn.microsoft.com/windows/wsl/networking")


def _judge(snapshot: Snapshot, machine: str, windows: WindowsFacts) -> Iterator[Finding]:
    if windows.listeners is None or windows.host_rules is None:
        yield _SAY.unread(machine, "listeners and host rules")
        return
    listeners = beyond_loopback(windows.listeners)
    if snapshot.mode == "mirrored":
        told = (f"{machine}: {_words(one)}" for one in listeners)
        yield _SAY.ok(machine, "WSL comes to services of Windows by 127.0.0.1, past the firewall", *told)
        return
    prefix = wsl_prefix(windows)
    if prefix is None:
        yield _SAY.skip(machine, "WSL's network behind Windows is not known", depends_on=MODE_KNOWN_BY)
        return
    told = (_told(machine, windows.host_rules, one, prefix) for one in listeners)
    yield _SAY.ok(machine, f"{len(listeners)} ports of Windows are held beyond loopback", *told)


def _told(machine: str, rules: tuple[HostRule, ...], one: WindowsListener, prefix: str) -> str:
    admitted, why = let_in(rules, one, prefix)
    return f"{machine}: {_words(one)}: WSL ({prefix}) {'may come' if admitted else 'may not come'}, {why}"


def _words(one: WindowsListener) -> str:
    return f"{one.proto}/{one.port} {one.process or 'a process'} on {one.address}"


CHECK = Check(
    code=_SAY.code,
    title="What listens on Windows, and whether WSL may come to it",
    needs={
        Kind.WINDOWS: frozenset({"listeners", "host_rules", "addresses", "wsl"}),
        Kind.WSL: frozenset({"wsl"}),
    },
    judge=on_windows(_SAY, _judge),
    depends_on=MODE_KNOWN_BY,
    docs=_SAY.docs,
)
