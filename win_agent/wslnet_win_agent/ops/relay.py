"""The task that carries one published UDP port: registered, and running as it was registered last."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from wslnet_win_agent.boot.relay_task import port_of
from wslnet_win_agent.boot.task import FOLDER
from wslnet_win_agent.calls import network as network_calls
from wslnet_win_agent.calls import tasks as calls
from wslnet_win_agent.errors import WindowsAgentError
from wslnet_win_agent.facts import network
from wslnet_win_agent.facts.boot import RUNNING, task_states

from . import tasks

if TYPE_CHECKING:
    from wslnet_win_agent.host import Host

    from .arguments import Arguments

_WITHIN_S = 5.0
HEARD_WITHIN_S = 15.0
_LOOK_EVERY_S = 0.25


def put(host: Host, arguments: Arguments) -> dict[str, object]:
    """Register the task and let it run as it now is: a run of an earlier form is ended first.

    Raises:
        WindowsAgentError: `bad-op` for a name of another task, `exists` for a task that wslnet did not make,
            `failed` when it does not read back or does not run.
    """
    name = _name(arguments)
    registered = tasks.register(host, arguments)
    if task_states(host).get(name) == RUNNING:
        host.attempt(calls.stop(name), f"stopping {FOLDER}{name}")
        _await(host, name, runs=False)
    host.attempt(calls.start(name), f"starting {FOLDER}{name}")
    if not _await(host, name, runs=True):
        raise WindowsAgentError("failed", f"{FOLDER}{name} was started and does not run")
    _await_heard(host, port_of(name))
    return registered


def remove(host: Host, arguments: Arguments) -> dict[str, object]:
    """End its run and remove the task; raises as `tasks.unregister` does."""
    _name(arguments)
    return tasks.unregister(host, arguments)


def _name(arguments: Arguments) -> str:
    name = arguments.text("name")
    if port_of(name) is None:
        raise WindowsAgentError("bad-op", f"{arguments.verb}: {name!r} is no task of a published port")
    return name


def _await_heard(host: Host, port: int | None) -> None:
    """A process that has begun takes a moment to listen; whoever reads back what it is decides."""
    until = time.monotonic() + HEARD_WITHIN_S
    while time.monotonic() < until:
        rows = network.listeners(host.read([network_calls.udp_listeners()]), {})
        if any((one["proto"], one["port"]) == ("udp", port) for one in rows):
            return
        time.sleep(_LOOK_EVERY_S)


def _await(host: Host, name: str, *, runs: bool) -> bool:
    until = time.monotonic() + _WITHIN_S
    while (task_states(host).get(name) == RUNNING) is not runs:
        if time.monotonic() >= until:
            return False
        time.sleep(_LOOK_EVERY_S)
    return True
