"""Parameter types: the oracle's type names read into what the conversions distinguish.

Names come in two spellings in the documents (`String[]`, `System.String[]`, `string[]`); one parser
settles that.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from wslnet_lab.host.engine.enums import Enumeration, enumeration

if TYPE_CHECKING:
    from collections.abc import Mapping


class Kind(Enum):
    """What a type is to the conversions. `OPAQUE` takes no value that can cross as plain data."""

    TEXT = "text"
    INTEGER = "integer"
    REAL = "real"
    BOOLEAN = "boolean"
    SWITCH = "switch"
    ENUM = "enum"
    TIME_SPAN = "timespan"
    DATE_TIME = "datetime"
    GUID = "guid"
    VERSION = "version"
    XML = "xml"
    TABLE = "table"
    OBJECT = "object"
    CIM_INSTANCE = "ciminstance"
    CIM_SESSION = "cimsession"
    ADDRESS = "ipaddress"
    OPAQUE = "opaque"


@dataclass(frozen=True)
class TypeSpec:
    """A parameter's type: element kind, array depth, and what the kind needs (range, enum, CIM class)."""

    kind: Kind
    name: str
    depth: int = 0
    bounds: tuple[int, int] = (0, 0)
    enum: Enumeration | None = None
    cim_class: str | None = None

    @property
    def full_name(self) -> str:
        """The .NET name for messages, with its array brackets."""
        return self.name + "[]" * self.depth

    def element(self) -> TypeSpec:
        """The type of one element of an array type."""
        return TypeSpec(self.kind, self.name, self.depth - 1, self.bounds, self.enum, self.cim_class)


_INTEGERS: Mapping[str, tuple[str, int, int]] = {
    "byte": ("System.Byte", 0, 2**8 - 1),
    "uint16": ("System.UInt16", 0, 2**16 - 1),
    "int32": ("System.Int32", -(2**31), 2**31 - 1),
    "int": ("System.Int32", -(2**31), 2**31 - 1),
    "uint32": ("System.UInt32", 0, 2**32 - 1),
    "int64": ("System.Int64", -(2**63), 2**63 - 1),
}
_SIMPLE: Mapping[str, tuple[Kind, str]] = {
    "string": (Kind.TEXT, "System.String"),
    "uri": (Kind.TEXT, "System.Uri"),
    "wildcardpattern": (Kind.TEXT, "System.Management.Automation.WildcardPattern"),
    "type": (Kind.TEXT, "System.Type"),
    "pstypename": (Kind.TEXT, "System.Management.Automation.PSTypeName"),
    "double": (Kind.REAL, "System.Double"),
    "boolean": (Kind.BOOLEAN, "System.Boolean"),
    "switchparameter": (Kind.SWITCH, "System.Management.Automation.SwitchParameter"),
    "timespan": (Kind.TIME_SPAN, "System.TimeSpan"),
    "datetime": (Kind.DATE_TIME, "System.DateTime"),
    "guid": (Kind.GUID, "System.Guid"),
    "net.ipaddress": (Kind.ADDRESS, "System.Net.IPAddress"),
    "version": (Kind.VERSION, "System.Version"),
    "xmldocument": (Kind.XML, "System.Xml.XmlDocument"),
    "hashtable": (Kind.TABLE, "System.Collections.Hashtable"),
    "idictionary": (Kind.TABLE, "System.Collections.IDictionary"),
    "object": (Kind.OBJECT, "System.Object"),
    "psobject": (Kind.OBJECT, "System.Management.Automation.PSObject"),
    "cimsession": (Kind.CIM_SESSION, "Microsoft.Management.Infrastructure.CimSession"),
    "ciminstance": (Kind.CIM_INSTANCE, "Microsoft.Management.Infrastructure.CimInstance"),
    "scriptblock": (Kind.OPAQUE, "System.Management.Automation.ScriptBlock"),
    "pscredential": (Kind.OPAQUE, "System.Management.Automation.PSCredential"),
    "process": (Kind.OPAQUE, "System.Diagnostics.Process"),
    "stream": (Kind.OPAQUE, "System.IO.Stream"),
    "pssession": (Kind.OPAQUE, "System.Management.Automation.Runspaces.PSSession"),
    "cimclass": (Kind.OPAQUE, "Microsoft.Management.Infrastructure.CimClass"),
    "pssessiontypeoption": (Kind.OPAQUE, "System.Management.Automation.PSSessionTypeOption"),
    "pstransportoption": (Kind.OPAQUE, "System.Management.Automation.PSTransportOption"),
}


def parse_type(text: str, values: tuple[str, ...], *, module: str, command: str) -> TypeSpec:
    """Reads an oracle type name; unknown types take any object, as the stand-ins of corpus/binder do."""
    name = text.removeprefix("System.Management.Automation.").removeprefix("System.")
    depth = 0
    while name.endswith("[]"):
        name = name[:-2]
        depth += 1
    lowered = name.lower()
    if lowered in _INTEGERS:
        full, low, high = _INTEGERS[lowered]
        return TypeSpec(Kind.INTEGER, full, depth, bounds=(low, high))
    if lowered.startswith("ciminstance#"):
        kind, full = _SIMPLE["ciminstance"]
        return TypeSpec(kind, full, depth, cim_class=name.partition("#")[2])
    # `Type` is the CIM enum of New-NetIPAddress when it has values, else .NET's.
    enum = enumeration(module, command, name, values) if lowered not in {"string", "boolean"} else None
    if enum is not None:
        return TypeSpec(Kind.ENUM, enum.type_name, depth, enum=enum)
    if lowered in _SIMPLE:
        kind, full = _SIMPLE[lowered]
        return TypeSpec(kind, full, depth)
    return TypeSpec(Kind.OBJECT, "System.Object", depth)
