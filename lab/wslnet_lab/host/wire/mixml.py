"""The class declaration (MiXml) that goes with a CimInstance, written and read back.

The text is a small CIM-XML declaration of our own making; Windows' is longer and names more qualifiers. It
is enough for what hangs on it: an object that comes back with it is a CimInstance again (cdxml-facts 1.9).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET
from xml.sax.saxutils import quoteattr

if TYPE_CHECKING:
    from wslnet_lab.host.contract import CimInstance

_KEY = '<QUALIFIER NAME="key" TYPE="boolean"><VALUE>true</VALUE></QUALIFIER>'


@dataclass(frozen=True, slots=True)
class Declaration:
    """A class as its declaration tells it: property types in order, and the keys."""

    class_name: str
    types: dict[str, str]
    keys: tuple[str, ...]


def declare(value: CimInstance) -> str:
    """The declaration of the instance's class, from the properties it carries."""
    properties = "".join(
        f"<PROPERTY NAME={quoteattr(name)} TYPE={quoteattr(content.cim_type)}>"
        f"{_KEY if name in value.keys else ''}</PROPERTY>"
        for name, content in value.properties.items()
    )
    return f"<CLASS NAME={quoteattr(value.class_name)}>{properties}</CLASS>"


def read(text: str) -> Declaration | None:
    """The declaration in a MiXml text, or None when this host cannot read it."""
    try:
        root = ET.fromstring(text)  # noqa: S314 - sent by a logged-on client of the lab, and expat bounds entities
    except ET.ParseError:
        return None
    properties = [(node, node.get("NAME", "")) for node in root.iter("PROPERTY")]
    if root.tag != "CLASS" or not properties:
        return None
    return Declaration(
        class_name=root.get("NAME", ""),
        types={name: node.get("TYPE", "string") for node, name in properties},
        keys=tuple(name for node, name in properties if node.find("QUALIFIER[@NAME='key']") is not None),
    )
