"""What `setup`, `plan` and `apply` share once a plan is made: show, save, ask, run, tell the result."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from wslnet.cli.output import print_json, progress
from wslnet.cli.render_run import ask, print_plan, print_result
from wslnet.errors import InputError
from wslnet.whole_file import write_whole

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from wslnet.app.result import RunResult
    from wslnet.app.setup import Prepared
    from wslnet.app.unguarded import UnguardedPlan
    from wslnet.model.consent import Consent
    from wslnet.model.plan import Plan


def show_only(plan: Plan, output: Path | None, *, as_json: bool) -> int:
    """Prints the plan, and saves it if asked to; gives the exit code: 10 when changes are pending.

    Raises:
        InputError: the file cannot be written.
    """
    document = plan.to_json()
    if output is not None:
        try:
            write_whole(output, (json.dumps(document, ensure_ascii=False, indent=2) + "\n").encode())
        except OSError as error:
            raise InputError(f"{output}: cannot be written: {error.strerror}") from error
    if as_json:
        print_json(document)
    else:
        print_plan(plan)
    return 10 if plan.changes else 0


def run_plan(
    plan: Plan, run: Callable[[], RunResult], *, verb: str, dry_run: bool, yes: bool, as_json: bool
) -> int:
    """Shows the plan; unless that was all, asks, calls `run` and tells its result; gives the exit code."""
    if dry_run:
        return show_only(plan, None, as_json=as_json)
    if not as_json:
        print_plan(plan)
    if plan.changes and not yes:
        ask(verb, as_json=as_json)
    result = run()
    if as_json:
        print_json(result.to_json())
    else:
        print_result(result)
    return result.exit_code


def carry_out(
    prepared: Prepared,
    say: Callable[[str, str], None],
    *,
    verb: str,
    yes: bool,
    as_json: bool,
    dry_run: bool = False,
    confirm_within: float | None = None,
    consent: Consent | None = None,
) -> int:
    """`run_plan` for what probes prove and a guard watches over; gives the exit code."""
    from wslnet.app.execute import execute  # noqa: PLC0415 - kept out of `wslnet --help`

    def run() -> RunResult:
        attended = sys.stdin.isatty()
        return execute(prepared, say, confirm_within=confirm_within, consent=consent, attended=attended)

    return run_plan(prepared.plan, run, verb=verb, dry_run=dry_run, yes=yes, as_json=as_json)


def carry_out_unguarded(
    prepared: UnguardedPlan, *, verb: str, dry_run: bool, yes: bool, as_json: bool
) -> int:
    """`run_plan` for what can cut nobody off; gives the exit code."""
    from wslnet.app.unguarded import run_unguarded  # noqa: PLC0415 - kept out of `wslnet --help`

    def run() -> RunResult:
        return run_unguarded(prepared, progress(quiet=as_json), attended=sys.stdin.isatty())

    return run_plan(prepared.plan, run, verb=verb, dry_run=dry_run, yes=yes, as_json=as_json)
