"""What commands print: one JSON document or plain lines on stdout, progress and errors on stderr."""

from __future__ import annotations

import json
import re
import shutil
import sys
import textwrap
import time
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from wslnet.errors import WslnetError

SCHEMA_VERSION = 1
_HANG = 4
_NARROWEST = 20
# DEL and C1 (0x9b begins a terminal code), direction marks, separators, half pairs, byte order mark.
_ESCAPED = re.compile("[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")


def printable(text: str) -> str:
    """Text without control characters: what a hostile machine sends must not reach the terminal as codes."""
    return "".join(one if one.isprintable() or one == "\n" else "\ufffd" for one in text)


def print_json(document: dict[str, object]) -> None:
    """Prints exactly one JSON document; what could steer a terminal stands escaped in it."""
    text = json.dumps(document, ensure_ascii=False, indent=2)
    # JSON itself demands this of C0 alone. All of these can only stand inside its strings.
    click.echo(_ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", text))


def print_line(text: str = "", *, whole: bool = False) -> None:
    """Prints one line for people; on a terminal a long one is broken between words, unless it is `whole`."""
    click.echo(fitted(printable(text), None if whole else terminal_width()))


def terminal_width() -> int | None:
    """How many columns a line may have; None where lines stay whole, because a program may read them."""
    return shutil.get_terminal_size().columns - 1 if sys.stdout.isatty() else None


def fitted(text: str, width: int | None) -> str:
    """The text broken between words to `width` columns; what follows is indented further than its begin."""
    indent = len(text) - len(text.lstrip()) + _HANG
    if width is None or len(text) <= width or width - indent < _NARROWEST:
        return text
    lines = textwrap.wrap(
        text, width, subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False
    )
    return "\n".join(lines)


def print_error(error: WslnetError, *, as_json: bool) -> None:
    """An error as one line on stderr, or as the contract's document on stdout."""
    if as_json:
        body = {"code": error.code, "message": error.message, "machine": error.machine, "hint": error.hint}
        print_json({"schema_version": SCHEMA_VERSION, "error": body})
        return
    hint = f" ({error.hint})" if error.hint else ""
    print_complaint(f"{error.message}{hint}")


def print_complaint(text: str) -> None:
    """One line on stderr that says what is wrong."""
    click.echo(f"wslnet: {printable(text)}".replace("\n", " "), err=True)


def progress(*, quiet: bool) -> Callable[[str, str], None]:
    """A callback that tells on stderr which machine is at what, with the seconds since the start."""
    began = time.monotonic()

    def say(machine: str, text: str) -> None:
        if not quiet:
            line = f"[{time.monotonic() - began:6.1f}s] {machine}: {text}".replace("\n", " ")
            # One write a line: machines report from threads.
            print(f"{printable(line)}\n", end="", file=sys.stderr, flush=True)  # noqa: T201 - for people

    return say
