"""WSL's events as facts: only what is the same in every language. Pure: outputs in, plain data out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from wslnet_win_agent.values import text

if TYPE_CHECKING:
    from wslnet_win_agent.bridge import Reply

_RECORD = "System.Diagnostics.Eventing.Reader.EventLogRecord"
_CODE = re.compile(r"CreateInstance(?:/\w+)+")
_MODE = re.compile(r"networkingMode\W+(\w+)")


def wsl_events(reply: Reply) -> list[dict[str, object]]:
    """Give time, error paths and names of modes of each event that has such, newest first."""
    rows = [row for row in reply.outputs if _RECORD in row.type_names]
    found = [(str(row.get("TimeCreated")), text(row.get("Message")) or "") for row in rows]
    return [
        {"at": at, "codes": _CODE.findall(message), "modes": [one.lower() for one in _MODE.findall(message)]}
        for at, message in found
        if _CODE.search(message) or _MODE.search(message)
    ]
