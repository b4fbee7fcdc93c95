r"""A start-up script of the local Group Policy: one entry of `scripts.ini`, and the version in `gpt.ini`.

Pure: bytes in, bytes out. Both files belong to Windows and to whoever else has scripts there, so an entry is
put in or taken out and no other line changes. Numbers have no gap: Windows reads from 0 to the first that
is missing, so those behind an entry that goes move up.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from wslnet_win_agent.errors import WindowsAgentError

SCRIPTS_FOLDER = r"C:\Windows\System32\GroupPolicy\Machine\Scripts"
SCRIPTS_FILE = rf"{SCRIPTS_FOLDER}\scripts.ini"
VERSION_FILE = r"C:\Windows\System32\GroupPolicy\gpt.ini"

EXTENSION = "{42B5FAAE-6536-11D2-AE5A-0000F87571E3}"
"""The part of Windows that runs scripts; `gpt.ini` has to name it beside the tool that wrote them."""

_TOOL = "{40B6664F-4972-11D1-A7CA-0000F87571E3}"
_EXTENSIONS = "gPCMachineExtensionNames"
_UTF16 = b"\xff\xfe"
_SECTION = re.compile(r"\s*\[[^\]]*\]")
_STARTUP = re.compile(r"\s*\[\s*startup\s*\]", re.IGNORECASE)
_ENTRY = re.compile(r"\s*(?P<number>\d+)(?P<part>CmdLine|Parameters)\s*=(?P<value>.*)", re.IGNORECASE)
_KEY = re.compile(r"\s*(?P<name>[^=;\s]+)\s*=(?P<value>.*)")
_OF_USER = 0xFFFF0000
_OF_MACHINE = 0xFFFF


@dataclass(frozen=True, slots=True)
class StartupScript:
    """One script: the program by its full path, and its parameters as one text."""

    command: str
    parameters: str


def scripts_in(content: bytes | None) -> tuple[StartupScript, ...]:
    """The start-up scripts of a `scripts.ini`, in the order in which Windows runs them.

    Raises:
        WindowsAgentError: `failed` for a file that was cut in the middle of a character. Here and below.
    """
    lines = _Lines(content)
    found: dict[int, dict[str, str]] = {}
    for at in lines.of_startup():
        if (entry := _ENTRY.fullmatch(lines.text(at))) is None:
            continue
        found.setdefault(int(entry["number"]), {}).setdefault(entry["part"].lower(), entry["value"].strip())
    scripts: list[StartupScript] = []
    while (parts_of := found.get(len(scripts))) is not None and "cmdline" in parts_of:
        scripts.append(StartupScript(parts_of["cmdline"], parts_of.get("parameters", "")))
    return tuple(scripts)


def with_script(content: bytes | None, script: StartupScript) -> bytes:
    """The file with the script as the last one; as it is when it has it.

    Raises:
        WindowsAgentError: `failed` when entries that Windows does not read now would be read with it.
    """
    present = scripts_in(content)
    if content is not None and script in present:
        return content
    lines = _Lines(content)
    number = len(present)
    new = [f"{number}CmdLine={script.command}", f"{number}Parameters={script.parameters}"]
    span = lines.of_startup()
    if not lines.has_startup:
        return lines.with_lines(len(lines.rows), ["[Startup]", *new])
    filled = [at for at in span if lines.text(at).strip()]
    made = lines.with_lines((filled[-1] if filled else lines.header) + 1, new)
    if scripts_in(made) != (*present, script):
        text = f"{SCRIPTS_FILE} has entries behind number {number}, which is missing: correct it first"
        raise WindowsAgentError("failed", text)
    return made


def without_script(content: bytes | None, script: StartupScript) -> bytes | None:
    """The file without the script, those behind it moved up; None when nothing is left in it."""
    lines = _Lines(content)
    present = scripts_in(content)
    if script not in present:
        return content
    gone = present.index(script)
    rows = list(lines.rows)
    for at in reversed(lines.of_startup()):
        entry = _ENTRY.fullmatch(lines.text(at))
        if entry is None:
            continue
        number = int(entry["number"])
        if number == gone:
            del rows[at]
        elif number > gone:
            rows[at] = re.sub(r"\d+", str(number - 1), rows[at], count=1)
    left = [row for row in rows if row.strip()]
    return None if left in ([], ["[Startup]" + _end(left)]) else lines.encoded(rows)


def raised(content: bytes | None) -> bytes:
    """A `gpt.ini` whose machine part has the next version, so that Windows reads the scripts anew.

    The version's lower half counts for the machine, the upper one for users; it never becomes 0, which says
    that there is no policy.
    """
    lines = _Lines(content or b"[General]\r\n")
    rows = list(lines.rows)
    keys = {one["name"].lower(): at for at in range(len(rows)) if (one := _KEY.match(lines.text(at)))}
    at = keys.get("version")
    said = "" if at is None else _value(lines.text(at))
    have = int(said) if said.isascii() and said.isdigit() else 0
    version = (have & _OF_USER) | ((have & _OF_MACHINE) % _OF_MACHINE + 1)
    names_at = keys.get(_EXTENSIONS.lower())
    names = _value(lines.text(names_at)) if names_at is not None else ""
    if EXTENSION not in names.upper():
        blocks = [*re.findall(r"\[[^\]]*\]", names), f"[{EXTENSION}{_TOOL}]"]
        names = "".join(sorted(blocks, key=str.upper))
    wanted = {_EXTENSIONS: names, "Version": str(version)}
    for key in [name for name in wanted if name.lower() in keys]:
        place = keys[key.lower()]
        rows[place] = f"{key}={wanted[key]}" + _end([rows[place]])
    header = next((n for n in range(len(rows)) if _SECTION.match(rows[n])), -1)
    new = [f"{key}={value}{lines.newline}" for key, value in wanted.items() if key.lower() not in keys]
    return lines.encoded([*rows[: header + 1], *new, *rows[header + 1 :]])


def _value(line: str) -> str:
    return line.partition("=")[2].strip()


def _end(rows: list[str]) -> str:
    """The line end of the last of some rows."""
    last = rows[-1] if rows else ""
    return last[len(last.rstrip("\r\n")) :]


class _Lines:
    """A file's lines with their ends; what is no UTF-16 is taken byte by byte and goes back the same."""

    def __init__(self, content: bytes | None) -> None:
        # Windows' own editor writes UTF-16, and its reader of ini files takes both.
        self._is_utf16 = content is None or content.startswith(_UTF16)
        body = b"" if content is None else content.removeprefix(_UTF16)
        if self._is_utf16 and len(body) % 2:
            raise WindowsAgentError("failed", "a file of the Group Policy ends within a character (UTF-16)")
        text = body.decode("utf-16-le", "surrogatepass") if self._is_utf16 else body.decode("latin-1")
        self.rows = tuple(re.findall(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z", text))
        self.newline = _end([self.rows[0]]) or "\r\n" if self.rows else "\r\n"
        heads = [at for at in range(len(self.rows)) if _SECTION.match(self.rows[at])]
        named = [at for at in heads if _STARTUP.match(self.rows[at])]
        self.has_startup = bool(named)
        self.header = named[0] if named else len(self.rows)
        self._until = next((at for at in heads if at > self.header), len(self.rows))

    def of_startup(self) -> range:
        """Where the lines of the section [Startup] are."""
        return range(self.header + 1, self._until)

    def text(self, at: int | None) -> str:
        """A line without its end."""
        return "" if at is None else self.rows[at].rstrip("\r\n")

    def with_lines(self, at: int, new: list[str]) -> bytes:
        """The file with further lines before line `at`."""
        before = list(self.rows[:at])
        if before and not _end(before):
            before[-1] += self.newline
        return self.encoded([*before, *(line + self.newline for line in new), *self.rows[at:]])

    def encoded(self, rows: list[str]) -> bytes:
        """The bytes of a file like this one with these lines."""
        text = "".join(rows)
        return (
            _UTF16 + text.encode("utf-16-le", "surrogatepass") if self._is_utf16 else text.encode("latin-1")
        )
