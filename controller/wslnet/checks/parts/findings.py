"""Makes the findings of one check, so that every check says "not seen" and "not read" in the same words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.model.finding import Finding, Fix, Status

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wslnet.model.machine import Wish
    from wslnet.model.snapshot import Snapshot

REACHABLE = "machine.reachable"
"""The code on which every judgement of an unseen machine depends."""

MODE_KNOWN_BY = ("wsl.running", REACHABLE)
"""The codes whose failure explains that WSL's mode could not be measured."""


@dataclass(frozen=True, slots=True)
class Findings:
    """The findings of one check: its code, and the page that explains it."""

    code: str
    docs: str | None = None

    def ok(self, machine: str, title: str, *evidence: str) -> Finding:
        """All is as it should be."""
        return Finding(self.code, machine, Status.OK, title, evidence, docs=self.docs)

    def skip(self, machine: str, reason: str, *evidence: str, depends_on: tuple[str, ...] = ()) -> Finding:
        """It could not be judged, or there is nothing to judge; `reason` says which."""
        return Finding(
            self.code,
            machine,
            Status.SKIP,
            f"not judged: {reason}",
            evidence,
            depends_on=depends_on,
            docs=self.docs,
        )

    def problem(
        self,
        status: Status,
        machine: str,
        title: str,
        *,
        evidence: Iterable[str],
        cause: str,
        fix: Fix,
        depends_on: tuple[str, ...] = (),
    ) -> Finding:
        """A warning or a failure: what was seen, why it is so, what mends it."""
        return Finding(
            self.code, machine, status, title, tuple(evidence), cause, fix, depends_on, docs=self.docs
        )

    def unseen(self, snapshot: Snapshot, machine: str) -> Finding:
        """The machine was not seen, or nothing was asked of it."""
        unseen = snapshot.unseen.get(machine)
        if unseen is None:
            return self.skip(machine, f"{machine} was not asked")
        return self.skip(
            machine, f"{machine} was not seen ({unseen.code}: {unseen.reason})", depends_on=(REACHABLE,)
        )

    def unread(self, machine: str, *facts: str) -> Finding:
        """The machine was seen, and these facts of it were not."""
        return self.skip(machine, f"{machine} did not tell its {' and '.join(facts)}")


def look_again(code: str, *steps: str) -> Fix:
    """A fix that wslnet cannot make itself: the steps, and the command that looks again."""
    return Fix(f"wslnet doctor --only {code}", steps)


def graded(*, wished: bool) -> Status:
    """How bad a cut is: a failure where the wish needs it, else worth knowing."""
    return Status.FAIL if wished else Status.WARN


def setup_command(wish: Wish) -> str:
    """The setup that puts the nested part in place, in the wished mode; without a wish the main one."""
    return "wslnet setup --nat" if wish.mode == "nat" else "wslnet setup --mirrored"
