"""What `setup`, `plan` and `apply` share once a plan is made: show, save, ask, run, tell the result."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import click

from wslnet.cli.output import print_json
from wslnet.cli.render_run import ask, print_plan, print_result
from wslnet.errors import InputError
from wslnet.whole_file import write_whole

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from wslnet.app.setup import Prepared
    from wslnet.model.consent import Consent

_SECONDS = {"s": 1, "m": 60}
_LEAST_S, _MOST_S = 2, 1800


def _seconds(_: click.Context, __: click.Parameter, value: str | None) -> float | None:
    if value is None:
        return None
    found = re.fullmatch(r"([0-9]{1,4})([sm])", value)
    seconds = int(found[1]) * _SECONDS[found[2]] if found else 0
    if not _LEAST_S <= seconds <= _MOST_S:
        raise click.BadParameter(f"{value!r} is no time from 2s to 30m, such as 30s or 2m")
    return float(seconds)


confirm_within_option = click.option(
    "--confirm-within",
    metavar="T",
    callback=_seconds,
    help="Take all back after T (30s, 2m) unless `wslnet confirm` comes.",
)


def show_only(prepared: Prepared, output: Path | None, *, as_json: bool) -> int:
    """Prints the plan, and saves it if asked to; gives the exit code: 10 when changes are pending.

    Raises:
        InputError: the file cannot be written.
    """
    document = prepared.plan.to_json()
    if output is not None:
        try:
            write_whole(output, (json.dumps(document, ensure_ascii=False, indent=2) + "\n").encode())
        except OSError as error:
            raise InputError(f"{output}: cannot be written: {error.strerror}") from error
    if as_json:
        print_json(document)
    else:
        print_plan(prepared.plan)
    return 10 if prepared.plan.changes else 0


def carry_out(
    prepared: Prepared,
    say: Callable[[str, str], None],
    *,
    verb: str,
    yes: bool,
    confirm_within: float | None,
    consent: Consent,
    as_json: bool,
) -> int:
    """Shows the plan, asks, runs it, tells the result; gives the exit code."""
    from wslnet.app.execute import execute  # noqa: PLC0415 - kept out of `wslnet --help`

    if not as_json:
        print_plan(prepared.plan)
    if prepared.plan.changes and not yes:
        ask(verb, as_json=as_json)
    result = execute(prepared, say, confirm_within=confirm_within, consent=consent)
    if as_json:
        print_json(result.to_json())
    else:
        print_result(result)
    return result.exit_code
