"""Excluded and dynamic ports of Windows, from what netsh prints: numbers only, in no language.

A text that is not exactly the table that netsh prints gives None: it is not known then, never guessed. What
an administrator excluded is not given to programs; one that asks for such a port still gets it.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING

from wslnet_win_agent.errors import WindowsAgentError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wslnet_win_agent.host import Host

NETSH = r"C:\Windows\System32\netsh.exe"
_TIMEOUT_S = 20.0
_RULER = re.compile(r"\s*-{4,}(\s+-{4,})*\s*")
_RANGE = re.compile(r"\s*(\d{1,5})\s+(\d{1,5})\s*(\*?)\s*")
_FOOTER = re.compile(r"\s*\*[\s:-]*[^\s0-9*:-][^0-9*]*")
_VALUE = re.compile(r"\D+(\d{1,5})\s*")
_LAST_PORT = 65535


def port_ranges(host: Host) -> list[dict[str, object]]:
    """Give the ranges of TCP and UDP over IPv4; what netsh did not tell is null."""
    return [
        {
            "proto": proto,
            "excluded": _rows(_shown(host, "excludedportrange", f"protocol={proto}")),
            "dynamic": dynamic_ports(host, proto),
        }
        for proto in ("tcp", "udp")
    ]


def dynamic_ports(host: Host, proto: str) -> tuple[int, int] | None:
    """Give first and last dynamic port of `proto` over IPv4; None: netsh did not tell."""
    return dynamic_range(_shown(host, "dynamicport", proto))


def excluded_ranges(text: str) -> tuple[tuple[int, int, bool], ...] | None:
    """Give first and last port of each exclusion, and whether an administrator made it.

    None: it is not this table.
    """
    lines = _below_ruler(text, columns=2)
    # The last line explains the star, in the user's language; without it the table was cut.
    if not lines or _FOOTER.fullmatch(lines[-1]) is None:
        return None
    rows = [_RANGE.fullmatch(line) for line in lines[:-1]]
    if any(row is None for row in rows):
        return None
    found = tuple((int(row[1]), int(row[2]), bool(row[3])) for row in rows if row is not None)
    return found if all(0 <= first <= last <= _LAST_PORT for first, last, _ in found) else None


def dynamic_range(text: str) -> tuple[int, int] | None:
    """Give first and last dynamic port; None when it is not this table, or its last line was cut."""
    lines = _below_ruler(text, columns=1) if text.endswith("\n") else None
    values = [_VALUE.fullmatch(line) for line in lines or ()]
    numbers = [int(value[1]) for value in values if value is not None]
    if len(numbers) != len(values) or len(numbers) != len(("start", "number")):
        return None
    first, last = numbers[0], numbers[0] + numbers[1] - 1
    return (first, last) if 0 < first <= last <= _LAST_PORT else None


def _below_ruler(text: str, *, columns: int) -> list[str] | None:
    """The lines that say something below the one line of dashes over so many columns; None without it."""
    lines = [line for line in text.splitlines() if line.strip()]
    rulers = [index for index, line in enumerate(lines) if _RULER.fullmatch(line)]
    if len(rulers) != 1 or len(lines[rulers[0]].split()) != columns:
        return None
    return lines[rulers[0] + 1 :]


def _shown(host: Host, *words: str) -> str:
    argv: Sequence[str] = (NETSH, "interface", "ipv4", "show", *words)
    with suppress(WindowsAgentError):
        done = host.native.run(argv, timeout_s=_TIMEOUT_S)
        if done.exit_code == 0:
            # Only digits and signs are looked at, and every code page of a console has those of ASCII.
            return done.stdout.decode("ascii", "replace")
    return ""


def _rows(text: str) -> list[dict[str, object]] | None:
    found = excluded_ranges(text)
    if found is None:
        return None
    return [{"first": first, "last": last, "administered": ours} for first, last, ours in found]
