"""Runs checks over a snapshot: which facts they need, their findings, which finding explains which.

Each check is isolated: one that crashes is a finding itself and takes no other with it. Gathering the facts
and printing the result are done elsewhere.
"""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.checks import discover
from wslnet.errors import InputError
from wslnet.model.finding import Finding, Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from wslnet.model.finding import Check
    from wslnet.model.machine import Inventory, Kind
    from wslnet.model.snapshot import Needs, Snapshot

SCHEMA_VERSION = 1

_FAILING = frozenset({Status.FAIL, Status.CRASH})


@dataclass(frozen=True, slots=True)
class Folded:
    """A finding that stands for itself, and those that it explains."""

    root: Finding
    explains: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Diagnosis:
    """All findings of one run of doctor, in the order of the checks."""

    inventory: Inventory
    findings: tuple[Finding, ...]

    @property
    def failed(self) -> bool:
        """Whether anything failed or crashed: exit code 11."""
        return any(finding.status in _FAILING for finding in self.findings)

    @property
    def summary(self) -> dict[str, int]:
        """How many findings ended how; every status is there."""
        return {str(status): sum(one.status is status for one in self.findings) for status in Status}

    def of_machine(self, name: str) -> Diagnosis:
        """The findings about one machine only."""
        return Diagnosis(self.inventory, tuple(one for one in self.findings if one.machine == name))

    def folded(self) -> tuple[Folded, ...]:
        """Every finding once: on its own, or under the failure that explains it.

        A finding is explained by a failing one of a code it depends on. That of the same machine goes first,
        then of the nearest machine above it, then of any other.
        """
        roots = {id(one): self._root(one) for one in self.findings}
        return tuple(
            Folded(
                one, tuple(other for other in self.findings if other is not one and roots[id(other)] is one)
            )
            for one in self.findings
            if roots[id(one)] is one
        )

    def to_json(self) -> dict[str, object]:
        """The shape of spec/cli.md, nothing folded away."""
        return {
            "schema_version": SCHEMA_VERSION,
            "summary": self.summary,
            "findings": [finding.to_json() for finding in self.findings],
        }

    def _root(self, finding: Finding) -> Finding:
        seen = [finding]
        while (cause := self._cause(seen[-1])) is not None:
            if any(cause is one for one in seen):
                # Two checks that name each other explain nothing: each stands for itself.
                return finding
            seen.append(cause)
        return seen[-1]

    def _cause(self, finding: Finding) -> Finding | None:
        if finding.status is Status.OK or finding.machine not in self.inventory.machines:
            return None
        above = [machine.name for machine in self.inventory.ancestors(finding.machine)]
        for code in finding.depends_on:
            # A check may explain itself only from above: an unseen machine hides those below it.
            near = above if code == finding.code else [finding.machine, *above]
            failing = [one for one in self.findings if one.code == code and one.status in _FAILING]
            by_machine = {one.machine: one for one in reversed(failing)}
            for machine in near:
                if machine in by_machine:
                    return by_machine[machine]
            if failing and code != finding.code:
                return failing[0]
        return None


def examine(
    snapshot: Snapshot, *, only: Iterable[str] = (), checks: Sequence[Check] | None = None
) -> tuple[Finding, ...]:
    """Runs the checks named by `only` (none: all) of `checks` (None: those of `wslnet.checks`).

    Never raises for what a check does: a crash is a finding.

    Raises:
        InputError: `only` names a code that no check has.
    """
    return tuple(finding for check in _selected(only, checks) for finding in _run(snapshot, check))


def doctor_needs(
    inventory: Inventory, *, only: Iterable[str] = (), checks: Sequence[Check] | None = None
) -> Needs:
    """What to gather for `examine`: for each machine the union of what the checks need of its kind.

    Raises:
        InputError: `only` names a code that no check has.
    """
    by_kind: dict[Kind, frozenset[str]] = {}
    for check in _selected(only, checks):
        for kind, names in check.needs.items():
            by_kind[kind] = by_kind.get(kind, frozenset()) | names
    return {name: by_kind.get(machine.kind, frozenset()) for name, machine in inventory.machines.items()}


def _selected(only: Iterable[str], checks: Sequence[Check] | None) -> tuple[Check, ...]:
    every = discover() if checks is None else tuple(checks)
    wanted = set(only)
    unknown = sorted(wanted - {check.code for check in every})
    if unknown:
        known = ", ".join(check.code for check in every)
        raise InputError(f"--only {', '.join(unknown)}: no such check; there are: {known}")
    return tuple(check for check in every if not wanted or check.code in wanted)


def _run(snapshot: Snapshot, check: Check) -> Iterator[Finding]:
    """What the check found until its end or its crash."""
    try:
        yield from check.judge(snapshot)
    except Exception as error:  # noqa: BLE001 - whatever a check does wrong is a result of doctor
        yield _crash(snapshot.inventory, check, error)


def _crash(inventory: Inventory, check: Check, error: Exception) -> Finding:
    concerned = (machine.name for machine in inventory.machines.values() if machine.kind in check.needs)
    places = traceback.extract_tb(error.__traceback__)
    where = f"{places[-1].filename}:{places[-1].lineno}" if places else "unknown place"
    return Finding(
        code=check.code,
        machine=next(concerned, next(iter(inventory.machines), "")),
        status=Status.CRASH,
        title=f"the check itself failed: {check.title}",
        evidence=(f"{type(error).__name__}: {error}", where),
        cause="a fault in wslnet, not on the machine; the other checks are not touched by it",
        docs=check.docs,
    )
