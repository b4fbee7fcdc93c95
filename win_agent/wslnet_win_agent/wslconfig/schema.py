"""What a kind of file of WSL's may hold, and what WSL does with a line that it cannot parse.

Names are `section.key`; WSL ignores case in both (wsl-facts 1.1). Which keys there are is `tables`'.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from functools import cached_property

from .keys import CHECKS, nearest


@dataclass(frozen=True)
class Schema:
    """One kind of file.

    Attributes:
        name: what it is called.
        known: `section.key` in WSL's spelling → kind of its value.
        defaults: the value that WSL takes without the key; in brackets where it is none to write.
        aliases: other names of a key, case-folded → `section.key`.
        stops: whether the first line that cannot be parsed ends the reading (wsl.conf), or only that line
            is lost (.wslconfig).
        line_end: of a file that has none yet.
        retired: `section.key`, case-folded, of keys that older WSLs knew → what there is to say of them.
    """

    name: str
    known: dict[str, str]
    defaults: dict[str, str]
    aliases: dict[str, str] = field(default_factory=dict)
    stops: bool = False
    line_end: str = "\r\n"
    retired: dict[str, str] = field(default_factory=dict)

    @cached_property
    def _by_fold(self) -> dict[str, str]:
        return {name.casefold(): name for name in self.known} | self.aliases

    def canonical(self, section: str, key: str) -> str | None:
        """Give WSL's own name for a key, aliases resolved; None for a key that WSL does not know."""
        return self._by_fold.get(f"{section}.{key}".casefold())

    def section_of(self, key: str) -> str | None:
        """Give the section in which WSL knows `key`, for one that was put into another; None if in none."""
        fold = key.casefold()
        return next((name.partition(".")[0] for name in self.known if _key_of(name) == fold), None)

    def like(self, key: str) -> str | None:
        """Give the `section.key` that a misspelt `key` was probably meant to be; None if none is near.

        A known key that begins as the misspelt one does counts as near: `networkMode`, `network`.
        """
        keys = {_key_of(name): name for name in self.known}
        close = difflib.get_close_matches(key.casefold(), keys, n=1, cutoff=0.75)
        return keys[close[0]] if close else None

    def is_valid(self, name: str, value: str) -> bool:
        """Say whether WSL takes `value` for the key `name`; otherwise it warns and keeps the default."""
        return CHECKS[self.known[name]](value)

    def nearest(self, name: str, value: str) -> str:
        """Give the valid value of the key `name` that `value` was probably meant to be, or nothing."""
        return nearest(self.known[name], value)


def _key_of(name: str) -> str:
    return name.partition(".")[2].casefold()
