#!/usr/bin/env python3
"""Trims ../shared/facts/cmdlets.json to what the lab's binder and the product's call table need.

The result is package data of both (they share no code, so each has its copy of the same content). Run it
after the oracle changed; a test compares the copies with the oracle.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TARGETS = (
    ROOT / "lab/wslnet_lab/host/engine/cmdlets.json",
    ROOT / "win_agent/wslnet_win_agent/cmdlets.json",
)
_PIPELINE = {
    "True (ByValue)": "value",
    "True (ByPropertyName)": "property",
    "True (ByPropertyName, ByValue)": "both",
}
_Json = dict[str, Any]


def trim(oracle: _Json) -> _Json:
    """What is kept: signatures, what each reading of a machine shows, CIM types and values."""
    return {
        "commits": oracle["commits"],
        "readings": oracle["readings"],
        "cmdlets": {name: _cmdlet(cmdlet) for name, cmdlet in sorted(oracle["cmdlets"].items())},
        "cim_classes": {name: _cim_class(entry) for name, entry in sorted(oracle["cim_classes"].items())},
    }


def _cmdlet(cmdlet: _Json) -> _Json:
    variants: dict[str, list[_Json]] = {}
    for entry in cmdlet["parameter_sets"]:
        # The documents split one real set per provider (Path- FileSystem provider …).
        variants.setdefault(entry.get("engine_set") or entry["name"], []).append(entry)
    sets = {name: _set(name, entries) for name, entries in variants.items()}
    _add_parameters_without_set(cmdlet, sets)
    return {
        "module": cmdlet["module"],
        "type": cmdlet["command_type"],
        "cdxml": cmdlet["implementation"] == "cdxml",
        "should_process": cmdlet["should_process"],
        "tail": cmdlet.get("fqid_tail") or cmdlet["name"],
        "read_on": cmdlet["read_on"],
        "sets": list(sets.values()),
        "parameters": {entry["name"]: _parameter(entry, cmdlet) for entry in cmdlet["parameters"]},
    }


def _set(name: str, variants: list[_Json]) -> _Json:
    parameters: dict[str, list[object]] = {}
    for parameter in dict.fromkeys(key for entry in variants for key in entry["parameters"]):
        places = [entry["parameters"].get(parameter) for entry in variants]
        positions = [place["position"] for place in places if place and place["position"] is not None]
        # What only one provider requires is a dynamic parameter of that provider: not the command's own.
        required = all(place is not None and place["required"] for place in places)
        parameters[parameter] = [required, positions[0] if positions else None]
    return {"name": name, "default": any(entry["default"] for entry in variants), "parameters": parameters}


def _add_parameters_without_set(cmdlet: _Json, sets: dict[str, _Json]) -> None:
    """Dynamic parameters and a few that SYNTAX forgets are in no set: they go with every set."""
    for entry in cmdlet["parameters"]:
        if not any(entry["name"] in merged["parameters"] for merged in sets.values()):
            for merged in sets.values():
                merged["parameters"][entry["name"]] = [False, None]


def _parameter(entry: _Json, cmdlet: _Json) -> _Json:
    values = entry["accepted_values"] or _values_in_sets(entry["name"], cmdlet)
    kept = {
        "type": entry["type"],
        "aliases": entry["aliases"],
        "values": values,
        "pipeline": _PIPELINE.get(entry["pipeline_input"] or ""),
        "seen": entry.get("seen"),
        "validation": entry.get("engine_validation"),
    }
    return {key: value for key, value in kept.items() if value}


def _values_in_sets(name: str, cmdlet: _Json) -> list[str]:
    for entry in cmdlet["parameter_sets"]:
        place = entry["parameters"].get(name, {})
        # On text parameters these come from a neighbour in the SYNTAX line; text has values only in the
        # yaml block.
        if place.get("values") and not place["type"].lower().endswith(("string", "string[]", "boolean")):
            return list(place["values"])
    return []


def _cim_class(entry: _Json) -> _Json:
    return {
        "namespace": entry["namespace"],
        "properties": {
            name: {"type": prop["cim_type"]} | ({"values": prop["values"]} if prop["values"] else {})
            for name, prop in entry["properties"].items()
        },
    }


def render(trimmed: _Json) -> str:
    """JSON text with one cmdlet or class a line, so that a change shows as a short diff."""
    parts = []
    for key, value in trimmed.items():
        if key in {"cmdlets", "cim_classes"}:
            lines = ",\n".join(f"  {json.dumps(name)}: {_compact(item)}" for name, item in value.items())
            parts.append(f" {json.dumps(key)}: {{\n{lines}\n }}")
        else:
            parts.append(f" {json.dumps(key)}: {_compact(value)}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def main(arguments: list[str]) -> int:
    """Writes both copies; the only argument is the oracle's path (default ../shared/facts/cmdlets.json)."""
    source = Path(arguments[0]) if arguments else ROOT.parent / "shared/facts/cmdlets.json"
    try:
        oracle = json.loads(source.read_text(encoding="utf-8"))
    except OSError as error:
        print(f"trim_cmdlets: {source}: {error.strerror}", file=sys.stderr)  # noqa: T201 - a script
        return 2
    text = render(trim(oracle))
    for target in TARGETS:
        target.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
