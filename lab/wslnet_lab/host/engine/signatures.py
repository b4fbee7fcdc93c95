"""Command signatures: the trimmed oracle as one reading of a real machine shows it.

Loads package data once per reading and answers look-ups by name. Rules that the documents do not show but
every CDXML command has (ValidateNotNull on queries, no positions by default …) are added here, from
cdxml-facts 2.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from wslnet_lab.host.engine.enums import ACTION_PREFERENCE
from wslnet_lab.host.engine.types import Kind, TypeSpec, parse_type

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

READINGS = ("all", "win11", "win11-early", "win11-21h2", "win2016")
_EARLY = frozenset({"win11-early", "win11-21h2"})
INPUT_OBJECT_SET = "InputObject (cdxml)"
NO_SET = "__AllParameterSets"
_SHOULD_PROCESS = {"WhatIf": ("wi",), "Confirm": ("cf",)}


@dataclass(frozen=True)
class Place:
    """What a parameter is in one set."""

    required: bool
    position: int | None


@dataclass(frozen=True)
class Parameter:
    """One parameter. `own` is false for common ones, WhatIf and Confirm; `query` marks CDXML selectors.

    `checks` are validation attributes of script functions and roles: each gives the reason why it refuses a
    converted value, or None.
    """

    name: str
    aliases: tuple[str, ...]
    type: TypeSpec
    places: Mapping[str, Place]
    pipeline: str = ""
    validation: tuple[str, ...] = ()
    accepted: tuple[str, ...] = ()
    own: bool = True
    common: bool = False
    query: bool = False
    checks: tuple[Callable[[object], str | None], ...] = ()

    @property
    def mandatory_somewhere(self) -> bool:
        """Whether any set requires it: then null and empty are refused in every set."""
        return any(place.required for place in self.places.values())


@dataclass(frozen=True)
class Signature:
    """One command: `sets` in the documents' order; `default_set` None when none is named."""

    name: str
    module: str
    function: bool
    cdxml: bool
    should_process: bool
    tail: str
    sets: tuple[str, ...]
    default_set: str | None
    parameters: Mapping[str, Parameter]


@dataclass(frozen=True)
class Oracle:
    """All commands that one machine has, by lower-case name, and the CIM classes with their properties."""

    reading: str
    commands: Mapping[str, Signature]
    cim_classes: Mapping[str, Any]

    def command(self, name: str) -> Signature | None:
        r"""The command called `name` in any case, or `Module\\name`."""
        module, _, plain = name.rpartition("\\")
        found = self.commands.get(plain.lower())
        if found is None or (module and found.module.lower() != module.lower()):
            return None
        return found


@cache
def load_oracle(reading: str = "win11") -> Oracle:
    """Loads the signatures as a reading shows them.

    Args:
        reading: `win11` (August 2025), `win11-early` (22H2: only what the documents knew too, windows-facts
            12), `win11-21h2` (the same before the Hyper-V firewall), `win2016`, or `all` (every command and
            parameter seen anywhere or documented).

    Raises:
        ValueError: No such reading.
    """
    if reading not in READINGS:
        raise ValueError(f"no reading of a machine is called {reading!r}; there are {', '.join(READINGS)}")
    text = resources.files(__package__).joinpath("cmdlets.json").read_text(encoding="utf-8")
    data = json.loads(text)
    commands = {
        name.lower(): _signature(name, entry, reading)
        for name, entry in data["cmdlets"].items()
        if _has_command(name, entry, reading)
    }
    return Oracle(reading, commands, data["cim_classes"])


def _has_command(name: str, entry: Mapping[str, Any], reading: str) -> bool:
    if reading == "all":
        return True
    if reading in _EARLY and not any(
        "docs" in value.get("seen", ()) for value in entry["parameters"].values()
    ):
        # Exit-PSSession has no parameters; the two that no document knows are newer.
        return not entry["parameters"]
    if reading == "win11-21h2" and "-NetFirewallHyperV" in name:
        return False
    return reading.partition("-")[0] in entry["read_on"]


