"""The end of a run that stands: guards let go, what it left on disks marked as confirmed, then the last word.

A marker is the last thing that is set and the first that is taken away: at any moment in between a restart
of the machine finds files that do nothing (docs/adr/0015).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.errors import AgentError, WslnetError
from wslnet.model.change import Op

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wslnet.engine.apply import Progress
    from wslnet.model.change import Change

_DEADLINE_S = 15.0
KEPT_VERBS = frozenset(
    {
        "route.add",
        "rule.insert",
        "nft.insert",
        "sysctl.set",
        "holder.start",
        "card.up",
        "card.add_address",
        "card.set_mtu",
    }
)
"""Ops that a machine may do again by itself (docs/adr/0019)."""

_WRITES = frozenset({"file.write", "owned.put"})
"""Ops whose effect on the disk waits for the mark of their run."""


def commit(run: Progress) -> None:
    """Lets everything stand; asked over connections made after the changes.

    Raises:
        WslnetError: a guard has fired, a machine or the disk refuses; the run must be taken back.
    """
    if run.guards is not None:
        run.guards.release()
    for machine in _machines(run.applied):
        (result,) = run.fleet.execute(machine, [_op(run, "marker.set")], deadline_s=_DEADLINE_S)
        if not result.ok:
            raise AgentError(
                f"{machine}: it cannot be marked as confirmed: {result.message}", machine=machine
            )
    run.journal.write("committed")


def unmark(run: Progress) -> list[str]:
    """Before files are taken back: from here on a restart runs none of them. Gives what is left, in words."""
    left = []
    for machine in _machines(run.applied):
        try:
            (result,) = run.fleet.execute(machine, [_op(run, "marker.remove")], deadline_s=_DEADLINE_S)
        except WslnetError as error:
            left.append(f"{machine}: the mark of run {run.journal.run}: {error.message}")
            continue
        if not result.ok and result.code != "not-found":
            left.append(f"{machine}: the mark of run {run.journal.run}: {result.message}")
    return left


def forget_kept(run: Progress) -> list[str]:
    """Before a run that stood is taken back: nothing of it is put back by a machine on its own any more.

    What it did may be kept by a later run, the one that installed wslnet-agent. Gives what is left, in words.
    """
    left = []
    kept: dict[str, list[Op]] = {}
    for change in run.applied:
        if change.do.verb in KEPT_VERBS:
            forget = Op("owned.forget", {"name": change.resource, "do": change.do.to_json()})
            kept.setdefault(change.machine, []).append(forget)
    for machine, ops in kept.items():
        try:
            results = run.fleet.execute(machine, ops, deadline_s=_DEADLINE_S)
        except WslnetError as error:
            left.append(f"{machine}: what is kept there: {error.message}")
            continue
        left += [f"{machine}: what is kept there: {one.message}" for one in results if not one.ok]
    return left


def written_by(run: str, op: Op) -> Op:
    """The op as it is sent: a plan knows no run yet, a file bears its id."""
    return Op(op.verb, {**op.args, "run": run}) if op.verb in _WRITES else op


def _machines(changes: Iterable[Change]) -> list[str]:
    return list(dict.fromkeys(one.machine for one in changes if one.do.verb in _WRITES))


def _op(run: Progress, verb: str) -> Op:
    return Op(verb, {"run": run.journal.run})
