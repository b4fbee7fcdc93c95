"""Get-Command: what commands this machine has, answered from the oracle's reading.

Absent names are non-terminating errors, absent patterns are silent (psrp-facts 10). The text of functions is
left out: nothing of the product reads it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet_lab.host.contract import Category, EnumValue, ErrorDetails, PlainObject
from wslnet_lab.host.engine.wildcards import is_pattern, matches

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet_lab.host.contract import BoundCall, Command, Sink
    from wslnet_lab.host.engine.signatures import Oracle, Signature

_SMA = "System.Management.Automation"
_FUNCTION, _CMDLET = 2, 8


def get_command(oracle: Oracle) -> Command:
    """The body of Get-Command over `oracle`."""

    def body(call: BoundCall, sink: Sink) -> Iterator[object]:
        names = _texts(call, "Name") or ["*"]
        for name in names:
            found = [item for item in oracle.commands.values() if matches(name, item.name)]
            if not found and not is_pattern(name):
                sink.error(absent(name))
            yield from (_described(item) for item in found if _wanted(item, call))

    return body


def _texts(call: BoundCall, parameter: str) -> list[str]:
    value = call.parameters.get(parameter)
    return [str(item) for item in value] if isinstance(value, list) else []


def _wanted(signature: Signature, call: BoundCall) -> bool:
    verb, _, noun = signature.name.partition("-")
    for parameter, held in (("Module", signature.module), ("Verb", verb), ("Noun", noun)):
        asked = _texts(call, parameter)
        if asked and not any(matches(pattern, held) for pattern in asked):
            return False
    kind = call.parameters.get("CommandType")
    if isinstance(kind, EnumValue):
        return bool(kind.number & (_FUNCTION if signature.function else _CMDLET))
    return True


def _described(signature: Signature) -> PlainObject:
    verb, _, noun = signature.name.partition("-")
    kind = "Function" if signature.function else "Cmdlet"
    return PlainObject(
        (f"{_SMA}.{kind}Info", f"{_SMA}.CommandInfo", "System.Object"),
        {
            "Verb": verb,
            "Noun": noun,
            "DefaultParameterSet": signature.default_set,
            "Definition": "",
            "Name": signature.name,
            "CommandType": kind,
            "Source": signature.module,
            "Visibility": "Public",
            "ModuleName": signature.module,
            "Module": signature.module,
            "RemotingCapability": "PowerShell",
            "Parameters": dict.fromkeys(signature.parameters, f"{_SMA}.ParameterMetadata"),
        },
        to_string=signature.name,
    )


def absent(name: str) -> ErrorDetails:
    """The error for a name that nothing has."""
    types = (f"{_SMA}.CommandNotFoundException", f"{_SMA}.RuntimeException")
    return ErrorDetails(
        fqid="CommandNotFoundException,Microsoft.PowerShell.Commands.GetCommandCommand",
        category=Category.OBJECT_NOT_FOUND,
        message=f"The term '{name}' is not recognized as the name of a cmdlet, function or program.",
        exception_types=types,
        activity="Get-Command",
        reason="CommandNotFoundException",
        target_name=name,
        target_type="String",
        target_object=name,
    )
