"""Services as facts. Pure: outputs in, plain data out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet_win_agent.values import named, text

if TYPE_CHECKING:
    from wslnet_win_agent.bridge import Reply

_CONTROLLER = "System.ServiceProcess.ServiceController"
# System.ServiceProcess: enums cross as numbers or as names, by runspace (windows-facts 1.2).
_STATES = {
    1: "Stopped",
    2: "StartPending",
    3: "StopPending",
    4: "Running",
    5: "ContinuePending",
    6: "PausePending",
    7: "Paused",
}
_STARTS = {0: "Boot", 1: "System", 2: "Automatic", 3: "Manual", 4: "Disabled"}


def services(reply: Reply) -> list[dict[str, object]]:
    """Give name, state and start type of each service; `start` is None where Windows does not tell it."""
    return [
        {
            "name": text(row.get("ServiceName")) or text(row.get("Name")) or "",
            "state": named(row.get("Status"), _STATES),
            "start": named(row.get("StartType"), _STARTS),
        }
        for row in reply.outputs
        if _CONTROLLER in row.type_names
    ]
