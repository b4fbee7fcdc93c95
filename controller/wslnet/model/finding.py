"""What doctor says: checks, their findings and the fixes that go with them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from wslnet.model.change import Resource
    from wslnet.model.machine import Kind
    from wslnet.model.snapshot import Snapshot


class Status(StrEnum):
    """How a check ended on a machine."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIP = "skip"
    CRASH = "crash"


@dataclass(frozen=True, slots=True)
class Fix:
    """What would mend it: a set of resources, the command that declares them, the steps in words.

    `restarts`: WSL is to start anew, whatever its resources ask for.
    """

    command: str
    steps: tuple[str, ...]
    resources: tuple[Resource, ...] = ()
    restarts: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check on one machine, with the evidence it rests on."""

    code: str
    machine: str
    status: Status
    title: str
    evidence: tuple[str, ...] = ()
    cause: str | None = None
    fix: Fix | None = None
    depends_on: tuple[str, ...] = ()
    docs: str | None = None

    def to_json(self) -> dict[str, object]:
        """The shape of spec/cli.md."""
        return {
            "code": self.code,
            "machine": self.machine,
            "status": str(self.status),
            "title": self.title,
            "evidence": list(self.evidence),
            "cause": self.cause,
            "fix": None if self.fix is None else {"command": self.fix.command, "steps": list(self.fix.steps)},
            "depends_on": list(self.depends_on),
            "docs": self.docs,
        }


@dataclass(frozen=True, slots=True)
class Check:
    """One check: a stable code, the facts it needs by kind of machine, a pure judgement.

    `judge` yields at least one finding per machine it applies to; `depends_on` names codes whose failure on
    any machine explains a failure of this one.
    """

    code: str
    title: str
    needs: Mapping[Kind, frozenset[str]]
    judge: Callable[[Snapshot], Iterable[Finding]]
    depends_on: tuple[str, ...] = ()
    docs: str | None = None
