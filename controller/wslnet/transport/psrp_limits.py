"""What a PowerShell may send before a library reads it: plain XML of honest depth and size.

A document type is what entity bombs and external entities are made of; PowerShell and WSMan never send one.
No I/O, and no meaning of the messages.
"""

from __future__ import annotations

from xml.parsers import expat

MOST_BYTES = 16 << 20
"""For all messages of one call; the firewall rules of a large company are a quarter of it."""

_DEEPEST = 128
"""PowerShell nests its objects one or two levels deep over the wire, each three or four elements."""


class LimitError(ValueError):
    """Something was sent that no honest Windows sends."""


def demand_plain_xml(text: bytes | str) -> None:
    """Look through a document before it is read; one that is no XML is the reader's to refuse.

    Raises:
        LimitError: it declares a document type, or nests deeper than any honest one.
    """
    depth = 0

    def begin(_name: str, _attributes: object) -> None:
        nonlocal depth
        depth += 1
        if depth > _DEEPEST:
            raise LimitError("XML that is nested too deep")

    def end(_name: str) -> None:
        nonlocal depth
        depth -= 1

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = _refuse
    parser.StartElementHandler = begin
    parser.EndElementHandler = end
    try:
        parser.Parse(text, True)  # noqa: FBT003 - expat's own signature
    except expat.ExpatError:
        return


def _refuse(*_: object) -> None:
    raise LimitError("XML with a document type")
