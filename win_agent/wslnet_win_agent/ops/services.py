"""How a service starts and whether it runs: read, at most two writes, read back.

Only the services that WSL's network rests on: what others installed is never touched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet_win_agent.bridge import demand
from wslnet_win_agent.calls import services as calls
from wslnet_win_agent.errors import WindowsAgentError
from wslnet_win_agent.facts.services import services

if TYPE_CHECKING:
    from wslnet_win_agent.host import Host

    from .arguments import Arguments

_STARTS = ("Automatic", "Manual", "Disabled")
_RUNNING = "Running"


def put(host: Host, arguments: Arguments) -> dict[str, object]:
    """Let the service `name` start as `start` says, and run or not (`running`).

    Raises:
        WindowsAgentError: `bad-op` for another service, `not-found`, `not-permitted`, `failed` when it reads
            back otherwise.
    """
    name, start = arguments.text("name"), arguments.text("start")
    running = arguments.flag("running")
    if name not in calls.OF_INTEREST or start not in _STARTS:
        raise WindowsAgentError("bad-op", f"service.set: {name} with start {start} is not what this is for")
    before = _state(host, name)
    if before["start"] != start:
        host.attempt(calls.set_start(name, start), f"start of {name}")
    if (before["state"] == _RUNNING) != running:
        host.attempt(calls.start_service(name) if running else calls.stop_service(name), f"service {name}")
    after = _state(host, name)
    if after["start"] != start or (after["state"] == _RUNNING) != running:
        raise WindowsAgentError("failed", f"service {name} was set and is {after['state']}, {after['start']}")
    return {"before": before, "after": after}


def _state(host: Host, name: str) -> dict[str, object]:
    found = services(demand(host.read([calls.service(name)]), f"service {name}"))
    if not found:
        raise WindowsAgentError("not-found", f"there is no service {name}")
    return {key: found[0][key] for key in ("start", "state")}
