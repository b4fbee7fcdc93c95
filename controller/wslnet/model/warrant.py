"""What an elevated bridge may do for one shown plan: its id and its ops, and nothing beside them. Pure.

Both sides make it from the same document; the elevated one knows the id from its own command line, which the
user let pass.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.model.change import Op
from wslnet.model.plan import canonical, plan_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PRIVILEGED = frozenset(
    {
        "boot_data.remove",
        "boot_data.write",
        "dynamic_ports.set",
        "endpoint.install",
        "endpoint.remove",
        "endpoint.verdict",
        "forwarding.set",
        "host_rule.put",
        "host_rule.remove",
        "hyperv_rule.create",
        "hyperv_rule.remove",
        "hyperv_setting.set",
        "nat_range.set",
        "portproxy.remove",
        "portproxy.set",
        "relay.put",
        "relay.remove",
        "service.set",
        "startup_script.put",
        "startup_script.remove",
        "task.register",
        "task.unregister",
        "windows_value.set",
        "wsl.update",
    }
)
"""Verbs of the Windows agent that Windows refuses to others (`Windows System Error 5`, windows-facts 1.3)."""


class NotWarranted(Exception):
    """An op, or a plan, that the user has not seen; the text says which."""


@dataclass(frozen=True, slots=True)
class Warrant:
    """What a plan allows on Windows.

    Attributes:
        plan: its id.
        ops: canonical JSON of each op that it does or undoes.
        verbs: of what it only forecasts, and diffs anew behind a restart.
    """

    plan: str
    ops: frozenset[str]
    verbs: frozenset[str]

    def demand(self, op: Mapping[str, object]) -> None:
        """Let a privileged op of the plan pass.

        Raises:
            NotWarranted: any other op.
        """
        verb = str(op.get("verb"))
        if verb not in PRIVILEGED:
            raise NotWarranted(f"{verb} is not done with an administrator's rights")
        if canonical(op) not in self.ops and verb not in self.verbs:
            raise NotWarranted(f"plan {self.plan} has no such {verb}")


def update_op(update: str) -> Op:
    """The op of an update of WSL that a restart has in it: `pre` takes versions before their release."""
    return Op("wsl.update", {"pre": update == "pre"})


def warrant_of(document: Mapping[str, object], machine: str, expected: str) -> Warrant:
    """The warrant of a plan's document for Windows, whose name is `machine`.

    Raises:
        NotWarranted: the document is not the plan `expected`, or no plan.
    """
    if plan_id(document) != expected:
        raise NotWarranted(f"this is not the plan {expected}")
    changes = [one for one in _rows(document, "changes") if one.get("machine") == machine]
    forecast = {row.get("number") for row in _rows(document, "stages") if row.get("forecast")}
    ops = {canonical(op) for one in changes for op in _ops(one)}
    later = {str(op.get("verb")) for one in changes if one.get("stage") in forecast for op in _ops(one)}
    return Warrant(expected, frozenset(ops), frozenset(later & PRIVILEGED))


def _rows(document: Mapping[str, object], name: str) -> Iterator[Mapping[str, object]]:
    rows = document.get(name)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise NotWarranted(f"a plan without {name}")
    yield from rows


def _ops(change: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    for name in ("do", "undo"):
        op = change.get(name)
        if isinstance(op, dict):
            yield op
            yield from _updates(op)


def _updates(op: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    """The update of WSL that a restart has in it; the restart itself needs nobody's rights."""
    given = op.get("args")
    if isinstance(given, dict) and given.get("update") is not None:
        yield update_op(str(given["update"])).to_json()
