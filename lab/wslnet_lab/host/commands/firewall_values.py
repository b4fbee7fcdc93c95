"""Checks and normal forms of what firewall rules are made of: protocols, ports, addresses, creators."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING

from wslnet_lab.host.commands.writes import bad_parameter

if TYPE_CHECKING:
    from collections.abc import Iterable

_NUMBERS = {"6": "TCP", "17": "UDP", "1": "ICMPv4", "58": "ICMPv6"}
_NAMES = {name.lower(): name for name in (*_NUMBERS.values(), "Any")}
_PORT_WORDS = {
    word.lower(): word
    for word in ("Any", "RPC", "RPC-EPMap", "IPHTTPSIn", "IPHTTPSOut", "PlayToDiscovery", "Teredo")
}
_CREATOR = re.compile(r"\{[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}")
_MAX_PORT = 65535
_MAX_PROTOCOL = 255


def protocol(given: object) -> str:
    """The protocol as Windows shows it: a name for those that have one, else the number.

    Raises:
        ProviderError: It is neither.
    """
    text = str(given or "Any").strip()
    if text in _NUMBERS:
        return _NUMBERS[text]
    if text.lower() in _NAMES:
        return _NAMES[text.lower()]
    if text.isdecimal() and int(text) <= _MAX_PROTOCOL:
        return text
    raise bad_parameter("The protocol is invalid. ")


def ports(given: object, of_protocol: str) -> list[str]:
    """Local or remote ports: numbers, ranges and Windows' words.

    Raises:
        ProviderError: One is none of these, or the protocol has no ports.
    """
    texts = _texts(given)
    if texts == ["Any"]:
        return texts
    if of_protocol not in {"TCP", "UDP"}:
        raise bad_parameter("A port was specified when the protocol is not TCP or UDP. ")
    return [_port(text) for text in texts]


def addresses(given: object) -> list[str]:
    """Addresses, subnets and ranges; words such as LocalSubnet are not documented here (windows-facts 11).

    Raises:
        ProviderError: One is none of these.
    """
    texts = _texts(given)
    for text in texts:
        if text != "Any":
            _check_address(text)
    return texts


def creator(given: object) -> str:
    """A creator id with its braces.

    Raises:
        ProviderError: The braces or the form of a GUID are missing.
    """
    text = str(given)
    if not _CREATOR.fullmatch(text):
        raise bad_parameter("The VM creator id is invalid. ")
    return text.upper()


def _texts(given: object) -> list[str]:
    items: Iterable[object] = given if isinstance(given, list | tuple) else [given]
    texts = [str(item).strip() for item in items if item is not None and str(item).strip()]
    return texts if texts and "any" not in [text.lower() for text in texts] else ["Any"]


def _port(text: str) -> str:
    if text.lower() in _PORT_WORDS:
        return _PORT_WORDS[text.lower()]
    ends = text.split("-")
    numbers = [int(end) for end in ends if end.isdecimal()]
    if len(numbers) != len(ends) or len(ends) > 2 or numbers != sorted(numbers) or numbers[-1] > _MAX_PORT:  # noqa: PLR2004 - a range has two ends
        raise bad_parameter("The port is invalid. ")
    return text


def _check_address(text: str) -> None:
    try:
        good = _is_range(text) if "-" in text else bool(ipaddress.ip_network(text, strict=False))
    except ValueError:
        good = False
    if not good:
        raise bad_parameter("The address is invalid. ")


def _is_range(text: str) -> bool:
    first, last = (ipaddress.ip_address(end) for end in text.split("-"))
    return first.version == last.version and int(first) <= int(last)
