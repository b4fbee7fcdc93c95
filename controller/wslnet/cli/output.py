"""What commands print: one JSON document or plain lines on stdout, progress and errors on stderr."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from wslnet.errors import WslnetError

SCHEMA_VERSION = 1


def printable(text: str) -> str:
    """Text without control characters: what a hostile machine sends must not reach the terminal as codes."""
    return "".join(one if one.isprintable() or one == "\n" else "\ufffd" for one in text)


def print_json(document: dict[str, object]) -> None:
    """Prints exactly one JSON document."""
    click.echo(json.dumps(document, ensure_ascii=False, indent=2))


def print_line(text: str = "") -> None:
    """Prints one line for people."""
    click.echo(printable(text))


def print_error(error: WslnetError, *, as_json: bool) -> None:
    """An error as one line on stderr, or as the contract's document on stdout."""
    if as_json:
        body = {"code": error.code, "message": error.message, "machine": error.machine, "hint": error.hint}
        print_json({"schema_version": SCHEMA_VERSION, "error": body})
        return
    hint = f" ({error.hint})" if error.hint else ""
    click.echo(f"wslnet: {printable(error.message)}{hint}".replace("\n", " "), err=True)


def progress(*, quiet: bool) -> Callable[[str, str], None]:
    """A callback that tells on stderr which machine is at what, with the seconds since the start."""
    began = time.monotonic()

    def say(machine: str, text: str) -> None:
        if not quiet:
            line = f"[{time.monotonic() - began:6.1f}s] {machine}: {text}"
            # One write a line: machines report from threads.
            print(f"{printable(line)}\n", end="", file=sys.stderr, flush=True)  # noqa: T201 - for people

    return say
