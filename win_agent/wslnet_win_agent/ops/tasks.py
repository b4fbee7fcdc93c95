"""Scheduled tasks of ours: registered and read back, stopped and removed, started on demand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet_win_agent.boot.task import FOLDER
from wslnet_win_agent.boot.task_xml import version_of
from wslnet_win_agent.bridge import demand
from wslnet_win_agent.calls import tasks as calls
from wslnet_win_agent.errors import WindowsAgentError

if TYPE_CHECKING:
    from wslnet_win_agent.host import Host

    from .arguments import Arguments


def register(host: Host, arguments: Arguments) -> dict[str, object]:
    """Register a task; one of ours by that name is replaced.

    Raises:
        WindowsAgentError: `exists` for a task that wslnet did not make, `failed` when it does not read back.
    """
    name, xml = arguments.text("name"), arguments.text("xml")
    before = _export(host, name)
    _refuse_foreign(name, before)
    host.attempt(calls.register(name, xml), f"registering {FOLDER}{name}")
    after = _export(host, name)
    if after is None or version_of(after) != version_of(xml):
        raise WindowsAgentError("failed", f"{FOLDER}{name} was registered and reads back otherwise")
    return {"before": {"xml": before}, "after": {"xml": after}}


def unregister(host: Host, arguments: Arguments) -> dict[str, object]:
    """End its run and remove a task of ours.

    Raises:
        WindowsAgentError: `not-found`, `exists` for one that wslnet did not make.
    """
    name = arguments.text("name")
    before = _export(host, name)
    if before is None:
        raise WindowsAgentError("not-found", f"there is no task {FOLDER}{name}")
    _refuse_foreign(name, before)
    for call, what in ((calls.stop(name), "stopping"), (calls.unregister(name), "removing")):
        host.attempt(call, f"{what} {FOLDER}{name}")
    if _export(host, name) is not None:
        raise WindowsAgentError("failed", f"{FOLDER}{name} was removed and is still there")
    return {"before": {"xml": before}, "after": {"xml": None}}


def start(host: Host, arguments: Arguments) -> dict[str, object]:
    """Start a task on demand; it runs on its own."""
    name = arguments.text("name")
    host.write(calls.start(name), f"starting {FOLDER}{name}")
    return {}


def _export(host: Host, name: str) -> str | None:
    """Give the XML of a task; None when there is none.

    A task in a folder that is not there has an HRESULT of its own instead of the not-found of a query.
    """
    reply = host.read([calls.export(name)])
    if any(error.is_not_found or error.id == "HRESULT 0x80070002" for error in reply.errors):
        return None
    demand(reply, f"{FOLDER}{name}")
    return next((each.value for each in reply.outputs if isinstance(each.value, str)), None)


def _refuse_foreign(name: str, xml: str | None) -> None:
    if xml is not None and version_of(xml) is None:
        raise WindowsAgentError("exists", f"{FOLDER}{name} is there and was not made by wslnet")
