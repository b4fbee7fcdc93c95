"""Turns `contract` values into CLIXML as the engine does (psrp-facts 5, cdxml-facts 6).

One `Encoder` serves one pipeline, because a class's declaration crosses only with its first object there.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from wslnet_lab.host.contract import CimInstance, CimValue, EnumValue, Number, PlainObject
from wslnet_lab.host.wire import clixml, mixml
from wslnet_lab.host.wire.clixml import Writer

_CIM_BASE = "Microsoft.Management.Infrastructure.CimInstance"
_GENERATED = "Microsoft.PowerShell.Cmdletization.GeneratedTypes"
_ARRAY_TYPES = ("System.Object[]", "System.Array", "System.Object")
_INT32 = range(-(2**31), 2**31)

_CIM_TAGS = {
    "uint8": ("By", "System.Byte[]"),
    "sint8": ("SB", "System.SByte[]"),
    "uint16": ("U16", "System.UInt16[]"),
    "sint16": ("I16", "System.Int16[]"),
    "uint32": ("U32", "System.UInt32[]"),
    "sint32": ("I32", "System.Int32[]"),
    "uint64": ("U64", "System.UInt64[]"),
    "sint64": ("I64", "System.Int64[]"),
    "real32": ("Sg", "System.Single[]"),
    "real64": ("Db", "System.Double[]"),
    "boolean": ("B", "System.Boolean[]"),
    "char16": ("C", "System.Char[]"),
    "string": ("S", "System.String[]"),
    "datetime": ("DT", "System.Object[]"),
    "interval": ("TS", "System.Object[]"),
    "instance": ("Obj", _CIM_BASE + "[]"),
    "reference": ("Obj", _CIM_BASE + "[]"),
}


class Encoder:
    """Writes values into documents and remembers which classes the client was told of."""

    def __init__(self, server_name: str = "WINDOWS", friendly: str = "text", user: str = "user") -> None:
        """Takes the name the host gives itself, how CIM enums look beside raw values, and who is served.

        `friendly`: `text` where the module's types file is loaded, `none` where it is not, `objects` where
        enums cross as objects (cdxml-facts 1.8).
        """
        self.server_name = server_name
        self.user = user
        self._friendly = friendly
        self._classes: dict[tuple[str, str], int] = {}

    def document(self, value: object) -> str:
        """The whole CLIXML of one output object; empty text for null (a PipelineOutput without body)."""
        if value is None:
            return ""
        writer = Writer()
        self.write(writer, value)
        return writer.text()

    def write(self, writer: Writer, value: object, name: str | None = None, *, whole: bool = True) -> None:
        """Writes one value; an object that the document holds already becomes a reference.

        `whole` False is what the engine does inside another object's own properties: objects and enums
        become their text (depth 1), while collections and PSCustomObjects cost no depth. Raises TypeError
        for a value that `contract` does not name.
        """
        known = writer.number_of(value)
        if known is None:
            self._write_new(writer, value, name, whole=whole)
        else:
            writer.reference(known, name)

    def _write_new(self, writer: Writer, value: object, name: str | None, *, whole: bool) -> None:
        match value:
            case None:
                writer.nil(name)
            case CimInstance():
                self._write_cim(writer, value, name)
            case EnumValue() if whole:
                writer.enum(value.type_name, value.name, value.number, name)
            case EnumValue():
                writer.string(value.name, name)
            case PlainObject() if whole or _is_custom(value):
                self._write_plain(writer, value, name, whole=whole)
            case PlainObject():
                writer.string(_text_of(value), name)
            case Mapping():
                self._write_table(writer, value, name, whole=whole)
            case list() | tuple():
                self._write_list(writer, value, name, whole=whole)
            case CimValue():
                self.write_cim_value(writer, value, name)
            case _:
                write_primitive(writer, value, name)

    def write_cim_value(self, writer: Writer, value: CimValue, name: str | None = None) -> None:
        """Writes a CIM property's value with the tag of its CIM type (cdxml-facts 6)."""
        cim_type = value.cim_type.removesuffix("[]").lower()
        tag, array = _CIM_TAGS.get(cim_type, ("S", "System.String[]"))
        if value.value is None:
            writer.nil(name)
        elif not value.cim_type.endswith("[]"):
            self._write_cim_scalar(writer, tag, value.value, name)
        elif tag == "By":
            content = bytes(_number(item) for item in _items(value.value))
            writer.leaf("BA", base64.b64encode(content).decode(), name)
        else:
            with writer.obj(name, (array, "System.Array", "System.Object")), writer.element("LST"):
                for item in _items(value.value):
                    self._write_cim_scalar(writer, tag, item, None)

    def _write_cim_scalar(self, writer: Writer, tag: str, value: object, name: str | None) -> None:
        if value is None:
            writer.nil(name)
        elif tag == "Obj" or isinstance(value, (timedelta, datetime)):
            self.write(writer, value, name)
        elif tag == "B":
            writer.leaf(tag, "true" if value else "false", name)
        elif tag in ("Sg", "Db") and isinstance(value, (int, float)):
            writer.leaf(tag, clixml.float_text(float(value)), name)
        elif isinstance(value, (int, Number, EnumValue)):
            writer.leaf(tag, str(_number(value)), name)
        elif tag == "C":
            writer.leaf(tag, str(ord(str(value)[:1] or "\0")), name)
        else:
            writer.string(str(value), name, tag)

    def _write_cim(self, writer: Writer, value: CimInstance, name: str | None) -> None:
        types = (
            f"{_CIM_BASE}#{value.namespace}/{value.class_name}",
            f"{_CIM_BASE}#{value.class_name}",
            _CIM_BASE,
            "System.Object",
        )
        with writer.obj(name, types, value):
            writer.string(str(value), tag="ToString")
            with writer.element("Props"):
                for prop, property_value in value.properties.items():
                    self.write_cim_value(writer, property_value, prop)
                self.write(writer, value.computer_name, "PSComputerName")
            with writer.element("MS"):
                if value.computer_name is not None:
                    writer.leaf("B", "true", "PSShowComputerName")
                self._write_class(writer, value)
                for note, content in self._notes_of(value).items():
                    self.write(writer, content, note)

    def _notes_of(self, value: CimInstance) -> Mapping[str, object]:
        if self._friendly == "none":
            return {}
        if self._friendly == "objects":
            return {name: _enum_of(value, name, note) for name, note in value.friendly.items()}
        return value.friendly

    def _write_class(self, writer: Writer, value: CimInstance) -> None:
        known = (value.namespace, value.class_name)
        declaration = None
        if known not in self._classes:
            declaration = mixml.declare(value)
            self._classes[known] = zlib.crc32(declaration.encode()) - 2**31
        types = ("System.Collections.ArrayList", "System.Object")
        with (
            writer.obj("__ClassMetadata", types),
            writer.element("LST"),
            writer.obj(),
            writer.element("MS"),
        ):
            writer.string(value.class_name, "ClassName")
            writer.string(value.namespace, "Namespace")
            writer.string(self.server_name, "ServerName")
            writer.leaf("I32", str(self._classes[known]), "Hash")
            if declaration is not None:
                writer.string(declaration, "MiXml")

    def _write_plain(self, writer: Writer, value: PlainObject, name: str | None, *, whole: bool) -> None:
        extended_text = value.type_names[:1] == ("System.String",) and not value.properties
        with writer.obj(name, () if extended_text else value.type_names, value):
            if extended_text:
                writer.string(_text_of(value))
            elif value.to_string is not None or value.properties:
                writer.string(_text_of(value), tag="ToString")
            if value.properties:
                with writer.element("Props"):
                    for prop, content in value.properties.items():
                        self.write(writer, content, prop, whole=False)
            if value.notes:
                with writer.element("MS"):
                    for note, content in value.notes.items():
                        self.write(writer, content, note, whole=whole)

    def _write_table(
        self, writer: Writer, value: Mapping[object, object], name: str | None, *, whole: bool
    ) -> None:
        with writer.obj(name, ("System.Collections.Hashtable", "System.Object"), value):
            if not value:
                writer.empty("DCT")
                return
            with writer.element("DCT"):
                for key, content in value.items():
                    with writer.element("En"):
                        self.write(writer, key, "Key", whole=whole)
                        self.write(writer, content, "Value", whole=whole)

    def _write_list(self, writer: Writer, value: Sequence[object], name: str | None, *, whole: bool) -> None:
        with writer.obj(name, _ARRAY_TYPES, value):
            if not value:
                writer.empty("LST")
                return
            with writer.element("LST"):
                for item in value:
                    self.write(writer, item, whole=whole)


