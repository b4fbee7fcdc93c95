"""What every check of WSL asks first: is there one, was it seen, does it run in the mode that is judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.checks.parts.findings import MODE_KNOWN_BY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from wslnet.checks.parts.findings import Findings
    from wslnet.model.finding import Finding
    from wslnet.model.linux_facts import LinuxFacts
    from wslnet.model.snapshot import Snapshot
    from wslnet.model.windows_facts import WindowsFacts

_MIRRORED = "mirrored"


def on_wsl(
    say: Findings, judge: Callable[[Snapshot, str, LinuxFacts], Iterator[Finding]]
) -> Callable[[Snapshot], Iterator[Finding]]:
    """A judgement of WSL by its name and facts, made only where there is one that was seen."""

    def judge_if_seen(snapshot: Snapshot) -> Iterator[Finding]:
        machine = snapshot.inventory.wsl
        if machine is None:
            return
        facts = snapshot.linux(machine.name)
        if facts is None:
            yield say.unseen(snapshot, machine.name)
        else:
            yield from judge(snapshot, machine.name, facts)

    return judge_if_seen


def on_mirrored_wsl(
    say: Findings, judge: Callable[[Snapshot, str, LinuxFacts], Iterator[Finding]]
) -> Callable[[Snapshot], Iterator[Finding]]:
    """The same for what only mirrored mode has: a WSL that runs in another one is not judged."""

    def judge_if_mirrored(snapshot: Snapshot, machine: str, facts: LinuxFacts) -> Iterator[Finding]:
        if snapshot.mode is None:
            yield say.skip(machine, "WSL's mode is not known", depends_on=MODE_KNOWN_BY)
        elif snapshot.mode != _MIRRORED:
            yield say.skip(machine, f"this is of mirrored mode only, and WSL runs in {snapshot.mode} mode")
        else:
            yield from judge(snapshot, machine, facts)

    return on_wsl(say, judge_if_mirrored)


def on_mirrored_cards(
    say: Findings, judge: Callable[[Snapshot, str, WindowsFacts, LinuxFacts], Finding]
) -> Callable[[Snapshot], Iterator[Finding]]:
    """The same for WSL's cards beside Windows' adapters, made only where both sides told theirs."""

    def judge_if_told(snapshot: Snapshot, machine: str, facts: LinuxFacts) -> Iterator[Finding]:
        windows = snapshot.windows
        if windows is None or windows.adapters is None or windows.addresses is None or windows.routes is None:
            yield say.skip(machine, "Windows did not tell its adapters, addresses and routes")
        elif facts.links is None or facts.addresses is None:
            yield say.unread(machine, "links and addresses")
        else:
            yield judge(snapshot, machine, windows, facts)

    return on_mirrored_wsl(say, judge_if_told)
