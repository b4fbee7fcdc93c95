"""Is what wslnet left on a machine's disk whole, confirmed and of this version?"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from wslnet.checks.parts.findings import REACHABLE, Findings
from wslnet.checks.parts.linux import linux_machines
from wslnet.model.finding import Check, Finding, Fix, Status
from wslnet.model.machine import Kind
from wslnet.profiles.persistence import PROGRAM, persisters
from wslnet.resources.persistent_file import PersistentFile, run_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.linux_facts import DiskFiles, Owned
    from wslnet.model.snapshot import Snapshot

_SAY = Findings("persist.files", docs="https://learn.microsoft.com/windows/wsl/systemd")


def _judge(snapshot: Snapshot) -> Iterator[Finding]:
    for machine in linux_machines(snapshot):
        facts = snapshot.linux(machine.name)
        if facts is None:
            yield _SAY.unseen(snapshot, machine.name)
        elif facts.owned is None or facts.files is None or facts.persistence is None:
            yield _SAY.unread(machine.name, "files")
        else:
            yield _machine(snapshot, machine.name, facts.owned, facts.files)


def _machine(snapshot: Snapshot, machine: str, owned: Owned, files: DiskFiles) -> Finding:
    ours = [(one.path, run_of(one)) for one in files.found if run_of(one)]
    if not ours and not owned.items and owned.problem is None:
        return _SAY.skip(machine, "nothing of wslnet is on its disk")
    wrong = [] if owned.problem is None else [owned.problem]
    wrong += [f"{path}: run {run} is not confirmed" for path, run in ours if run not in files.confirmed]
    wrong += [
        f"{one.name}: run {one.run} is not confirmed" for one in owned.items if one.run not in files.confirmed
    ]
    if owned.agent:
        wrong += [
            f"{path} is not what this wslnet would write" for path in _outdated(snapshot, machine, files)
        ]
    if not wrong:
        return _SAY.ok(machine, "what wslnet left on the disk is whole", *(path for path, _ in ours))
    return _SAY.problem(
        Status.WARN,
        machine,
        "what wslnet left on the disk does not all take effect",
        evidence=(f"{machine}: {one}" for one in wrong),
        cause="a run that was not confirmed left it, somebody changed it, or another version wrote it",
        fix=Fix(
            "wslnet boot install",
            (
                "bring an interrupted run to its end: wslnet resume",
                "write it anew: wslnet boot install, after a wslnet boot remove if it is damaged",
            ),
        ),
    )


def _outdated(snapshot: Snapshot, machine: str, files: DiskFiles) -> Iterator[str]:
    """Files that are there and differ from what would be installed; the program by its content."""
    content = {one.path: base64.b64decode(one.content or "") for one in files.found}
    for one in persisters(snapshot, machine):
        if isinstance(one, PersistentFile) and one.path in content:
            facts = snapshot.linux(machine)
            if facts is not None and one.diff(facts):
                yield one.path if one.path != PROGRAM else f"{PROGRAM} ({len(content[one.path])} bytes)"


CHECK = Check(
    code=_SAY.code,
    title="What wslnet left on disks is whole, confirmed and of this version",
    needs={kind: frozenset({"files", "owned", "persistence"}) for kind in (Kind.WSL, Kind.VM)},
    judge=_judge,
    depends_on=(REACHABLE,),
    docs=_SAY.docs,
)