def write_primitive(writer: Writer, value: object, name: str | None = None) -> None:
    """Writes a value that is one tag; raises TypeError for anything else."""
    match value:
        case bool():
            writer.leaf("B", "true" if value else "false", name)
        case int():
            writer.leaf("I32" if value in _INT32 else "I64", str(value), name)
        case float():
            writer.leaf("Db", clixml.float_text(value), name)
        case str():
            writer.string(value, name)
        case bytes():
            writer.leaf("BA", base64.b64encode(value).decode(), name)
        case timedelta():
            writer.leaf("TS", clixml.interval_text(value), name)
        case datetime():
            writer.leaf("DT", clixml.datetime_text(value), name)
        case Number():
            writer.leaf(value.kind, str(value.value), name)
        case _:
            raise TypeError(f"no CLIXML form for {type(value).__name__}")


def _enum_of(value: CimInstance, name: str, note: object) -> object:
    """The enum object behind a friendly text, if the property's raw value is a number."""
    raw = value.properties.get(name)
    if raw is None or not isinstance(raw.value, int) or not isinstance(note, str):
        return note
    noun = value.class_name.removeprefix("MSFT_")
    return EnumValue(f"{_GENERATED}.{noun}.{name}", note, raw.value)


def _is_custom(value: PlainObject) -> bool:
    return not value.properties and any("PSCustomObject" in name for name in value.type_names)


def _text_of(value: PlainObject) -> str:
    return value.to_string if value.to_string is not None else value.type_names[0]


def _items(value: object) -> Sequence[object]:
    if isinstance(value, (list, tuple, bytes)):
        return value
    return [value]


def _number(value: object) -> int:
    match value:
        case Number():
            return value.value
        case EnumValue():
            return value.number
        case int():
            return int(value)
    raise TypeError(f"not an integer: {value!r}")
