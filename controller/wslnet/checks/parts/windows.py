"""What every check of Windows asks first: is there one in the inventory, and was it seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from wslnet.checks.parts.findings import Findings
    from wslnet.model.finding import Finding
    from wslnet.model.snapshot import Snapshot
    from wslnet.model.windows_facts import WindowsFacts


def on_windows(
    say: Findings, judge: Callable[[Snapshot, str, WindowsFacts], Iterator[Finding]]
) -> Callable[[Snapshot], Iterator[Finding]]:
    """A judgement of Windows by its name and facts, made only where there is one that was seen."""

    def judge_if_seen(snapshot: Snapshot) -> Iterator[Finding]:
        machine = snapshot.inventory.windows
        if machine is None:
            return
        if snapshot.windows is None:
            yield say.unseen(snapshot, machine.name)
        else:
            yield from judge(snapshot, machine.name, snapshot.windows)

    return judge_if_seen
