"""Reads the values in recorded CLIXML as `contract` values, with the exact type that each tag tells."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from wslnet_lab.host.contract import (
    Category,
    CimInstance,
    CimValue,
    EnumValue,
    ErrorDetails,
    Number,
    PlainObject,
)

if TYPE_CHECKING:
    from collections.abc import Callable

_CIM_KINDS = {
    "By": "uint8", "SB": "sint8", "U16": "uint16", "I16": "sint16", "U32": "uint32", "I32": "sint32",
    "U64": "uint64", "I64": "sint64", "Sg": "real32", "Db": "real64", "B": "boolean", "C": "char16",
    "S": "string", "DT": "datetime", "TS": "interval", "BA": "uint8[]", "Nil": "string",
}  # fmt: skip
_ARRAYS = {
    "Byte": "uint8", "SByte": "sint8", "UInt16": "uint16", "Int16": "sint16", "UInt32": "uint32",
    "Int32": "sint32", "UInt64": "uint64", "Int64": "sint64", "Single": "real32", "Double": "real64",
    "Boolean": "boolean", "Char": "char16", "String": "string", "Object": "datetime",
    "CimInstance": "instance",
}  # fmt: skip
_KEYS = re.compile(r"(\w+) = (?:\"|-?\d)")


def _number(kind: str) -> Callable[[str], object]:
    return lambda text: Number(
        kind, 0 if text.startswith("{") else int(text)
    )  # a placeholder of the recording


def _date(text: str) -> object:
    if text.startswith("{"):
        return datetime(2026, 1, 1, tzinfo=UTC)
    return CimValue("datetime", text) if "+" in text else datetime.fromisoformat(text)


_READERS: dict[str, Callable[[str], object]] = {
    **{kind: _number(kind) for kind in ("By", "SB", "I16", "U16", "I32", "U32", "I64", "U64")},
    "Nil": lambda _: None,
    "B": lambda text: text == "true",
    "BA": base64.b64decode,
    "Sg": float,
    "Db": float,
    "DT": _date,
    "TS": lambda text: CimValue("interval", text),
}


class Reader:
    """Reads one body; type names and objects are referred to by number inside it."""

    def __init__(self, root: ET.Element) -> None:
        self.types = {
            node.get("RefId", ""): tuple(each.text or "" for each in node) for node in root.iter("TN")
        }
        self.nodes = {node.get("RefId", ""): node for node in root.iter("Obj")}
        self.values: dict[str, object] = {}

    def names(self, node: ET.Element) -> tuple[str, ...]:
        given = node.find("TN")
        given = node.find("TNRef") if given is None else given
        return () if given is None else self.types[given.get("RefId", "")]

    def value(self, node: ET.Element) -> object:
        text = unescape(node.text or "")
        number = node.get("RefId", "")
        if node.tag == "Ref":
            return self.values[number] if number in self.values else self.value(self.nodes[number])
        if node.tag == "Obj":
            self.values[number] = self.object(node)
            return self.values[number]
        return _READERS.get(node.tag, str)(text)

    def object(self, node: ET.Element) -> object:
        names = self.names(node)
        for tag in ("LST", "STK", "QUE", "IE"):
            if (items := node.find(tag)) is not None:
                return [self.value(item) for item in items]
        if (table := node.find("DCT")) is not None:
            return {self.value(entry[0]): self.value(entry[1]) for entry in table}
        text = unescape(node.findtext("ToString") or "")
        if "System.Enum" in names:
            return EnumValue(names[0], text, int(node.findtext("I32", "0")))
        if names[:1] and "CimInstance#" in names[0] and node.find("Props") is not None:
            return self.cim(node, names, text)
        if not names and node.find("S") is not None:
            return PlainObject(("System.String",), {}, self.notes(node, "MS"), node.findtext("S"))
        return PlainObject(names, self.notes(node, "Props"), self.notes(node, "MS"), text or None)

    def notes(self, node: ET.Element, part: str) -> dict[str, object]:
        return {each.get("N", ""): self.value(each) for each in node.findall(f"{part}/*")}

    def cim(self, node: ET.Element, names: tuple[str, ...], text: str) -> CimInstance:
        namespace, _, class_name = names[0].partition("#")[2].rpartition("/")
        rows = {each.get("N", ""): self.cim_value(each) for each in node.findall("Props/*")}
        computer = rows.pop("PSComputerName").value
        skipped = {"__ClassMetadata", "PSShowComputerName"}
        notes = {name: note for name, note in self.notes(node, "MS").items() if name not in skipped}
        keys = tuple(_KEYS.findall(text.partition(" (")[2]))
        return CimInstance(namespace, class_name, rows, keys, notes, str(computer) if computer else None)

    def cim_value(self, node: ET.Element) -> CimValue:
        names = self.names(node)
        if node.tag == "Obj" and "System.Array" not in names:
            return CimValue("instance", self.object(node))
        if node.tag == "Obj":
            kind = _ARRAYS[names[0].rpartition(".")[2].removesuffix("[]")]
            return CimValue(f"{kind}[]", [self.cim_value(item).value for item in node.find("LST") or ()])
        return CimValue(_CIM_KINDS[node.tag], _cim_content(node.tag, unescape(node.text or "")))


def _cim_content(tag: str, text: str) -> object:
    match tag:
        case "Nil":
            return None
        case "BA":
            return list(base64.b64decode(text))
        case "C":
            return chr(int(text))
        case "S" | "DT" | "TS":
            return text
        case "Sg" | "Db":
            return float(text)
    return text == "true" if tag == "B" else int(text)


def unescape(text: str) -> str:
    units = re.sub("_x([0-9A-Fa-f]{4})_", lambda found: chr(int(found.group(1), 16)), text)
    return units.encode("utf-16-le", "surrogatepass").decode("utf-16-le")


def error_of(node: ET.Element, *, remoting: bool) -> ErrorDetails:
    reader = Reader(node)
    names = reader.names(node)
    fields = {each.get("N", ""): each for each in node.findall("MS/*")}
    exception = reader.names(fields["Exception"])

    def text(name: str) -> str:
        return unescape(fields[f"ErrorCategory_{name}"].text or "")

    said = unescape(node.findtext("ToString") or "")
    message = unescape(fields["Exception"].findtext("Props/S[@N='Message']") or said)
    own = fields.get("ErrorDetails_Message")
    return ErrorDetails(
        fqid=unescape(fields["FullyQualifiedErrorId"].text or ""),
        category=Category(int(fields["ErrorCategory_Category"].text or 0)),
        message=message,
        details=said if own is not None and own.text else "",
        exception_types=exception,
        activity=text("Activity"),
        reason=text("Reason"),
        target_name=text("TargetName"),
        target_type=text("TargetType"),
        target_object=reader.value(fields["TargetObject"]),
        remoting=remoting and any("Remoting" in name for name in names),
    )


def parse(text: str) -> ET.Element:
    """The root of a body; recordings and what this host wrote are no foreign XML."""
    return ET.fromstring(text)  # noqa: S314 - see the docstring
