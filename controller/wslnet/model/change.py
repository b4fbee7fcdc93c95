"""Ops, changes and resources: what can be declared on a machine, and the difference to what is there.

A resource computes its difference purely from facts; an op is data that an agent executes. A change carries
both directions, so that nothing is done of which it is not known how to take it back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from wslnet.model.snapshot import MachineFacts

JsonObject = Mapping[str, object]

FORECAST_VERB = "forecast"
"""The op of a change that a plan expects behind the barrier and finds anew there; no agent does it."""


class Action(StrEnum):
    """What a change does to the machine, as plans print it (+ ~ -)."""

    ADD = "add"
    CHANGE = "change"
    REMOVE = "remove"
    RESTART = "restart"


class Risk(StrEnum):
    """What a change can do to the links that wslnet itself uses."""

    SAFE = "safe"
    CUTS_LINK = "cuts-link"
    RESTARTS_LAYER = "restarts-layer"


@dataclass(frozen=True, slots=True)
class Op:
    """What an agent executes: a verb of docs/protocols.md and its JSON arguments."""

    verb: str
    args: JsonObject = field(default_factory=dict)

    def to_json(self) -> dict[str, object]:
        """The op as the wire and the journal carry it."""
        return {"verb": self.verb, "args": dict(self.args)}


@dataclass(frozen=True, slots=True)
class OpResult:
    """What an agent answered to one op; `code` is one of docs/protocols.md, empty on success."""

    value: object = None
    code: str = ""
    message: str = ""

    @property
    def ok(self) -> bool:
        """Whether it was done."""
        return not self.code


@dataclass(frozen=True, slots=True)
class Change:
    """One difference on one machine.

    `resource` identifies the resource on its machine (`route 192.168.124.0/24`), `before` and `after` are
    for people, `do` and `undo` for the agent; `rows` are the feature rows it serves. `at_boot`: Windows
    takes note of it at its next start only.
    """

    machine: str
    resource: str
    action: Action
    before: str | None
    after: str | None
    why: str
    do: Op
    undo: Op | None
    risk: Risk = Risk.SAFE
    rows: tuple[str, ...] = ()
    stage: int = 1
    at_boot: bool = False

    @property
    def reversible(self) -> bool:
        """Whether it can be taken back; what a plan only forecasts is judged when it is found."""
        return self.undo is not None or self.do.verb == FORECAST_VERB

    @property
    def id(self) -> str:
        """Stable name of the change inside a plan."""
        return f"{self.machine}:{self.action}:{self.resource}"


def change_to_json(change: Change) -> dict[str, object]:
    """One change in the shape of spec/cli.md, ops included."""
    return {
        "id": change.id,
        "stage": change.stage,
        "machine": change.machine,
        "resource": change.resource,
        "action": str(change.action),
        "before": change.before,
        "after": change.after,
        "why": change.why,
        "rows": list(change.rows),
        "risk": str(change.risk),
        "at_boot": change.at_boot,
        "do": change.do.to_json(),
        "undo": None if change.undo is None else change.undo.to_json(),
        "reversible": change.reversible,
    }


def change_from_json(document: JsonObject) -> Change:
    """The change that `change_to_json` wrote.

    Raises:
        msgspec.ValidationError: it is not of that shape.
    """
    from wslnet.model.typed import typed  # noqa: PLC0415 - only runs that are read back need it

    return typed(document, Change)


class Resource(Protocol):
    """Something declared on a machine: identity, the facts it needs, a pure difference.

    `volatile` resources live in the running system and are lost by a restart of their layer; the planner
    puts them behind the barrier.
    """

    @property
    def machine(self) -> str:
        """The machine it is declared on."""

    @property
    def name(self) -> str:
        """Its identity on that machine."""

    @property
    def needs(self) -> frozenset[str]:
        """Names of the facts that `diff` reads."""

    @property
    def rows(self) -> tuple[str, ...]:
        """Feature rows that it serves."""

    @property
    def volatile(self) -> bool:
        """Whether a restart of the layer loses it."""

    def diff(self, facts: MachineFacts) -> tuple[Change, ...]:
        """The changes that make it true, in order; none when it is true already.

        Raises:
            PlanRefused: the facts show that it cannot be made true here.
        """


@runtime_checkable
class Keepable(Protocol):
    """A resource that the machine can put back by itself with one op (docs/adr/0019)."""

    def keep(self, facts: MachineFacts) -> Op | None:
        """The op that makes it on this machine where it is missing; None where it is not ours to make."""
