"""Starts the Linux agent through a shell with the rights it needs, and says clearly why it cannot.

root runs it directly, others by `sudo -n`, and only if that is refused by `sudo -S`: the password goes to
sudo's stdin when sudo asks for it, never before, never to a command line. The first request travels with
the bundle; nothing is waited for in between unless sudo asks for a password.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.errors import AgentError, DeadlineExceeded, NeedsElevation, Unreachable
from wslnet.transport.agent_text import clean_line
from wslnet.transport.pipe import after, left
from wslnet.transport.ssh_diagnosis import explain_missing_python, runs
from wslnet_linux_agent import bundle

if TYPE_CHECKING:
    from wslnet.transport.carrier import ProcessPipe, Shell
    from wslnet.transport.pipe import Pipe

_AGENT = (*bundle.PYTHON, bundle.FIRST_STAGE)
_PROMPT = b"wslnet asks for the sudo password:"
_SUDO_QUIET = ("sudo", "-n", "--")
_SUDO_ASKS = ("sudo", "-S", "-p", _PROMPT.decode("ascii"), "--")
_MOST_NOISE = 1 << 16
_TICK_S = 0.05


class AgentPipe:
    """`Pipe` to an agent that starts with the first bytes sent to it."""

    def __init__(self, shell: Shell, *, elevate: bool = True) -> None:
        self._shell = shell
        self._elevate = elevate and shell.user != "root"
        self._pipe: ProcessPipe | None = None
        self._sent = bundle.bundle()
        self._greeted = False

    def send(self, data: bytes, deadline: float) -> None:
        """As `Pipe.send`; the first time it starts the agent."""
        if self._greeted and self._pipe is not None:
            self._pipe.send(data, deadline)
            return
        # Kept until the agent says hello: before that nothing has run, so all of it can be sent again.
        self._sent += data
        if self._pipe is None:
            self._pipe = self._shell.execute(self._command(), deadline)
            self._pipe.send(self._sent, deadline)
        else:
            self._pipe.send(data, deadline)

    def recv(self, deadline: float) -> bytes:
        """As `Pipe.recv`.

        Raises:
            NeedsElevation: sudo refuses.
            Unsupported: there is no Python 3.
        """
        if self._pipe is None:
            raise AgentError(f"{self._shell.machine}: nothing was asked yet", machine=self._shell.machine)
        if not self._greeted:
            first = Greeting(self._shell.machine).wait(self._pipe, deadline)
            if first is None:
                first = self._start_otherwise(self._pipe, deadline)
            self._greeted = True
            self._sent = b""
            if first:
                return first
        data = self._pipe.recv(deadline)
        if not data and (said := self._pipe.stderr()):
            explain_missing_python(self._shell)
            machine = self._shell.machine
            raise Unreachable(f"{machine}: its agent ended: {_first_line(said)}", machine=machine)
        return data

    def close(self) -> None:
        """As `Pipe.close`."""
        if self._pipe is not None:
            self._pipe.close()

    def _command(self) -> tuple[str, ...]:
        return (*_SUDO_QUIET, *_AGENT) if self._elevate else _AGENT

    def _start_otherwise(self, ended: ProcessPipe, deadline: float) -> bytes:
        """Start it by `sudo -S` after `sudo -n` was refused, or say why it cannot start."""
        shell = self._shell
        said = _first_line(ended.stderr())
        ended.close()
        explain_missing_python(shell)
        if not self._elevate:
            raise AgentError(f"{shell.machine}: its agent did not start: {said}", machine=shell.machine)
        if not runs(shell, ("sudo", "-V")):
            raise NeedsElevation(
                f"{shell.machine}: {shell.user} is not root and there is no sudo", machine=shell.machine
            )
        password = shell.password()
        if password is None:
            raise NeedsElevation(
                f"{shell.machine}: sudo wants a password for {shell.user} and there is none",
                machine=shell.machine,
                hint=f"say where it comes from: `secret` under [machines.{shell.machine}] of the inventory",
            )
        self._pipe = shell.execute((*_SUDO_ASKS, *_AGENT), deadline)
        first = _answer_prompt(self._pipe, shell, password, deadline)
        self._pipe.send(self._sent, deadline)
        return first


class Greeting:
    """Looks for the agent's hello in what comes, whatever a login script prints before it."""

    def __init__(self, machine: str) -> None:
        self._machine = machine
        self._seen = b""

    def wait(self, pipe: Pipe, deadline: float) -> bytes | None:
        """Give what came after the hello; None if the process ended without one. May be called again."""
        while bundle.HELLO not in self._seen:
            data = pipe.recv(deadline)
            if not data:
                return None
            self._seen += data
            if len(self._seen) > _MOST_NOISE:
                raise Unreachable(
                    f"{self._machine}: its login scripts print too much for an agent to start",
                    machine=self._machine,
                )
        return self._seen.partition(bundle.HELLO)[2]


def _answer_prompt(pipe: ProcessPipe, shell: Shell, password: str, deadline: float) -> bytes:
    """Give sudo the password when it asks, once; gives what came after the hello.

    A second question means that the password was wrong: another try could lock the account.
    """
    greeting = Greeting(shell.machine)
    errors = b""
    answered = False
    while left(deadline) > 0:
        ended = False
        try:
            first = greeting.wait(pipe, min(deadline, after(_TICK_S)))
            if first is not None:
                return first
            ended = True
        except DeadlineExceeded:
            # Time to look at what sudo says on the other stream.
            ended = False
        errors += pipe.stderr()
        prompts = errors.count(_PROMPT)
        if ended or prompts > 1:
            said = _first_line(errors.replace(_PROMPT, b"\n"))
            raise NeedsElevation(f"{shell.machine}: sudo refuses {shell.user}: {said}", machine=shell.machine)
        if prompts == 1 and not answered:
            pipe.send(password.encode("utf-8") + b"\n", deadline)
            answered = True
    raise NeedsElevation(f"{shell.machine}: sudo does not answer in time", machine=shell.machine)


def _first_line(text: bytes) -> str:
    lines = [line.strip() for line in text.decode("utf-8", "replace").splitlines()]
    return clean_line(next((line for line in lines if line), "it gives no reason"))[:300]
