"""SSH to Linux machines at any depth: one connection a machine, nested ones through their parent's.

The host key is checked against the pinned one before anything else is said. Nothing is forwarded but the
bytes of a nested connection (`direct-tcpip`): no agent, no port, no X11.
"""

from __future__ import annotations

import sys
import threading
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Self

from wslnet.transport.agent_client import AgentClient
from wslnet.transport.library_logs import mute
from wslnet.transport.pins import HostKey, Pins
from wslnet.transport.pipe import after, left
from wslnet.transport.ssh_agent import AgentPipe
from wslnet.transport.ssh_auth import authenticate
from wslnet.transport.ssh_diagnosis import command_line
from wslnet.transport.ssh_dial import dial
from wslnet.transport.ssh_errors import translated
from wslnet.transport.ssh_nudge import nudged
from wslnet.transport.ssh_pipe import SshPipe, cut_off

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import paramiko

    from wslnet.transport.carrier import Carrier

CONNECT_TIMEOUT_S = 10.0
_KEEPALIVE_S = 15
_RSA = "ssh-rsa"
_RSA_SIGNATURES = ("rsa-sha2-512", "rsa-sha2-256")


def _no_secret() -> str | None:
    return None


@dataclass(frozen=True, slots=True)
class SshTarget:
    """Where to connect to and as whom. `secret` gives the password, or the passphrase of the key."""

    machine: str
    host: str
    user: str
    port: int = 22
    key: Path | None = None
    secret: Callable[[], str | None] = field(default=_no_secret, repr=False)
    proxy: str | None = None


class SshConnection:
    """An authenticated connection. May be shared by threads; each agent on it is one channel."""

    def __init__(self, target: SshTarget, transport: paramiko.Transport, *, stalls: bool = False) -> None:
        self.target = target
        self._transport = transport
        self._stalls = stalls

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def machine(self) -> str:
        """The machine's name."""
        return self.target.machine

    @property
    def user(self) -> str:
        """Who is logged in."""
        return self.target.user

    @property
    def alive(self) -> bool:
        """Whether the connection still stands, as far as can be seen without asking."""
        return self._transport.is_active()

    def password(self) -> str | None:
        """The password for sudo, asked for at most once a connection."""
        return self._password

    def open_agent(self, *, elevate: bool = True) -> AgentClient:
        """Give a client of a new agent; it starts with the first request.

        Args:
            elevate: run it as root. Without, it runs as the user and can read less.
        """
        return AgentClient(AgentPipe(self, elevate=elevate), self.machine)

    def execute(self, argv: Sequence[str], deadline: float) -> SshPipe:
        """Start a command, each argument quoted for the login shell.

        Raises:
            Unreachable: the connection is broken or sshd opens no session.
        """
        channel = self._open("session", None, deadline, "opens no session")
        with cut_off(deadline, channel.close), translated(self.machine, "runs no command", deadline):
            channel.exec_command(command_line(argv))
        return SshPipe(channel, self.machine)

    def open_tunnel(self, machine: str, host: str, port: int, deadline: float) -> paramiko.Channel:
        """Open a TCP connection from this machine to another one, for a nested connection.

        Raises:
            Unreachable: this machine cannot reach it, or its sshd forbids it.
        """
        return self._open("direct-tcpip", (host, port), deadline, f"cannot reach {machine} at {host}:{port}")

    def close(self) -> None:
        """Close it and everything on it."""
        self._transport.close()

    @cached_property
    def _password(self) -> str | None:
        return self.target.secret()

    def _open(
        self, kind: str, destination: tuple[str, int] | None, deadline: float, problem: str
    ) -> paramiko.Channel:
        origin = ("127.0.0.1", 0) if destination else None
        with (
            translated(self.machine, problem, deadline),
            nudged(self._transport) if self._stalls else nullcontext(),
        ):
            channel = self._transport.open_channel(
                kind, destination, origin, timeout=max(left(deadline), 0.001)
            )
        self._stalls = False
        return channel


def open_ssh(
    target: SshTarget,
    pins: Pins,
    via: Carrier | None = None,
    *,
    enroll: bool = False,
    timeout_s: float = CONNECT_TIMEOUT_S,
) -> SshConnection:
    """Connect and log in.

    Args:
        target: where and as whom.
        pins: the pinned host keys.
        via: the parent's connection for a nested machine; `target.proxy` is not used then.
        enroll: pin the host key if the machine has none pinned yet.
        timeout_s: bounds everything until the login has succeeded.

    Raises:
        Unreachable: no way there, or nobody in time (DeadlineExceeded).
        HostKeyUnknown, HostKeyMismatch: the key is not the pinned one.
        AuthenticationFailed: the login is refused.
        InputError: key file, pins or proxy cannot be used.
    """
    import paramiko  # noqa: PLC0415 - `wslnet --help` must not load it

    mute("paramiko")
    deadline = after(timeout_s)
    pinned = pins.get(target.machine)
    carrier = (
        dial(target.machine, target.host, target.port, target.proxy, deadline)
        if via is None
        else via.open_tunnel(target.machine, target.host, target.port, deadline)
    )
    transport = paramiko.Transport(carrier)
    try:
        with (
            cut_off(deadline, transport.close),
            translated(target.machine, "broke off the SSH handshake", deadline),
        ):
            _prefer(transport, pinned)
            _shake_hands(transport, deadline)
            shown = transport.get_remote_server_key()
            pins.check(target.machine, HostKey(shown.get_name(), shown.asbytes()), enroll=enroll)
            transport.auth_timeout = left(deadline)
            authenticate(transport, target.machine, target.user, target.key, target.secret)
    except BaseException:
        transport.close()
        raise
    transport.set_keepalive(_KEEPALIVE_S)
    acknowledges = via is None and target.proxy is None and sys.platform == "linux"
    return SshConnection(target, transport, stalls=not acknowledges)


def _prefer(transport: paramiko.Transport, pinned: HostKey | None) -> None:
    """Ask for the pinned kind of key first: a server with several keys would show another one."""
    if pinned is None:
        return
    options = transport.get_security_options()
    first = _RSA_SIGNATURES if pinned.kind == _RSA else (pinned.kind,)
    known = tuple(kind for kind in options.key_types if kind not in first)
    wanted = tuple(kind for kind in first if kind in options.key_types)
    options.key_types = wanted + known


def _shake_hands(transport: paramiko.Transport, deadline: float) -> None:
    transport.banner_timeout = transport.handshake_timeout = left(deadline)
    done = threading.Event()
    transport.start_client(event=done)
    if not done.wait(left(deadline)) or not transport.is_active():
        problem = transport.get_exception()
        raise problem if problem is not None else EOFError
