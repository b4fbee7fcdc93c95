r"""Reads `.wslconfig` text as WSL's own parser does (wsl-facts 1.1): raw entries and complaints, no meaning.

Written from the facts, apart from the product's reader, so that each can show the other wrong. A bad line is
skipped and what follows is read on.
"""

from __future__ import annotations

import string
from dataclasses import dataclass

_BLANKS = " \t\r"
_LETTERS = frozenset(string.ascii_letters)
_NAME = frozenset(string.ascii_letters + string.digits)
_ESCAPES = {"\\": "\\", '"': '"', "b": "\b", "n": "\n", "t": "\t"}
# A broken header such as [a-b] has overwritten the buffer that holds the section's name, whose length stays:
# a shorter name leaves NULs in it, and no key below is known.
_CLOBBERED = "?"


@dataclass(frozen=True, slots=True)
class Entry:
    """One `key = value`: its full name as written (`wsl2.networkingMode`, no prefix before any section)."""

    name: str
    value: str
    line: int


@dataclass(frozen=True, slots=True)
class Complaint:
    """One bad line: `kind` names a text of `messages`, `detail` goes into it."""

    kind: str
    detail: str
    line: int


class _Dropped(Exception):
    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(kind)
        self.kind = kind
        self.detail = detail


def decode(content: bytes) -> str:
    """The text of a file opened as the MSVC runtime does with ccs=UTF-8 in text mode (wsl-facts 1.1)."""
    if content.startswith(b"\xef\xbb\xbf"):
        text = content[3:].decode("utf-8", "replace")
    elif content.startswith(b"\xff\xfe"):
        text = content[2:].decode("utf-16-le", "replace")
    else:
        text = content.decode("utf-8", "replace")
    return text.split("\x1a", 1)[0].replace("\r\n", "\n")


def read(text: str) -> tuple[list[Entry], list[Complaint]]:
    """All entries in order, duplicates included, and the bad lines."""
    return _Reader(text).run()


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._line = 1
        self._section: str | None = None
        self._entries: list[Entry] = []
        self._complaints: list[Complaint] = []

    def run(self) -> tuple[list[Entry], list[Complaint]]:
        while self._peek():
            start = self._line
            self._skip_blanks()
            try:
                if self._peek() == "[":
                    self._read_section()
                elif self._peek() not in {"\n", "#", ""}:
                    self._read_entry()
            except _Dropped as bad:
                self._complaints.append(Complaint(bad.kind, bad.detail, start))
            self._skip_line()
        return self._entries, self._complaints

    def _read_section(self) -> None:
        self._at += 1
        if self._peek() not in _LETTERS:
            raise _Dropped("invalid-section", "")
        name = self._take_name()
        if self._peek() != "]":
            self._section = self._overwritten(name)
            raise _Dropped("expected", "]")
        self._at += 1
        self._skip_blanks()
        if self._peek() not in {"\n", "#", ""}:
            self._section = self._overwritten(name)
            raise _Dropped("expected", "\\n")
        self._section = name

    def _overwritten(self, name: str) -> str | None:
        """What the section is called once `name` stands in its buffer (WSL's configfile.cpp)."""
        if self._section is None:
            return None
        length = len(self._section)
        return name[:length] if len(name) >= length else _CLOBBERED.ljust(length)

    def _read_entry(self) -> None:
        line = self._line
        if self._peek() not in _LETTERS:
            raise _Dropped("invalid-key", "")
        key = self._take_name()
        self._skip_blanks()
        if self._peek() != "=":
            raise _Dropped("expected", "=")
        self._at += 1
        self._skip_blanks()
        value = self._take_value()
        name = key if self._section is None else f"{self._section}.{key}"
        self._entries.append(Entry(name, value, line))

    def _take_value(self) -> str:
        out: list[str] = []
        kept = 0  # length that trailing blanks cannot shorten: they were quoted or escaped
        quoted = False
        while True:
            char = self._peek()
            if char in {"\n", ""} or (char == "#" and not quoted):
                break
            self._at += 1
            if char == '"':
                quoted = not quoted
                kept = len(out)
            elif char == "\\":
                out += self._take_escape()
                kept = len(out)
            else:
                # The parser narrows each wide character to one byte.
                out.append(chr(ord(char) & 0xFF))
                kept = len(out) if quoted or char not in _BLANKS else kept
        if quoted:
            raise _Dropped("expected", '"')
        return "".join(out[:kept])

    def _take_escape(self) -> str:
        if self._peek() == "\r":
            self._at += 1
        char = self._peek()
        if char == "\n":
            self._at += 1
            self._line += 1
            return ""
        if char not in _ESCAPES:
            raise _Dropped("invalid-escape", char)
        self._at += 1
        return _ESCAPES[char]

    def _take_name(self) -> str:
        start = self._at
        while self._peek() in _NAME:
            self._at += 1
        return self._text[start : self._at]

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _skip_blanks(self) -> None:
        while self._peek() and self._peek() in _BLANKS:
            self._at += 1

    def _skip_line(self) -> None:
        end = self._text.find("\n", self._at)
        self._at = len(self._text) if end < 0 else end + 1
        self._line += 1
