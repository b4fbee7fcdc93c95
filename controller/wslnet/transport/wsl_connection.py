"""The way into WSL from Windows itself: `wsl.exe -d D -u root -e …`, no sshd and no network needed.

wsl.exe would start a stopped distro, so each time it is asked first whether the distro runs. Connections to
nested machines are bytes that a second such process passes on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.errors import Unreachable
from wslnet.transport.agent_client import AgentClient
from wslnet.transport.agent_text import clean_line
from wslnet.transport.child_pipe import ChildPipe
from wslnet.transport.local_native import VARIABLES, LocalNative, find_program
from wslnet.transport.ssh_agent import AgentPipe, Greeting
from wslnet.transport.tunnel import Tunnel
from wslnet_linux_agent import bundle
from wslnet_win_agent.wsl_exe import DEFAULT_PATH, WslProgram

if TYPE_CHECKING:
    from collections.abc import Sequence


class WslStopped(Unreachable):
    """WSL is not running; reading does not start it."""

    code = "stopped"


def stopped(machine: str) -> WslStopped:
    """The error of a WSL that does not run."""
    return WslStopped(f"{machine}: WSL is not running", machine=machine, hint="start it, or use --wake")


class WslConnection:
    """A `Carrier` and a `Shell` as root in one distro (None: the default one)."""

    alive = True
    user = "root"

    def __init__(self, machine: str, distro: str | None) -> None:
        self.machine = machine
        self._distro = distro

    def open_agent(self) -> AgentClient:
        """As `Carrier.open_agent`."""
        return AgentClient(AgentPipe(self), self.machine)

    def password(self) -> None:
        """Nobody needs one: it is root."""

    def execute(self, argv: Sequence[str], deadline: float) -> ChildPipe:
        """As `Shell.execute`.

        Raises:
            WslStopped: the distro does not run.
            Unreachable: there is no wsl.exe, or it does not start.
        """
        del deadline
        program = find_program(DEFAULT_PATH)
        if program is None:
            raise Unreachable(f"{self.machine}: there is no wsl.exe on this machine", machine=self.machine)
        self._demand_running()
        distro = () if self._distro is None else ("-d", self._distro)
        try:
            return ChildPipe((program, *distro, "-u", "root", "-e", *argv), self.machine, VARIABLES)
        except OSError as error:
            text = f"{self.machine}: wsl.exe does not start: {error.strerror or error}"
            raise Unreachable(text, machine=self.machine) from error

    def open_tunnel(self, machine: str, host: str, port: int, deadline: float) -> Tunnel:
        """As `Carrier.open_tunnel`."""
        pipe = self.execute((*bundle.PYTHON, bundle.FIRST_STAGE), deadline)
        try:
            pipe.send(bundle.relay(host, port), deadline)
            outcome, first = self._outcome(pipe, deadline)
        except BaseException:
            pipe.close(0.0)
            raise
        if outcome != bundle.CONNECTED:
            pipe.close(0.0)
            reason = clean_line(outcome.decode("utf-8", "replace"))
            text = f"{self.machine}: cannot reach {machine} at {host}:{port}: {reason}"
            raise Unreachable(text, machine=machine)
        return Tunnel(pipe, first)

    def close(self) -> None:
        """Nothing is held: each agent and each tunnel is a process of its own."""

    def _outcome(self, pipe: ChildPipe, deadline: float) -> tuple[bytes, bytes]:
        """The relay's first line, and what came behind it."""
        said = Greeting(self.machine).wait(pipe, deadline)
        while said is not None and b"\n" not in said:
            more = pipe.recv(deadline)
            said = said + more if more else None
        if said is None:
            raise pipe.ended_early()
        line, _, first = said.partition(b"\n")
        return line, first

    def _demand_running(self) -> None:
        wanted = None if self._distro is None else self._distro.casefold()
        for each in WslProgram(LocalNative(self.machine)).distros():
            chosen = each.default if wanted is None else each.name.casefold() == wanted
            if chosen and each.state == "Running":
                return
        raise stopped(self.machine)
