"""README.md's table of commands is the program's own: nothing in it that is not there, none left out."""

from __future__ import annotations

import re
from itertools import takewhile
from pathlib import Path

import click

from wslnet.cli.main import VERBS, root

_WORD = re.compile(r"[a-z][a-z-]*")
TEXT = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
CELLS = [line.split(" | ")[0] for line in TEXT.splitlines() if line.startswith("| `wslnet")]


def commands() -> dict[str, click.Command]:
    """Every command that `--help` shows, by its words; what has commands of its own is none."""
    found: dict[str, click.Command] = {}
    for verb in VERBS:
        command = root.get_command(click.Context(root), verb)
        assert command is not None
        inner = command.commands if isinstance(command, click.Group) else {"": command}
        found |= {f"{verb} {name}".strip(): one for name, one in inner.items() if not one.hidden}
    return found


def named(known: dict[str, click.Command]) -> list[tuple[str, str]]:
    """What the table has: a command, and the text that names it.

    Behind `wslnet b c` stands `a` for `b a` or for a verb, and an option alone for one of the command before.
    """
    found: list[tuple[str, str]] = []
    for text in re.findall(r"`([^`]+)`", " ".join(CELLS)):
        if text == "wslnet":
            continue
        words = list(takewhile(_WORD.fullmatch, text.removeprefix("wslnet").split()))
        before = found[-1][0] if found else ""
        verb = before.split(" ")[0]
        sister = [] if text.startswith("wslnet") else [f"{verb} {' '.join(words)}"]
        tried = [*sister, " ".join(words[:2]), *words[:1]] if words else [before]
        found.append((next((one for one in tried if one in known), text), text))
    return found


def test_what_the_table_names_is_there() -> None:
    known = commands()
    for command, text in named(known):
        assert command in known, text
        options = {name for parameter in known[command].params for name in parameter.opts}
        assert set(re.findall(r"--[a-z-]+", text)) <= options, text


def test_every_command_stands_in_it() -> None:
    known = commands()
    assert set(known) - {command for command, _ in named(known)} == set()
