"""What `.wslconfig` comes to: typed values and warnings, out of the raw entries (wsl-facts 1.1, 1.3).

The first entry of a slot wins even when its value is bad; aliases share a slot. It opens no file.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from wslnet_lab.host.wsl import ini
from wslnet_lab.host.wsl.config_keys import Key, find_key
from wslnet_lab.host.wsl.messages import Message

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_BOOLEANS = {"1": True, "true": True, "0": False, "false": False}
_UNITS = {"": 1, "B": 1, "K": 2**10, "KB": 2**10, "M": 2**20, "MB": 2**20, "G": 2**30, "GB": 2**30}
_UNITS |= {"T": 2**40, "TB": 2**40}
_SIZE = re.compile(r"(\d+)([A-Z]{0,2})")
_INTEGER = re.compile(r"[+-]?(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9]\d*)")
_MAC = re.compile(r"[0-9a-fA-F]{2}(([:-])[0-9a-fA-F]{2}(\2[0-9a-fA-F]{2}){4})")


class MalformedMac(ValueError):
    """A bad `macAddress` is no warning: it stops the creation of the machine (wsl-facts 1.1)."""


@dataclass(frozen=True)
class WslConfig:
    """The valid values by first key name, lower case; `named` are the slots that the file has at all."""

    values: Mapping[str, object] = field(default_factory=dict)
    named: frozenset[str] = frozenset()
    warnings: tuple[Message, ...] = ()

    def get(self, name: str, default: object = None) -> object:
        """The value of a key, or `default` when it is absent or bad."""
        return self.values.get(name.lower(), default)

    def flag(self, name: str, *, default: bool) -> bool:
        """The value of a bool key."""
        return bool(self.values.get(name.lower(), default))

    def has(self, name: str) -> bool:
        """Whether the file names the key, with a good value or a bad one."""
        return name.lower() in self.named


def parse_config(content: bytes, path: str, version: tuple[int, ...]) -> WslConfig:
    """Reads a whole file; `path` is how warnings name it, `version` WSL's.

    Raises:
        MalformedMac: `macAddress` is no MAC address.
    """
    entries, complaints = ini.read(ini.decode(content))
    warnings = [
        (complaint.line, Message(f"config-{complaint.kind}", (complaint.detail, path, str(complaint.line))))
        for complaint in complaints
    ]
    taken: dict[str, ini.Entry] = {}
    values: dict[str, object] = {}
    for entry in entries:
        key = find_key(entry.name, version)
        where = (entry.name, path, str(entry.line))
        if key is None:
            warnings.append((entry.line, Message("config-unknown-key", where)))
            continue
        slot = key.names[0].lower()
        if slot in taken:
            first = taken[slot]
            conflict = (first.name, path, str(first.line))
            warnings.append((entry.line, Message("config-duplicate", (*where, *conflict))))
            continue
        taken[slot] = entry
        value, complaint_kind = _convert(key, entry.value)
        if value is not None:
            values[slot] = value
        if complaint_kind:
            given = (entry.value, *where, ", ".join(key.values))
            warnings.append((entry.line, Message(complaint_kind, given)))
    ordered = tuple(message for _, message in sorted(warnings, key=lambda pair: pair[0]))
    return WslConfig(values, frozenset(taken), ordered)


def _convert(key: Key, text: str) -> tuple[object, str]:
    """The value (None: bad) and the kind of warning (empty: none)."""
    if key.kind == "enum":
        value = next((name for name in key.values if name.lower() == text.lower()), None)
        return value, "" if value is not None else "config-invalid-value"
    return _CONVERTERS[key.kind](text)


def _bool(text: str) -> tuple[object, str]:
    value = _BOOLEANS.get(text.lower())
    return value, "" if value is not None else "config-invalid-bool"


def _int(text: str) -> tuple[object, str]:
    value = _integer(text)
    if value is None or not -(2**31) <= value < 2**31:
        return None, "config-invalid-int"
    return value, ""


def _size(text: str) -> tuple[object, str]:
    match = _SIZE.fullmatch(text)
    if match is None or match[2] not in _UNITS:
        return None, "config-invalid-size"
    return int(match[1]) * _UNITS[match[2]], ""


def _mac(text: str) -> tuple[object, str]:
    if not _MAC.fullmatch(text):
        raise MalformedMac(text)
    return text, ""


def _integer(text: str) -> int | None:
    match = _INTEGER.fullmatch(text)
    if match is None:
        return None
    digits = match[1]
    base = 16 if digits[:2].lower() == "0x" else 8 if digits.startswith("0") else 10
    return int(digits, base) * (-1 if text.startswith("-") else 1)


def _ports(text: str) -> tuple[object, str]:
    good: list[int] = []
    bad = False
    for item in text.split(","):
        number = _integer(item.strip())
        if number is not None and 1 <= number <= 65535:  # noqa: PLR2004 - the range of ports
            good.append(number)
        else:
            bad = True
    return tuple(good), "config-invalid-int" if bad else ""


def _ipv4(text: str) -> tuple[object, str]:
    try:
        return str(ipaddress.IPv4Address(text)), ""
    except ValueError:
        return None, "config-invalid-ip"


def _text(text: str) -> tuple[object, str]:
    return text, ""


_CONVERTERS: Mapping[str, Callable[[str], tuple[object, str]]] = {
    "bool": _bool,
    "int": _int,
    "size": _size,
    "mac": _mac,
    "ports": _ports,
    "ipv4": _ipv4,
    "text": _text,
}
