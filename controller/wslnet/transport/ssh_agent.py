"""Starts the Linux agent over SSH with the rights it needs, and says clearly why it cannot.

root runs it directly, others by `sudo -n`, and only if that is refused by `sudo -S`: the password goes to
sudo's stdin when sudo asks for it, never before, never to a command line. The first request travels with
the bundle; nothing is waited for in between unless sudo asks for a password.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Protocol

from wslnet.errors import AgentError, DeadlineExceeded, NeedsElevation, Unreachable, Unsupported
from wslnet.transport.agent_text import clean_line
from wslnet.transport.pipe import after
from wslnet_linux_agent import bundle

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wslnet.transport.ssh_pipe import SshPipe

_AGENT = (*bundle.PYTHON, bundle.FIRST_STAGE)
_PROMPT = b"wslnet asks for the sudo password:"
_SUDO_QUIET = ("sudo", "-n", "--")
_SUDO_ASKS = ("sudo", "-S", "-p", _PROMPT.decode("ascii"), "--")
_NOT_FOUND = 127
_MOST_NOISE = 1 << 16
_TICK_S = 0.05
_DIAGNOSIS_S = 10.0
_INSTALLERS = {
    "debian": "apt install python3",
    "ubuntu": "apt install python3",
    "fedora": "dnf install python3",
    "rhel": "dnf install python3",
    "centos": "dnf install python3",
    "suse": "zypper install python3",
    "opensuse": "zypper install python3",
    "alpine": "apk add python3",
    "arch": "pacman -S python",
}


class Shell(Protocol):
    """What is needed of a connection: run one command line on the machine."""

    @property
    def machine(self) -> str:
        """The machine's name."""

    @property
    def user(self) -> str:
        """Who is logged in there."""

    def execute(self, argv: Sequence[str], deadline: float) -> SshPipe:
        """Start a command given as argument vector."""

    def password(self) -> str | None:
        """The password for sudo; None if there is none."""


class AgentPipe:
    """`Pipe` to an agent that starts with the first bytes sent to it."""

    def __init__(self, shell: Shell, *, elevate: bool = True) -> None:
        self._shell = shell
        self._elevate = elevate and shell.user != "root"
        self._pipe: SshPipe | None = None
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
            first = _after_hello(self._pipe, self._shell.machine, deadline)
            if first is None:
                first = self._start_with_password(self._pipe, deadline)
            self._greeted = True
            self._sent = b""
            if first:
                return first
        return self._pipe.recv(deadline)

    def close(self) -> None:
        """As `Pipe.close`."""
        if self._pipe is not None:
            self._pipe.close()

    def _command(self) -> tuple[str, ...]:
        return (*_SUDO_QUIET, *_AGENT) if self._elevate else _AGENT

    def _start_with_password(self, ended: SshPipe, deadline: float) -> bytes:
        shell = self._shell
        said = _first_line(ended.stderr())
        status = ended.exit_status(after(_TICK_S))
        ended.close()
        explain_missing_python(shell)
        if not self._elevate:
            raise AgentError(
                f"{shell.machine}: its agent did not start: {said or f'exit status {status}'}",
                machine=shell.machine,
            )
        if not _runs(shell, ("sudo", "-V")):
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


def explain_missing_python(shell: Shell) -> None:
    """Raise if the machine has no Python 3.

    Raises:
        Unsupported: with the command that installs it there.
    """
    if _runs(shell, (bundle.PYTHON[0], "-V")):
        return
    release = _output(shell, ("cat", "/etc/os-release")).decode("utf-8", "replace")
    values = dict(line.split("=", 1) for line in release.splitlines() if "=" in line)
    names = f"{values.get('ID', '')} {values.get('ID_LIKE', '')}".replace('"', "").split()
    command = next((_INSTALLERS[name] for name in names if name in _INSTALLERS), _INSTALLERS["debian"])
    raise Unsupported(
        f"{shell.machine}: there is no python3 on it; install it there: {command}", machine=shell.machine
    )


def command_line(argv: Sequence[str]) -> str:
    """Give the text that sshd hands to the user's shell: every word quoted, nothing else in it."""
    return shlex.join(argv)


def _after_hello(pipe: SshPipe, machine: str, deadline: float) -> bytes | None:
    """Wait for the hello; gives what came after it, None if the process ended without one."""
    seen = b""
    while bundle.HELLO not in seen:
        data = pipe.recv(deadline)
        if not data:
            return None
        seen += data
        if len(seen) > _MOST_NOISE:
            raise Unreachable(
                f"{machine}: its login scripts print too much for an agent to start", machine=machine
            )
    return seen.partition(bundle.HELLO)[2]


def _answer_prompt(pipe: SshPipe, shell: Shell, password: str, deadline: float) -> bytes:
    """Give sudo the password when it asks, once; gives what came after the hello."""
    errors = b""
    answered = False
    while True:
        try:
            first = _after_hello(pipe, shell.machine, min(deadline, after(_TICK_S)))
        except DeadlineExceeded:
            first = b""
            hello = False
        else:
            hello = first is not None
        errors += pipe.stderr()
        prompts = errors.count(_PROMPT)
        if hello:
            return first or b""
        if first is None or prompts > 1:
            pipe.close()
            said = _first_line(errors.replace(_PROMPT, b"\n"))
            raise NeedsElevation(f"{shell.machine}: sudo refuses {shell.user}: {said}", machine=shell.machine)
        if prompts == 1 and not answered:
            pipe.send(password.encode("utf-8") + b"\n", deadline)
            answered = True
        if after(0) >= deadline:
            pipe.close()
            raise NeedsElevation(
                f"{shell.machine}: sudo does not ask for a password in time", machine=shell.machine
            )


def _runs(shell: Shell, argv: Sequence[str]) -> bool:
    deadline = after(_DIAGNOSIS_S)
    pipe = shell.execute(argv, deadline)
    try:
        while pipe.recv(deadline):
            pass
        return pipe.exit_status(deadline) == 0
    finally:
        pipe.close()


def _output(shell: Shell, argv: Sequence[str]) -> bytes:
    deadline = after(_DIAGNOSIS_S)
    pipe = shell.execute(argv, deadline)
    text = b""
    try:
        while len(text) < _MOST_NOISE and (data := pipe.recv(deadline)):
            text += data
    finally:
        pipe.close()
    return text


def _first_line(text: bytes) -> str:
    lines = [line.strip() for line in text.decode("utf-8", "replace").splitlines()]
    return clean_line(next((line for line in lines if line), "it gives no reason"))[:300]
