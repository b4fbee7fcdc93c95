"""A published port as data and as text: where it is listened on, for whom, and which machine and port answer.

By which means it is published is the mode's business (`wslnet.profiles.forwards`).
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from wslnet.errors import InputError

LAN = "lan"
HOST = "host"
"""Scopes beside None (any source): the on-link prefixes of Windows, and Windows itself alone."""

_SCOPES = (LAN, HOST)
_LISTEN = re.compile(r"(?:(?P<proto>tcp|udp)/)?(?P<port>[0-9]{1,5})(?:@(?P<scope>[a-z]+))?")
_TARGET = re.compile(r"(?P<machine>[A-Za-z][A-Za-z0-9_-]{0,62}):(?P<port>[0-9]{1,5})")
_LAST_PORT = 65535
_EXPECTED = "expected PORT, PORT@lan or PORT@host, optionally with tcp/ or udp/ before it"


@dataclass(frozen=True, slots=True, order=True)
class Forward:
    """`proto`/`port` of Windows, for `scope` (None: anybody), leads to `target`:`target_port`."""

    proto: str
    port: int
    scope: str | None
    target: str
    target_port: int

    def __str__(self) -> str:
        return f"{self.listen}={self.target}:{self.target_port}"

    @property
    def listen(self) -> str:
        """The listening side in the words of `--listen`."""
        return f"{self.proto}/{self.port}" + (f"@{self.scope}" if self.scope else "")

    @property
    def key(self) -> tuple[str, int]:
        """What there can be only one of."""
        return self.proto, self.port

    @property
    def tag(self) -> str:
        """What the comments of its rules say behind `wslnet:`."""
        return f"publish {self.proto}/{self.port}"


def place_of(option: str, text: str) -> tuple[str, int]:
    """Reads `ADDRESS:PORT`, an IPv4 address as numbers.

    Raises:
        InputError: it is not of that form; the message names the option.
    """
    address, _, port = text.rpartition(":")
    try:
        place = str(ipaddress.IPv4Address(address)), int(port)
    except ValueError as error:
        raise InputError(f"{option} {text!r}: expected ADDRESS:PORT, such as 127.0.0.1:5353") from error
    if not 1 <= place[1] <= _LAST_PORT:
        raise InputError(f"{option} {text!r}: port {place[1]} is not between 1 and {_LAST_PORT}")
    return place


def parse_forward(text: str) -> Forward:
    """Reads `tcp/2222@lan=vm2:22`, as inventories and plans hold it.

    Raises:
        InputError: the text is not of that form; the message names it.
    """
    listen, equals, to = text.partition("=")
    if not equals:
        raise InputError(f"forward {text!r}: expected LISTEN=MACHINE:PORT, such as tcp/2222@lan=vm2:22")
    return forward_of(listen, to)


def forward_of(listen: str, to: str, proto: str | None = None) -> Forward:
    """Reads what `--listen` and `--to` say; `proto` is what `--proto` says, tcp where nobody says.

    Raises:
        InputError: one of them is not of its form, or they contradict each other.
    """
    found, goal = _LISTEN.fullmatch(listen), _TARGET.fullmatch(to)
    if found is None or (found["scope"] is not None and found["scope"] not in _SCOPES):
        raise InputError(f"--listen {listen!r}: {_EXPECTED}")
    if goal is None:
        raise InputError(f"--to {to!r}: expected MACHINE:PORT, such as vm2:22")
    if proto is not None and found["proto"] not in {None, proto}:
        raise InputError(f"--proto {proto} contradicts --listen {listen}")
    ports = int(found["port"]), int(goal["port"])
    for option, text, port in (("--listen", listen, ports[0]), ("--to", to, ports[1])):
        if not 1 <= port <= _LAST_PORT:
            raise InputError(f"{option} {text!r}: port {port} is not between 1 and {_LAST_PORT}")
    return Forward(found["proto"] or proto or "tcp", ports[0], found["scope"], goal["machine"], ports[1])
