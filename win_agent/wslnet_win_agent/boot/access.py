"""Who could change a file, read from its security descriptor.

SYSTEM must run and read only what administrators alone can write (windows-facts 11). The text form of Windows
(SDDL) is the same in every language; what is not known here counts as a right to write.
"""

from __future__ import annotations

import re

ADMINISTRATORS, SYSTEM = "BA", "SY"
_TRUSTED = frozenset(
    {
        ADMINISTRATORS,
        SYSTEM,
        "S-1-5-18",
        "S-1-5-32-544",
        "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464",  # TrustedInstaller
    }
)
_OWNER = re.compile(r"O:(?P<sid>S-1-[0-9-]+|[A-Z]{2})")
_ACCESS = re.compile(r"D:[A-Z]*(?=\(|S:|$)")
_FIELDS = 6
_READING = frozenset({"FR", "FX", "GR", "GX", "RC", "CC", "SW", "WP", "LO"})
"""Rights that change nothing: of a file CC reads data, SW extended attributes, LO attributes, WP executes."""

_READING_MASK = 0x001200A9 | 0x00120089 | 0x80000000 | 0x20000000


def strangers(sddl: str) -> tuple[str, ...]:
    """Give who beside SYSTEM, administrators and TrustedInstaller owns it or may change it.

    An inherit-only entry does not count: it says nothing about the object itself.
    """
    owner = _OWNER.match(sddl)
    found = (
        [] if owner is not None and owner["sid"] in _TRUSTED else [owner["sid"] if owner else "unknown owner"]
    )
    access = _ACCESS.search(sddl)
    entries = _entries(sddl[access.end() :]) if access is not None else None
    if entries is None:
        return (*found, "everybody")
    for kind, flags, rights, _object, _inherited, who, *_condition in entries:
        inherit_only = "IO" in re.findall("..", flags)
        if kind not in {"D", "XD"} and not inherit_only and who not in _TRUSTED and _writes(rights):
            found.append(who)
    return tuple(dict.fromkeys(found))


def _entries(text: str) -> list[list[str]] | None:
    """Give the fields of each entry of an access list; None for what is none, or cannot be read."""
    entries: list[list[str]] = []
    depth = start = 0
    for at, mark in enumerate(text):
        if depth == 0 and mark != "(":
            break  # the next part of the descriptor
        depth += {"(": 1, ")": -1}.get(mark, 0)
        if mark == "(" and depth == 1:
            start = at + 1
        elif depth == 0:
            entries.append(text[start:at].split(";"))
    readable = depth == 0 and all(len(fields) >= _FIELDS for fields in entries)
    return entries if readable else None


def _writes(rights: str) -> bool:
    if rights.startswith("0x"):
        return int(rights, 16) & ~_READING_MASK != 0
    return not set(re.findall("..", rights)) <= _READING
