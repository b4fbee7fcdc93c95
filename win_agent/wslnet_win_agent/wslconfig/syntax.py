"""The grammar of `.wslconfig` as WSL's own parser behaves (wsl-facts 1.1), with exact places.

Cuts a text into statements that touch each other and together are the whole text, so that an editor can
change one and leave the rest. It knows nothing of which keys exist.
"""

from __future__ import annotations

import string
from dataclasses import dataclass
from enum import Enum

_LETTERS = frozenset(string.ascii_letters)
_WORD = _LETTERS | frozenset(string.digits)
_BLANKS = " \t"
_ESCAPES = {"\\": "\\", '"': '"', "b": "\b", "n": "\n", "t": "\t"}


class Kind(Enum):
    """What a statement is. `BROKEN_SECTION` does not enter its section, yet spoils the current name."""

    BLANK = "blank"
    COMMENT = "comment"
    SECTION = "section"
    BROKEN_SECTION = "broken-section"
    KEY = "key"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement: usually a line, more with a continuation.

    Attributes:
        kind: what it is.
        start: offset of its first character.
        end: offset behind its line end, where the next one starts.
        line: number of its first line, from 1.
        section: the section that WSL puts it in (of a SECTION: its name); "" is none.
        key: name of the key as written.
        value: the value as WSL has it, quotes and escapes resolved.
        value_start: offset of the raw value.
        value_end: offset behind the raw value, before trailing blanks, comment and line end.
        problem: why WSL drops it, for the broken kinds.
    """

    kind: Kind
    start: int
    end: int
    line: int
    section: str = ""
    key: str = ""
    value: str = ""
    value_start: int = 0
    value_end: int = 0
    problem: str = ""


def parse(text: str) -> tuple[Statement, ...]:
    """Cut `text` into statements, in order and without gaps."""
    return tuple(_Parser(text).statements())


class _Parser:
    """Walks the text once; holds what WSL's parser keeps between lines."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        # WSL keeps one name buffer and the length of the section in it. A section line that fails half-way
        # has already overwritten the buffer, so the keys after it get a wrong prefix.
        self._name = ""
        self._section_length = 0

    def statements(self) -> list[Statement]:
        found = []
        line = 1
        while self._at < len(self._text):
            start = self._at
            statement = self._statement(start, line)
            found.append(statement)
            line += self._text.count("\n", start, statement.end)
            self._at = statement.end
        return found

    @property
    def _section(self) -> str:
        name = self._name[: self._section_length]
        # A shorter name than the length leaves NULs in the buffer: no key of WSL's matches then.
        return name if len(name) == self._section_length else name + "\0"

    def _statement(self, start: int, line: int) -> Statement:
        at = self._skip_blanks(start)
        first = self._text[at : at + 1]
        if first == "[":
            return self._section_line(start, at + 1, line)
        if first in _LETTERS and first:
            return self._key_line(start, at, line)
        if first == "#":
            return Statement(Kind.COMMENT, start, self._line_feed(at), line)
        if first in ("", "\n", "\r"):
            return Statement(Kind.BLANK, start, self._line_end(at), line)
        return Statement(Kind.BROKEN, start, self._line_feed(at), line, problem="invalid-key")

    def _section_line(self, start: int, at: int, line: int) -> Statement:
        word = self._word(at)
        if not word:
            end = self._line_feed(at)
            return Statement(Kind.BROKEN_SECTION, start, end, line, self._section, problem="invalid-section")
        self._name = word
        after = self._skip_blanks(at + len(word) + 1)
        closed = self._text[at + len(word) : at + len(word) + 1] == "]"
        if not closed or self._text[after : after + 1] not in ("", "\n", "\r", "#"):
            problem = "text-after-section" if closed else "invalid-section"
            end = self._line_feed(at + len(word))
            return Statement(Kind.BROKEN_SECTION, start, end, line, self._section, problem=problem)
        self._section_length = len(word)
        return Statement(Kind.SECTION, start, self._after_value(after), line, word)

    def _key_line(self, start: int, at: int, line: int) -> Statement:
        key = self._word(at)
        equals = self._skip_blanks(at + len(key))
        if self._text[equals : equals + 1] != "=":
            end = self._line_feed(equals)
            return Statement(Kind.BROKEN, start, end, line, self._section, key, problem="no-equals")
        return self._value(start, line, key, self._skip_blanks(equals + 1))

    def _value(self, start: int, line: int, key: str, begin: int) -> Statement:
        at, raw_end, value, kept, quoted = begin, begin, "", 0, False
        while at < len(self._text) and self._text[at] not in "\n\r":
            char = self._text[at]
            width = 1
            if char == '"':
                quoted = not quoted
            elif char == "\\":
                width, replacement = self._escape(at)
                if not width:
                    end = self._line_feed(at)
                    return Statement(Kind.BROKEN, start, end, line, self._section, key, problem="bad-escape")
                value += replacement
            elif char == "#" and not quoted:
                break
            else:
                value += char
            at += width
            if char not in _BLANKS:
                kept, raw_end = len(value), at
        if quoted:
            end = self._line_feed(at)
            return Statement(Kind.BROKEN, start, end, line, self._section, key, problem="open-quote")
        end = self._after_value(at)
        return Statement(Kind.KEY, start, end, line, self._section, key, value[:kept], begin, raw_end)

    def _escape(self, at: int) -> tuple[int, str]:
        """Width and meaning of an escape; width 0 for one that WSL refuses. Line ends continue the line."""
        following = self._text[at + 1 : at + 2]
        if not following:
            return 0, ""
        if following in _ESCAPES:
            return 2, _ESCAPES[following]
        if self._text.startswith("\r\n", at + 1):
            return 3, ""
        if following in ("\n", "\r"):
            return 2, ""
        return 0, ""

    def _word(self, at: int) -> str:
        """A letter and what follows of letters and digits; "" if no letter is there."""
        end = at
        allowed = _LETTERS
        while end < len(self._text) and self._text[end] in allowed:
            end += 1
            allowed = _WORD
        return self._text[at:end]

    def _skip_blanks(self, at: int) -> int:
        while at < len(self._text) and self._text[at] in _BLANKS:
            at += 1
        return at

    def _line_feed(self, at: int) -> int:
        """Behind the next line feed: comments and broken lines do not end at a lone carriage return."""
        found = self._text.find("\n", at)
        return len(self._text) if found < 0 else found + 1

    def _line_end(self, at: int) -> int:
        """Behind the line end at `at`: CR LF, LF or a lone CR."""
        if self._text.startswith("\r\n", at):
            return at + 2
        return min(at + 1, len(self._text))

    def _after_value(self, at: int) -> int:
        """Behind the line, from the end of a value: a comment runs to the line feed."""
        return self._line_feed(at) if self._text.startswith("#", at) else self._line_end(at)
