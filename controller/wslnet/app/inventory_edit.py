"""Small edits of an inventory that people write too: one value set, one machine taken out.

Everything else stays as it is, byte for byte. Each edit is checked by reading the new text: what cannot be
edited in place safely (an inline table, dotted keys) is refused with what to write by hand.
"""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any

from wslnet.app.inventory_text import quoted
from wslnet.errors import InputError
from wslnet.whole_file import write_whole

if TYPE_CHECKING:
    from pathlib import Path

_HEADER = re.compile(r"^[ \t]*\[+\s*(?P<name>[^\]]+?)\s*\]+[ \t]*(?:#.*)?$")
_STRING = r"""(?:"(?:[^"\\]|\\.)*"|'[^']*')"""


def read_text(path: Path) -> str:
    """The text of an inventory.

    Raises:
        InputError: it cannot be read.
    """
    try:
        return path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from error


def write_text(path: Path, text: str) -> None:
    """Writes the whole file at once.

    Raises:
        InputError: it cannot be written; the old one is as it was.
    """
    try:
        write_whole(path, text.encode())
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from error


def with_value(text: str, machine: str, key: str, value: str) -> str:
    """The text with one key of `[machines.NAME]` set to a string.

    Raises:
        InputError: the table is not written in a way that can be edited.
    """
    old = tomllib.loads(text)
    lines = text.splitlines(keepends=True)
    start, end = _table(lines, machine)
    assigned = f"{key} = {quoted(value)}"
    pattern = re.compile(rf"^([ \t]*){key}[ \t]*=[ \t]*{_STRING}(?P<rest>[ \t]*(?:#.*)?)(?P<end>\r?\n?)$")
    for place in range(start + 1, end):
        found = pattern.match(lines[place])
        if found is not None:
            lines[place] = f"{found[1]}{assigned}{found['rest']}{found['end']}"
            break
    else:
        lines.insert(start + 1, f"{assigned}\n")
    old["machines"][machine][key] = value
    return _checked("".join(lines), old, f"in [machines.{machine}] write {assigned}")


def without_machine(text: str, machine: str) -> str:
    """The text without the table of a machine, the comment right above it, and the wished pairs that name it.

    Raises:
        InputError: the table is not written in a way that can be edited.
    """
    wanted = tomllib.loads(text)
    wanted["machines"].pop(machine, None)
    if not wanted["machines"]:
        del wanted["machines"]
    wish = wanted.get("wish", {})
    if "reach" in wish:
        wish["reach"] = [pair for pair in wish["reach"] if machine not in pair]
    lines = text.splitlines(keepends=True)
    start, end = _table(lines, machine)
    while end < len(lines) and _name(lines[end]).startswith(f"machines.{machine}."):
        end = _next_header(lines, end + 1)
    while start > 0 and lines[start - 1].lstrip().startswith("#"):
        start -= 1
    if end < len(lines):
        # What stands right above the next table belongs to that.
        while end > start and (not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#")):
            end -= 1
    while start > 0 and not lines[start - 1].strip():
        start -= 1
    left = "".join([*lines[:start], *lines[end:]])
    name = re.escape(machine)
    for pair in (rf'"{name}"\s*,\s*{_STRING}', rf'{_STRING}\s*,\s*"{name}"'):
        left = re.sub(rf"(?m)^[ \t]*\[\s*{pair}\s*\]\s*,?[ \t]*\r?\n", "", left)
        left = re.sub(rf"\[\s*{pair}\s*\]\s*,?[ \t]*", "", left)
    return _checked(left, wanted, f"take [machines.{machine}] and the pairs that name it out of it by hand")


def _checked(text: str, wanted: dict[str, Any], by_hand: str) -> str:
    try:
        read = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        read = {}
    if read != wanted:
        raise InputError(f"the inventory cannot be edited in place: {by_hand}")
    return text


def _table(lines: list[str], machine: str) -> tuple[int, int]:
    for place, line in enumerate(lines):
        if _name(line) == f"machines.{machine}":
            return place, _next_header(lines, place + 1)
    raise InputError(f"the inventory has no table [machines.{machine}] that can be edited: do it by hand")


def _next_header(lines: list[str], start: int) -> int:
    return next((place for place in range(start, len(lines)) if _name(lines[place])), len(lines))


def _name(line: str) -> str:
    found = _HEADER.match(line.rstrip("\r\n"))
    # A line of an array such as `["wsl", "vm1"],` looks alike but is no header.
    if found is None or "," in found["name"]:
        return ""
    return ".".join(part.strip().strip("\"'") for part in found["name"].split("."))
