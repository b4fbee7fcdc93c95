"""Does a policy (Group Policy, MDM) manage the Hyper-V firewall? What it says is named and never fought."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.checks.parts.findings import REACHABLE, Findings, graded, look_again
from wslnet.checks.parts.windows import on_windows
from wslnet.errors import Unsupported
from wslnet.model.finding import Check, Finding
from wslnet.model.machine import Kind
from wslnet.profiles.firewall import managed, refuse_managed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.snapshot import Snapshot
    from wslnet.model.windows_facts import WindowsFacts

_SAY = Findings(
    "hyperv.managed",
    docs="https://learn.microsoft.com/windows/security/operating-system-security/network-security/"
    "windows-firewall/hyper-v-firewall",
)


def _judge(snapshot: Snapshot, machine: str, windows: WindowsFacts) -> Iterator[Finding]:
    firewall = windows.hyperv_firewall
    if firewall is None:
        yield _SAY.unread(machine, "Hyper-V firewall")
    elif not firewall.supported:
        yield _SAY.skip(machine, "there is no Hyper-V firewall", depends_on=("hyperv.firewall",))
    elif not (told := managed(firewall)):
        yield _SAY.ok(machine, "no policy manages the Hyper-V firewall")
    else:
        yield _SAY.problem(
            graded(wished=bool(snapshot.inventory.wish.allow) and _is_refused(snapshot)),
            machine,
            "a policy manages the Hyper-V firewall",
            evidence=(f"{machine}: {line}" for line in told),
            cause="what Group Policy or MDM says goes before what is set on this PC (wsl-facts 2.3); wslnet "
            "writes nothing against it",
            fix=look_again(_SAY.code, "ask who administers this Windows to allow the port for WSL there"),
        )


def _is_refused(snapshot: Snapshot) -> bool:
    """Whether rules of this PC have no effect where they would be needed."""
    try:
        refuse_managed(snapshot)
    except Unsupported:
        return True
    return False


CHECK = Check(
    code=_SAY.code,
    title="No policy decides what the Hyper-V firewall lets in",
    needs={Kind.WINDOWS: frozenset({"hyperv_firewall", "profiles", "routes"})},
    judge=on_windows(_SAY, _judge),
    depends_on=("hyperv.firewall", REACHABLE),
    docs=_SAY.docs,
)
