"""Whose session is this on Windows: one that owns WSL, with rights that can be had?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.checks.parts.findings import Findings, look_again
from wslnet.checks.parts.windows import on_windows
from wslnet.model.finding import Check, Finding, Status
from wslnet.model.machine import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.snapshot import Snapshot
    from wslnet.model.windows_facts import LogonSession, WindowsFacts

_SAY = Findings(
    "windows.session",
    docs="https://learn.microsoft.com/windows/win32/winrm/authentication-for-remote-connections",
)


def _judge(_snapshot: Snapshot, machine: str, windows: WindowsFacts) -> Iterator[Finding]:
    found = windows.session
    if found is None:
        yield _SAY.skip(machine, "programs do not run as the user of this session")
    elif found.system:
        yield _SAY.problem(
            Status.FAIL,
            machine,
            "this is LocalSystem's session, which has no WSL",
            evidence=_evidence(found),
            cause="WSL and its distributions belong to a user, and LocalSystem is none (0x8004032E)",
            fix=look_again(_SAY.code, "run wslnet as the user who owns the distributions"),
        )
    elif _is_somebody_else(found):
        yield _SAY.problem(
            Status.WARN,
            machine,
            "elevated as another account than the one that is logged on",
            evidence=_evidence(found),
            cause="distributions and .wslconfig are each user's own: this session sees those of the other "
            "account",
            fix=look_again(
                _SAY.code,
                "run wslnet in a terminal of your own, not elevated: it asks for rights when it needs them",
            ),
        )
    elif found.network and found.administrator and not found.elevated:
        yield _SAY.problem(
            Status.WARN,
            machine,
            "an administrator whose rights are filtered over the network",
            evidence=_evidence(found),
            cause="Windows gives local administrators a filtered token over WinRM "
            "(LocalAccountTokenFilterPolicy is not 1)",
            fix=look_again(
                _SAY.code,
                "connect to the constrained endpoint instead: wslnet endpoint install, once, on the machine",
                "or sign in with a domain account or the built-in Administrator",
            ),
        )
    else:
        yield _SAY.ok(machine, _rights(found), *_evidence(found))


def _is_somebody_else(found: LogonSession) -> bool:
    """Over the network one may be another than who sits there; elevated at the machine one should not."""
    return (
        not found.network
        and found.elevated
        and found.desktop_user is not None
        and found.desktop_user != found.sid
    )


def _rights(found: LogonSession) -> str:
    if found.elevated:
        return "this session has an administrator's rights"
    if found.administrator:
        return "this session is not elevated; one prompt asks for rights when a change needs them"
    return "this session is no administrator's; a change that needs one asks for an account that is"


def _evidence(found: LogonSession) -> tuple[str, ...]:
    kind = "local account" if found.local_account else "account of a domain, or a service"
    if found.microsoft_account:
        kind = "Microsoft account: over the network only its password signs in, no PIN and no passkey"
    seat = f"logged on at the machine: {found.desktop_user or 'nobody known'}"
    return (f"{found.sid}: {kind}", seat)


CHECK = Check(
    code=_SAY.code,
    title="The session on Windows is the one of WSL's owner",
    needs={Kind.WINDOWS: frozenset({"session"})},
    judge=on_windows(_SAY, _judge),
    docs=_SAY.docs,
)
