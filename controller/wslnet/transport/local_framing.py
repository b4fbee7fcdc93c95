"""The lines of an out-of-process PowerShell session: elements out, elements in (psrp-facts 2). No I/O.

One element a line. Programs that inherit PowerShell's standard output write between these lines and in
front of them (psrp-facts 1.5): such text is cut away, while an element of ours that is damaged is an error.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from uuid import UUID

POOL = UUID(int=0)
"""The target of what concerns the runspace pool and no pipeline."""

LONGEST_LINE = 1 << 20
"""PowerShell's own lines have 44 kB at most (psrp-facts 2); programs that write in between have the rest."""
_NAMES = rb"(?:DataAck|Data|CommandAck|SignalAck|CloseAck)"
_START = re.compile(rb"<" + _NAMES + rb"(?=[\s/>])")
_ELEMENT = re.compile(
    rb"<(?P<name>" + _NAMES + rb")(?P<attributes>(?:\s+\w+\s*=\s*(?:'[^'<>]*'|\"[^\"<>]*\"))*)\s*"
    rb"(?:/>|>(?P<data>[A-Za-z0-9+/=]*)</(?P=name)\s*>)"
)
_TARGET = re.compile(rb"\sPSGuid\s*=\s*['\"]([^'\"]*)['\"]")


class DamagedLineError(ValueError):
    """A line of the protocol that cannot be read; the session cannot go on."""


@dataclass(frozen=True, slots=True)
class Element:
    """One element: `Data`, `Command`, `Signal`, `Close` or one of their acknowledgements."""

    name: str
    target: UUID = POOL
    data: bytes = b""

    @property
    def acknowledgement(self) -> str:
        """The name of the element that acknowledges this one."""
        return f"{self.name}Ack"


def encode(element: Element) -> bytes:
    """Give the line of an element, written as PowerShell's own client writes it."""
    if element.name != "Data":
        return f"<{element.name} PSGuid='{element.target}' />\n".encode("ascii")
    data = base64.b64encode(element.data).decode("ascii")
    return f"<Data Stream='Default' PSGuid='{element.target}'>{data}</Data>\n".encode("ascii")


class ElementReader:
    """Gives the elements in what a child writes, however it is cut into pieces."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._looked_at = 0

    def feed(self, data: bytes) -> list[Element]:
        """Take the next piece and give the elements that it completes.

        Raises:
            DamagedLineError: an element is there and cannot be read, or a line has no end.
        """
        self._rest += data
        elements: list[Element] = []
        while (end := self._rest.find(b"\n", self._looked_at)) >= 0:
            elements += _elements(bytes(self._rest[:end]))
            del self._rest[: end + 1]
            self._looked_at = 0
        self._looked_at = len(self._rest)
        if self._looked_at > LONGEST_LINE:
            raise DamagedLineError("a line without end")
        return elements


def _elements(line: bytes) -> list[Element]:
    found: list[Element] = []
    at = 0
    while (start := _START.search(line, at)) is not None:
        match = _ELEMENT.match(line, start.start())
        target = _TARGET.search(match["attributes"]) if match else None
        if match is None or target is None:
            raise DamagedLineError(f"a damaged element: {line[start.start() :][:80]!r}")
        try:
            data = base64.b64decode(match["data"] or b"", validate=True)
            found.append(Element(match["name"].decode("ascii"), UUID(target[1].decode("ascii")), data))
        except (binascii.Error, ValueError) as error:
            raise DamagedLineError(f"a damaged element: {error}") from error
        at = match.end()
    return found
