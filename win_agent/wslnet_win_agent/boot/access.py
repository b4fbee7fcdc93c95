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
_ACCESS = re.compile(r"D:(?P<flags>[A-Z]*)(?P<entries>(?:\([^()]*\))*)")
_ENTRY = re.compile(
    r"\((?P<kind>[^;]*);(?P<flags>[^;]*);(?P<rights>[^;]*);[^;]*;[^;]*;(?P<sid>[^;()]*)[^()]*\)"
)
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
    if access is None or "NO_ACCESS_CONTROL" in sddl:
        return (*found, "everybody")
    for entry in _ENTRY.finditer(access["entries"]):
        denies = entry["kind"] == "D"
        inherit_only = "IO" in re.findall("..", entry["flags"])
        if not denies and not inherit_only and entry["sid"] not in _TRUSTED and _writes(entry["rights"]):
            found.append(entry["sid"])
    return tuple(dict.fromkeys(found))


def _writes(rights: str) -> bool:
    if rights.startswith("0x"):
        return int(rights, 16) & ~_READING_MASK != 0
    return not set(re.findall("..", rights)) <= _READING
