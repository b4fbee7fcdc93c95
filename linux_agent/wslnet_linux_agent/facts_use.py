"""Facts `sessions` and `containers`: who uses the machine now, and so is cut when it goes down.

Asked for only before a restart, so it is sent on demand and not part of the bundle.
"""

import json
import os
import pwd

from wslnet_linux_agent import shell

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_TERMINALS = "/dev/pts"
_ENGINES = ("docker", "podman")
# An engine that does not answer must not hold up the plan.
_TIMEOUT_S = 5.0


def sessions() -> "list[dict[str, Any]]":
    """Logins that `who` knows, and terminals that it does not: WSL writes no login records for its own."""
    found = []
    if shell.find("who"):
        for line in shell.run(["who"], _TIMEOUT_S).text().split("\n"):
            words = line.split()
            if len(words) > 1:
                origin = words[-1][1:-1] if words[-1].startswith("(") else None
                found.append({"user": words[0], "terminal": words[1], "origin": origin})
    known = {session["terminal"] for session in found}
    numbers = sorted(os.listdir(_TERMINALS) if os.path.isdir(_TERMINALS) else ())
    return found + [
        {"user": _owner(number), "terminal": "pts/" + number, "origin": None}
        for number in numbers
        if number.isdigit() and "pts/" + number not in known
    ]


def _owner(number: "str") -> "str | None":
    try:
        return pwd.getpwuid(os.stat(os.path.join(_TERMINALS, number)).st_uid).pw_name
    except (OSError, KeyError):
        # It was closed meanwhile, or its user has no name here.
        return None


def containers() -> "list[dict[str, Any]]":
    """Running containers of every engine that answers."""
    engines = [engine for engine in _ENGINES if shell.find(engine)]
    asked = shell.run_all([[engine, "ps", "--format", "{{json .}}"] for engine in engines], _TIMEOUT_S)
    # An engine that is installed and not running has no containers that could be cut.
    return [
        _container(engine, json.loads(line))
        for engine, outcome in zip(engines, asked)
        if outcome.code == 0
        for line in outcome.text().split("\n")
        if line.strip()
    ]


def _container(engine: "str", said: "dict[str, Any]") -> "dict[str, Any]":
    names = said.get("Names") or ""
    name = names[0] if isinstance(names, list) and names else names
    return {"engine": engine, "name": str(name), "image": str(said.get("Image") or "")}
