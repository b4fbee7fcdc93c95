"""The result of a run (`setup`, later `apply`, `undo`, `resume`) in the shape of spec/cli.md."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from wslnet.model.change import change_to_json
from wslnet.model.plan import SCHEMA_VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wslnet.model.change import Change
    from wslnet.model.probe import Measured


class Result(StrEnum):
    """How a run ended."""

    COMMITTED = "committed"
    PENDING = "pending"
    ROLLED_BACK = "rolled-back"
    UNCHANGED = "unchanged"
    FAILED = "failed"


@dataclass(frozen=True)
class RunResult:
    """What a run did, what was measured afterwards, how long it took (seconds).

    `unrecorded`: records that the journal could not take while the run went back; `foreign`: what others
    changed on its machines meanwhile, machine → fact → lines.
    """

    run: str | None
    result: Result
    changes: tuple[Change, ...] = ()
    outcomes: dict[str, str] = field(default_factory=dict)
    verify: tuple[Measured, ...] = ()
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
    reason: str | None = None
    exit_code: int = 0
    left: tuple[str, ...] = ()
    deadline: str | None = None
    unrecorded: tuple[str, ...] = ()
    foreign: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)

    def to_json(self) -> dict[str, object]:
        """The shape of spec/cli.md with more keys: `reason`, `notes`, `left`, `deadline` and those below."""
        return {
            "schema_version": SCHEMA_VERSION,
            "run": self.run,
            "result": str(self.result),
            "changes": [
                change_to_json(one) | {"outcome": self.outcomes.get(one.id, "not-done")}
                for one in self.changes
            ],
            "verify": [one.to_verify() for one in self.verify],
            "unverified": [one.to_verify() for one in self.verify if one.ok is None],
            "seconds": round(self.seconds, 3),
            "notes": list(self.notes),
            "reason": self.reason,
            "left": list(self.left),
            "deadline": self.deadline,
            "unrecorded": list(self.unrecorded),
            "foreign": [
                {"machine": machine, "fact": fact, "changes": list(lines)}
                for machine, facts in self.foreign.items()
                for fact, lines in facts.items()
            ],
        }
