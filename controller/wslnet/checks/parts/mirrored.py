"""What every check of mirrored mode asks first: was WSL seen, and does it run in that mode."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.checks.parts.findings import MODE_KNOWN_BY

if TYPE_CHECKING:
    from wslnet.checks.parts.findings import Findings
    from wslnet.model.finding import Finding
    from wslnet.model.linux_facts import LinuxFacts
    from wslnet.model.machine import Machine
    from wslnet.model.snapshot import Snapshot


def mirrored_wsl(say: Findings, snapshot: Snapshot, machine: Machine) -> LinuxFacts | Finding:
    """The facts of a WSL that runs in mirrored mode, or the finding that says why it is not judged."""
    facts = snapshot.linux(machine.name)
    if facts is None:
        return say.unseen(snapshot, machine.name)
    if snapshot.mode is None:
        return say.skip(machine.name, "WSL's mode is not known", depends_on=MODE_KNOWN_BY)
    if snapshot.mode != "mirrored":
        return say.skip(machine.name, f"this is of mirrored mode only, and WSL runs in {snapshot.mode} mode")
    return facts
