"""Plans and results of runs for people, and the question before one begins."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from wslnet.cli.output import print_line
from wslnet.errors import InputError, WslnetError

if TYPE_CHECKING:
    from wslnet.app.result import RunResult
    from wslnet.model.change import Change
    from wslnet.model.plan import Plan

_SIGNS = {"add": "+", "change": "~", "remove": "-", "restart": "!"}


def ask(verb: str, *, as_json: bool) -> None:
    """Asks whether to begin.

    Raises:
        InputError: nobody can be asked here.
        WslnetError: the answer was no.
    """
    if as_json or not sys.stdin.isatty():
        raise InputError(f"{verb}: nobody can be asked here: give --yes; nothing was changed")
    if not click.confirm("Apply?", err=True):
        raise WslnetError("not applied; nothing was changed")


def print_plan(plan: Plan) -> None:
    """The plan for people: + ~ - per change, why, and what the restart will cut."""
    if not plan.changes:
        print_line("Nothing to change.")
    for stage in plan.stages:
        print_line(f"Stage {stage.number}: {stage.title}")
        for change in (one for one in plan.changes if one.stage == stage.number):
            before = f"  (now: {change.before})" if change.before else ""
            print_line(
                f"  {_SIGNS[change.action]} {change.machine}: {change.resource}: {change.after}{before}"
            )
            print_line(f"      {change.why}" + ("" if change.reversible else " (CANNOT BE UNDONE)"))
    for line in plan.cut:
        print_line(f"  cut by the restart: {line}")
    for one in plan.captured:
        fate = "put back after the restart" if one["put_back"] else "LOST by the restart"
        why = f" ({one['why']})" if one["why"] else ""
        print_line(f"  {fate}: {one['machine']}: {one['what']}{why}")
    for note in plan.notes:
        print_line(f"  note: {note}")


def _values(change: Change) -> str:
    after = f": {change.after}" if change.after else ""
    return after + (f"  (now: {change.before})" if change.before else "")


def print_result(result: RunResult) -> None:
    """What a run did, for people."""
    for change in result.changes:
        outcome = result.outcomes.get(change.id, "not-done")
        print_line(f"{outcome:9} {_SIGNS[change.action]} {change.machine}: {change.resource}")
    for one in result.verify:
        port = f"/{one.probe.port}" if one.probe.port else ""
        said = "not measured" if one.ok is None else "reached" if one.ok else "NOT reached"
        line = f"{said:12} {one.probe.source} -> {one.probe.target} {one.probe.proto}{port}"
        print_line(line + (f"  ({one.detail})" if one.detail else ""))
    for machine, facts in result.foreign.items():
        for fact, lines in facts.items():
            print_line(f"changed by others meanwhile: {machine}: {fact}: {'; '.join(lines)}")
    for line in result.left:
        print_line(f"left: {line}")
    if result.unrecorded:
        print_line(
            f"not recorded: {', '.join(result.unrecorded)}: say `wslnet resume` when the disk has room"
        )
    if result.reason:
        print_line(f"reason: {result.reason}")
    if result.deadline:
        print_line(f"taken back at {result.deadline} unless you say: wslnet confirm {result.run}")
    print_line(f"{result.result} in {result.seconds:.1f} s" + (f", run {result.run}" if result.run else ""))
