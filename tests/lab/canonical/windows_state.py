"""Windows as it lies on the stand-in's disk: firewall, registry (portproxy in it), services, tasks, WSL.

Read from the files that the Windows host keeps, never through wslnet. Forgotten: when a task was registered,
when it ran and with what result, how its XML is laid out (an undo registers an export, which has another
order and leaves out defaults), the clocks of WSL's idle stop, logs, and the copy of the `.wslconfig` before
the last write, which wslnet keeps beside it on purpose (docs/adr/0008); who owned what is not there any more,
and values that are written down as what they are without being written.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from .files import LOCKS, read_files
from .parts import words

if TYPE_CHECKING:
    from pathlib import Path

    from .parts import Parts

_BACKUP = "/.wslconfig.wslnet-bak"
_STATES = ("acl", "boot", "firewall", "network", "registry", "services", "tasks")
_PASSING = {"boot": frozenset({"wsl_idle"})}
_PASSING_OF_TASKS = frozenset({"last_run", "last_result", "since"})
_DEFAULTS: dict[str, dict[str, tuple[str, int]]] = {
    "boot": {"interfaces": ("Forwarding", 0)},
    "network": {"interfaces": ("Forwarding", 0)},
    "firewall": {"settings": ("DefaultInboundAction", 0)},
}
_DEPTH = {"acl": 1, "boot": 3, "firewall": 2, "network": 1, "registry": 2, "services": 1, "tasks": 1}
"""How many levels of a state become parts of their own, for readable differences."""


def read_windows(folder: Path) -> Parts:
    """All of it; `folder` is that of the Windows host in the lab's own."""
    files = read_files(folder / "C", None, "C:")
    found = {name: lines for name, lines in files.items() if not name.endswith(_BACKUP)}
    for state in _STATES:
        file = folder / f"{state}.json"
        data = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
        kept = {key: value for key, value in data.items() if key not in _PASSING.get(state, ())}
        if state == "acl":
            there = {
                f"c:\\{path.relative_to(folder / 'C')}".replace("/", "\\").lower() for path in _all(folder)
            }
            there -= {lock.replace("/", "\\").lower() for lock in LOCKS}
            kept = {path: one for path, one in kept.items() if path in there}
        for group, default in _DEFAULTS.get(state, {}).items():
            kept[group] = _without(kept.get(group, {}), default)
        if state == "tasks":
            kept = {name: _at_rest(row) for name, row in kept.items()}
        found |= _flat(state, kept, _DEPTH[state])
    return found


def _all(folder: Path) -> list[Path]:
    return list((folder / "C").rglob("*"))


def _without(rows: dict[str, dict[str, Any]], default: tuple[str, int]) -> dict[str, dict[str, Any]]:
    """Rows without the value that says nothing, and none in which nothing else but a name stands."""
    kept = {
        key: {name: value for name, value in row.items() if (name, value) != default}
        for key, row in rows.items()
    }
    return {key: row for key, row in kept.items() if set(row) - {"Name"}}


def _at_rest(task: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in task.items() if key not in _PASSING_OF_TASKS}
    xml = ET.fromstring(task["xml"])  # noqa: S314 - written by the stand-in, in the lab's own folder
    return {**kept, "xml": _said(xml)}


def _said(element: ET.Element) -> list[object]:
    """What an element of a task says, whatever the order; that a trigger is on goes without saying."""
    name = element.tag.rpartition("}")[2]
    inside = [_said(child) for child in element]
    inside = [one for one in inside if one != ["Enabled", {}, "true", []]]
    return [name, dict(sorted(element.items())), (element.text or "").strip(), sorted(inside, key=str)]


def _flat(name: str, value: object, depth: int) -> Parts:
    if depth and isinstance(value, dict):
        found: Parts = {}
        for key, one in value.items():
            found |= _flat(f"{name} {key}", one, depth - 1)
        return found
    if isinstance(value, list):
        return {name: tuple(words(one) for one in value)}
    return {name: (words(value),)}
