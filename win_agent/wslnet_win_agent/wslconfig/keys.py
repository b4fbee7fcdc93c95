"""How WSL checks the values of its configuration keys, by the kind of the value.

From facts/wslconfig-keys.json and wsl-facts 1.1. Which keys there are is `schema`'s.
"""

from __future__ import annotations

import difflib
import ipaddress
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_MODES = ("none", "nat", "bridged", "mirrored", "consomme", "virtioproxy")
_RECLAIM = ("gradual", "dropcache", "disabled")
_CGROUPS = ("v1", "v2")
_SIZE = re.compile(r"[0-9]+(B|K|KB|M|MB|G|GB|T|TB)?", re.ASCII)
_INTEGER = re.compile(r"[ \t\n\r\f\v]*[+-]?(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)", re.ASCII)
_MAC = re.compile(r"([0-9a-fA-F]{2}([:-])[0-9a-fA-F]{2}(\2[0-9a-fA-F]{2}){4})")
_INT32 = range(-(2**31), 2**31)
_PORTS = range(1, 65536)

_YES = ("yes", "on", "t", "y", "enabled")
_NO = ("no", "off", "f", "n", "disabled")


def _is_bool(value: str) -> bool:
    return value in ("0", "1") or value.casefold() in ("true", "false")


def _is_integer(value: str) -> bool:
    match = _INTEGER.fullmatch(value)
    if match is None:
        return False
    digits = match[1]
    base = 16 if digits[:2] in ("0x", "0X") else 8 if digits.startswith("0") else 10
    number = int(digits, base)
    return (-number if "-" in value else number) in _INT32


def _is_port_list(value: str) -> bool:
    items = [item.strip() for item in value.split(",") if item.strip()]
    return all(item.isascii() and item.isdigit() and int(item) in _PORTS for item in items)


def _is_ipv4(value: str) -> bool:
    try:
        ipaddress.IPv4Address(value)
    except ValueError:
        return False
    return True


CHECKS: dict[str, Callable[[str], bool]] = {
    "text": lambda _value: True,
    "bool": _is_bool,
    "int": _is_integer,
    "size": lambda value: _SIZE.fullmatch(value) is not None,
    "mode": lambda value: value.casefold() in _MODES,
    "reclaim": lambda value: value.casefold() in _RECLAIM,
    "mac": lambda value: _MAC.fullmatch(value) is not None,
    "ports": _is_port_list,
    "ipv4": _is_ipv4,
    "cgroups": lambda value: value.casefold() in _CGROUPS,
}
"""Kind of a value → whether WSL takes a text for it; otherwise it warns and keeps its default."""


def nearest(kind: str, value: str) -> str:
    """A value of this kind that `value` was probably meant to be; "" if none is near.

    WSL takes neither `yes` nor `8gb` nor `8 GB` (wsl-facts 1.1), and people write all of them.
    """
    plain = value.strip().casefold()
    if kind == "bool":
        return "true" if plain in _YES else "false" if plain in _NO else ""
    if kind == "size":
        squeezed = "".join(plain.split()).upper().removesuffix("IB")
        return squeezed if CHECKS["size"](squeezed) else ""
    names = {"mode": _MODES, "reclaim": _RECLAIM, "cgroups": _CGROUPS}.get(kind, ())
    return next(iter(difflib.get_close_matches(plain, names, n=1)), "")
