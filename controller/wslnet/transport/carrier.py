"""The seam of everything that leads into a Linux machine: starts agents there and carries on to the next one.

An SSH connection is one; on Windows itself `wsl.exe` is another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from wslnet.transport.pipe import Pipe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wslnet.transport.agent_client import AgentClient


class ProcessPipe(Pipe, Protocol):
    """A `Pipe` to a process that has an error stream and an exit code."""

    def stderr(self) -> bytes:
        """What it has said on its error stream since the last call, without waiting."""

    def exit_status(self, deadline: float) -> int | None:
        """The exit code; None if it does not come in time or never will."""


class Shell(Protocol):
    """Runs command lines on a Linux machine."""

    @property
    def machine(self) -> str:
        """The machine's name."""

    @property
    def user(self) -> str:
        """Who is logged in there."""

    def execute(self, argv: Sequence[str], deadline: float) -> ProcessPipe:
        """Start a command given as argument vector."""

    def password(self) -> str | None:
        """The password for sudo; None if there is none."""


class Carrier(Protocol):
    """A way into one Linux machine. May be shared by threads."""

    @property
    def alive(self) -> bool:
        """Whether it can be used, as far as can be seen without asking."""

    def open_agent(self) -> AgentClient:
        """Give a client of a new agent; it starts with the first request."""

    def open_tunnel(self, machine: str, host: str, port: int, deadline: float) -> Any:  # noqa: ANN401
        """Open a TCP connection from there to another machine; gives what paramiko takes for a socket.

        Raises:
            Unreachable: this machine cannot reach it.
        """

    def close(self) -> None:
        """Close it and everything on it."""
