"""What doctor prints for people: one line for each finding, what belongs to it indented below.

A finding that another one explains is named there and nowhere else. Words carry the meaning; colour on a
terminal only repeats it.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, TextIO

import click

from wslnet.cli.output import fitted, printable, terminal_width
from wslnet.model.finding import Status

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from wslnet.engine.doctor import Diagnosis, Folded
    from wslnet.model.finding import Finding

_ORDER = (Status.FAIL, Status.CRASH, Status.WARN, Status.SKIP, Status.OK)
_COLOURS = {
    Status.FAIL: "red",
    Status.CRASH: "magenta",
    Status.WARN: "yellow",
    Status.SKIP: "cyan",
    Status.OK: "green",
}
_LOUD = frozenset({Status.FAIL, Status.CRASH, Status.WARN})
_WIDTH = max(len(status) for status in Status)
_INDENT = " " * (_WIDTH + 2)


def print_diagnosis(diagnosis: Diagnosis) -> None:
    """Prints it to stdout."""
    colour = wants_colour(sys.stdout, os.environ)
    for line in render(diagnosis, colour=colour):
        click.echo(fitted(line, terminal_width()), color=colour)


def wants_colour(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Only on a terminal, and never with `NO_COLOR` set to anything (no-color.org)."""
    return stream.isatty() and not environ.get("NO_COLOR")


def render(diagnosis: Diagnosis, *, colour: bool = False) -> Iterator[str]:
    """The lines, failures first, a summary last; control characters that machines sent are replaced."""
    folded = diagnosis.folded()
    for status in _ORDER:
        for one in folded:
            if one.root.status is status:
                yield from _entry(one, colour=colour)
    yield "summary: " + ", ".join(f"{count} {status}" for status, count in diagnosis.summary.items())


def _entry(folded: Folded, *, colour: bool) -> Iterator[str]:
    finding = folded.root
    headline = _plain(f"{finding.code} {finding.machine}: {finding.title}")
    yield f"{_word(finding.status, colour=colour)}  {headline}"
    if finding.status in _LOUD:
        for line in _details(finding):
            yield _INDENT + _plain(line)
    for line in _explained(folded):
        yield _INDENT + _plain(line)


def _word(status: Status, *, colour: bool) -> str:
    word = status.upper() if status in _LOUD else str(status)
    padded = word.ljust(_WIDTH)
    return click.style(padded, fg=_COLOURS[status]) if colour else padded


def _details(finding: Finding) -> Iterator[str]:
    yield from (f"evidence: {evidence}" for evidence in finding.evidence)
    if finding.cause is not None:
        yield f"cause: {finding.cause}"
    if finding.fix is not None:
        yield f"fix: {finding.fix.command}"
        yield from (f"step: {step}" for step in finding.fix.steps)
    if finding.docs is not None:
        yield f"docs: {finding.docs}"


def _explained(folded: Folded) -> Iterator[str]:
    for finding in folded.explains:
        # Why it could not be judged is what the headline says already.
        title = "" if finding.status is Status.SKIP else f": {finding.title}"
        yield f"explains: {finding.status} {finding.code} {finding.machine}{title}"


def _plain(text: str) -> str:
    return printable(text).replace("\n", " ")
