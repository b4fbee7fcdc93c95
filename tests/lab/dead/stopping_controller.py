"""The program, standing still at a phase until somebody lets it go on: `… PHASE MACHINE ARGUMENT…`.

It stops itself (SIGSTOP) once, at the first thing of PHASE that is about MACHINE, or about any with `-`.
In the phase `rollback` the probes are made to fail, so that there is something to take back.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, Any

import wslnet.app.execute as execution
from wslnet.cli.main import main
from wslnet.engine.journal import Journal
from wslnet.transport.agent_client import AgentClient
from wslnet_win_agent.host import Host

if TYPE_CHECKING:
    from collections.abc import Callable

RECORDS = {"intent": "intent", "read-back": "done", "commit": "confirm-began", "rollback": "undoing"}
_READS = {"facts", "probes", "listen", "unlisten"}


class Halt:
    """Stops the process once."""

    def __init__(self, machine: str) -> None:
        self._machine = machine
        self._is_due = True

    def at(self, machine: str | None = None) -> None:
        if self._is_due and self._machine in {"-", machine}:
            self._is_due = False
            os.kill(os.getpid(), signal.SIGSTOP)


def halt_before(halt: Halt, function: Callable[..., Any]) -> Callable[..., Any]:
    def halted(*args: Any, **more: Any) -> Any:
        halt.at()
        return function(*args, **more)

    return halted


def halt_at_records(halt: Halt, wanted: str) -> None:
    append = Journal._append

    def halted(self: Journal, kind: str, body: dict[str, Any]) -> None:
        append(self, kind, body)
        if kind == wanted:
            halt.at(body["change"]["machine"] if "change" in body else body.get("id", "").partition(":")[0])

    Journal._append = halted  # type: ignore[method-assign]


def halt_while_doing(halt: Halt) -> None:
    """On Linux the request is on its way and no answer was read; on Windows the write is about to go."""
    run, reply, write = AgentClient.run, AgentClient._reply, Host.write
    asked: set[str] = set()

    def asks(self: AgentClient, ops: Any, *more: Any) -> Any:
        asked.clear()
        asked.update(op.verb for op in ops)
        return run(self, ops, *more)

    def awaits(self: AgentClient, deadline: float) -> Any:
        if asked - _READS:
            halt.at(self.machine)
        return reply(self, deadline)

    def writes(self: Host, *args: Any) -> None:
        halt.at("windows")
        write(self, *args)

    AgentClient.run, AgentClient._reply, Host.write = asks, awaits, writes  # type: ignore[method-assign]


def fail_probes(*_: object, **__: object) -> None:
    raise execution.NotAsWished("the campaign wants it to fail")


if __name__ == "__main__":
    phase, machine, *arguments = sys.argv[1:]
    halt = Halt(machine)
    if phase == "shown":
        execution.execute = halt_before(Halt("-"), execution.execute)
    elif phase == "probes":
        execution.verify = halt_before(Halt("-"), execution.verify)
    elif phase == "do":
        halt_while_doing(halt)
    else:
        halt_at_records(halt, RECORDS[phase])
    if phase == "rollback":
        execution.verify = fail_probes
    main(arguments)
