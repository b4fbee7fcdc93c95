"""What a drill of wsl-facts 6 needs to know of one cause: how it is made, who names it, which packets tell.

Pure description; `drill.py` walks through it. A cause leaves nothing behind but what `doctor --fix` made.
"""

from __future__ import annotations

import time
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from tests.lab.servers import greets

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

# What changes packets is felt within this; the box may be busy.
_SOON_S = 20.0


def _no_stage(_: Any) -> AbstractContextManager[object]:
    return nullcontext()


@dataclass(frozen=True, slots=True)
class Cause:
    """One row of the complaint table, broken for real.

    Attributes:
        row: Number in the table of wsl-facts 6; 0 for a preflight failure of wsl-facts 2.1.
        issues: Where users complain of it.
        breaking: Makes the cause in a running lab.
        named: Code of the check and machine that doctor names, and nothing else beside `also`.
        evidence: A part of a line of the finding's evidence.
        flows: Whether the packets of the complaint get there: not when it is broken, again when mended.
        stage: What stands around the whole drill: servers, containers, programs.
        also: Further findings that the very same cause makes true.
        remains: Findings of the cause that stay: they are told, and the packets flow all the same.
        later: Findings that are new behind the mending: of VMs that nobody had started before it.
        by_hand: What the finding tells to do where `doctor --fix` must leave it to the user; None: it mends.
        works_before: Whether the packets flow before; not where what is added never worked.
        at_boot: Whether Windows takes the mending when it starts anew: exit 14, and `resume` behind it.
        ordinary: Whether it is part of the ordinary run, not only of the full one.
    """

    row: int
    issues: tuple[str, ...]
    breaking: Callable[[Any], object]
    named: tuple[str, str]
    evidence: str
    flows: Callable[[Any], bool]
    stage: Callable[[Any], AbstractContextManager[object]] = _no_stage
    also: frozenset[tuple[str, str]] = frozenset()
    remains: frozenset[tuple[str, str]] = frozenset()
    later: frozenset[tuple[str, str]] = frozenset()
    by_hand: Callable[[Any], object] | None = None
    works_before: bool = True
    at_boot: bool = False
    ordinary: bool = False

    @property
    def name(self) -> str:
        """The name of its test."""
        return f"row {self.row}: {self.named[0]}"


def params(*causes: Cause) -> list[Any]:
    """The causes as parameters of a test: their names, and the mark of those that only the full run has."""
    return [pytest.param(one, id=one.name, marks=() if one.ordinary else pytest.mark.full) for one in causes]


def in_machine(machine: str, *commands: str) -> Callable[[Any], None]:
    """Breaks by programs in a machine, one after the other; each must end well."""

    def act(lab: Any) -> None:
        for command in commands:
            done = lab.run(machine, command.split())
            assert done.returncode == 0, f"{command}: {done.stderr}"

    return act


def in_network(machine: str, *commands: str) -> Callable[[Any], None]:
    """The same by programs of this host in the machine's network alone."""

    def act(lab: Any) -> None:
        for command in commands:
            done = lab.outside(machine, command.split())
            assert done.returncode == 0, f"{command}: {done.stderr}"

    return act


def connects(source: str, address: str, port: int, greeting: str) -> Callable[[Any], bool]:
    """Packets: a client in `source` gets `greeting` from a server."""
    return lambda lab: greets(lab, source, address, port, greeting)


def soon(true: Callable[[], bool], within_s: float = _SOON_S) -> bool:
    """Whether it becomes true within the time."""
    until = time.monotonic() + within_s
    while not (now := true()) and time.monotonic() < until:
        time.sleep(0.25)
    return now


def problems(findings: Sequence[dict[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    """Warnings and failures by code and machine."""
    return {(one["code"], one["machine"]): one for one in findings if one["status"] in {"warn", "fail"}}