def _present(entry: Mapping[str, Any], reading: str) -> bool:
    seen = entry.get("seen")
    if reading == "all" or seen is None:
        return True
    return reading.partition("-")[0] in seen and (reading not in _EARLY or "docs" in seen)


def _signature(name: str, entry: Mapping[str, Any], reading: str) -> Signature:
    sets = tuple(item["name"] for item in entry["sets"] if item["name"] != NO_SET)
    default = next(
        (item["name"] for item in entry["sets"] if item["default"] and item["name"] != NO_SET), None
    )
    parameters = {
        key: _parameter(key, value, name, entry)
        for key, value in entry["parameters"].items()
        if _present(value, reading)
    }
    parameters |= COMMON
    return Signature(
        name=name,
        module=entry["module"],
        function=entry["type"] == "Function",
        cdxml=entry["cdxml"],
        should_process=entry["should_process"],
        tail=entry["tail"],
        sets=sets,
        default_set=default,
        parameters=parameters,
    )


def _parameter(name: str, value: Mapping[str, Any], command: str, entry: Mapping[str, Any]) -> Parameter:
    accepted = tuple(value.get("values", ()))
    spec = parse_type(value["type"], accepted, module=entry["module"], command=command)
    places = {
        item["name"]: Place(*item["parameters"][name]) for item in entry["sets"] if name in item["parameters"]
    }
    query = _is_query(spec, set(places), command, entry)
    validation = tuple(value.get("validation", ()))
    if query or name == "InputObject":
        validation += ("ValidateNotNull",) if entry["cdxml"] else ()
    if name == "CimSession" and entry["cdxml"]:
        validation += ("ValidateNotNullOrEmpty",)
    return Parameter(
        name=name,
        aliases=_SHOULD_PROCESS.get(name) or tuple(value.get("aliases", ())),
        type=spec,
        places=places,
        pipeline=value.get("pipeline", ""),
        validation=validation,
        accepted=accepted if spec.kind is Kind.TEXT else (),
        own=name not in _SHOULD_PROCESS,
        query=query,
    )


def _is_query(spec: TypeSpec, sets: set[str], command: str, entry: Mapping[str, Any]) -> bool:
    """Selectors of CDXML commands are lists that the InputObject set lacks (cdxml-facts 2).

    Commands that neither get nor take InputObject work without rows: their lists are written.
    """
    with_rows = command.startswith("Get-") or any(item["name"] == INPUT_OBJECT_SET for item in entry["sets"])
    return (
        bool(entry["cdxml"])
        and with_rows
        and spec.depth > 0
        and spec.kind is not Kind.CIM_INSTANCE
        and spec.kind is not Kind.CIM_SESSION
        and INPUT_OBJECT_SET not in sets
    )


def _common() -> dict[str, Parameter]:
    action = TypeSpec(Kind.ENUM, ACTION_PREFERENCE.type_name, enum=ACTION_PREFERENCE)
    switch = TypeSpec(Kind.SWITCH, "System.Management.Automation.SwitchParameter")
    text = TypeSpec(Kind.TEXT, "System.String")
    number = TypeSpec(Kind.INTEGER, "System.Int32", bounds=(-(2**31), 2**31 - 1))
    not_empty = ("ValidateNotNullOrEmpty",)
    rows: tuple[tuple[str, str, TypeSpec, tuple[str, ...]], ...] = (
        ("Debug", "db", switch, ()),
        ("ErrorAction", "ea", action, ()),
        ("ErrorVariable", "ev", text, not_empty),
        ("InformationAction", "infa", action, ()),
        ("InformationVariable", "iv", text, not_empty),
        ("OutBuffer", "ob", number, ("ValidateRange(0,2147483647)",)),
        ("OutVariable", "ov", text, not_empty),
        ("PipelineVariable", "pv", text, not_empty),
        ("Verbose", "vb", switch, ()),
        ("WarningAction", "wa", action, ()),
        ("WarningVariable", "wv", text, not_empty),
    )
    return {
        name: Parameter(name, (alias,), spec, {}, validation=validation, own=False, common=True)
        for name, alias, spec, validation in rows
    }


COMMON = _common()
"""The common parameters that every command with cmdlet binding has."""
