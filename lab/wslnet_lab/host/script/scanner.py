"""A cursor over script text: blanks, comments, line ends, and the small tokens the parser asks for."""

from __future__ import annotations

import re

from wslnet_lab.host.script.syntax import Malformed

_BLANK = re.compile(r"(?:[ \t\u00a0]|`\r?\n|<#.*?#>|#[^\r\n]*)*", re.DOTALL)
_LINES = re.compile(r"(?:[ \t\u00a0\r\n]|`\r?\n|<#.*?#>|#[^\r\n]*)*", re.DOTALL)
_ENDS = re.compile(r"(?:[ \t\u00a0\r\n;]|`\r?\n|<#.*?#>|#[^\r\n]*)*", re.DOTALL)


_UP_TO_BRACE = re.compile(
    r"(?:`.|<#.*?#>|#[^\r\n]*|@'\r?\n.*?\n'@|@\"\r?\n.*?\n\"@|'[^']*'|\"(?:`.|[^\"`])*\"|[^{}])*?([{}])",
    re.DOTALL,
)


class Scanner:
    """The text and where the parser is in it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def blanks(self) -> None:
        """Goes past blanks and comments of this line."""
        self._skip(_BLANK)

    def lines(self) -> None:
        """Goes past blanks, comments and line ends."""
        self._skip(_LINES)

    def statement_ends(self) -> None:
        """Goes past everything between two statements."""
        self._skip(_ENDS)

    def sees(self, token: str) -> bool:
        """Whether `token` comes next."""
        return self.text.startswith(token, self.at)

    def takes(self, token: str) -> bool:
        """Goes past `token` when it comes next."""
        if not self.sees(token):
            return False
        self.at += len(token)
        return True

    def expect(self, token: str) -> None:
        """Goes past `token`.

        Raises:
            Malformed: Something else comes next.
        """
        if not self.takes(token):
            raise Malformed(f"expected {token!r} at {self.rest()!r}")

    def matches(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """What `pattern` finds here, without going past it."""
        return pattern.match(self.text, self.at)

    def takes_match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Goes past what `pattern` finds here."""
        found = pattern.match(self.text, self.at)
        if found is not None:
            self.at = found.end()
        return found

    def past_braces(self) -> None:
        """Goes past the brace that closes the block it is in, over texts and comments.

        Raises:
            Malformed: There is none.
        """
        depth = 1
        while depth:
            found = self.takes_match(_UP_TO_BRACE)
            if found is None:
                raise Malformed("expected '}' before the end")
            depth += 1 if found[1] == "{" else -1

    @property
    def ended(self) -> bool:
        """Whether nothing is left."""
        return self.at >= len(self.text)

    def rest(self) -> str:
        """A little of what comes, for messages."""
        return self.text[self.at : self.at + 30]

    def _skip(self, pattern: re.Pattern[str]) -> None:
        found = pattern.match(self.text, self.at)
        if found is not None:
            self.at = found.end()
