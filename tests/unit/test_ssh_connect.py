"""Connecting when the other side is slow, hostile, or speaks another way than usual; loopback only."""

from __future__ import annotations

import contextlib
import io
import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import paramiko
import pytest

from wslnet.errors import AuthenticationFailed, DeadlineExceeded, InputError, Unreachable
from wslnet.transport.pins import Pins
from wslnet.transport.pipe import after
from wslnet.transport.ssh import SshTarget, open_ssh
from wslnet.transport.ssh_nudge import nudged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

HOST_KEY = paramiko.ECDSAKey.generate()
PASSWORD = "opensesame"


@pytest.fixture
def pins(tmp_path: Path) -> Pins:
    return Pins(tmp_path / "known_hosts")


@contextlib.contextmanager
def serving(handle: Callable[[socket.socket], None]) -> Iterator[int]:
    """A TCP server on loopback that hands each connection to `handle` in a thread; gives its port."""
    listener = socket.create_server(("127.0.0.1", 0))
    taken: list[socket.socket] = []

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            taken.append(connection)
            threading.Thread(target=_quietly, args=(handle, connection), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for connection in taken:
            connection.close()


def _quietly(handle: Callable[[socket.socket], None], connection: socket.socket) -> None:
    with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
        handle(connection)


class Server(paramiko.ServerInterface):
    """An SSH server with one user; what it offers and how it treats commands is set by the test."""

    def __init__(self, methods: str = "password", *, answers_exec: bool = True) -> None:
        self.methods = methods
        self.answers_exec = answers_exec
        self.tried: list[str] = []

    def get_allowed_auths(self, username: str) -> str:
        assert username == "root"
        return self.methods

    def check_auth_password(self, username: str, password: str) -> int:
        self.tried.append(f"password of {username}")
        fits = password == PASSWORD and "password" in self.methods.split(",")
        return paramiko.AUTH_SUCCESSFUL if fits else paramiko.AUTH_FAILED

    def check_auth_interactive(self, username: str, submethods: str) -> paramiko.InteractiveQuery:
        del submethods
        self.tried.append(f"questions to {username}")
        return paramiko.InteractiveQuery("", "", ("Password: ", False))

    def check_auth_interactive_response(self, responses: list[str]) -> int:
        return paramiko.AUTH_SUCCESSFUL if responses == [PASSWORD] else paramiko.AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        del kind, chanid
        return paramiko.OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        del channel, command
        if not self.answers_exec:
            time.sleep(5)
        return True

    def serve(self, connection: socket.socket) -> None:
        transport = paramiko.Transport(connection)
        transport.add_server_key(HOST_KEY)
        transport.start_server(server=self)
        # A channel that nobody holds is closed by paramiko.
        held = []
        while transport.is_active():
            held.append(transport.accept(1))


def target(port: int, **more: object) -> SshTarget:
    return SshTarget("vm1", "127.0.0.1", "root", port, **more)


@pytest.mark.parametrize("methods", ["password", "keyboard-interactive", "publickey,password"])
def test_a_password_is_used_in_the_way_the_server_wants(pins: Pins, methods: str) -> None:
    server = Server(methods)
    with (
        serving(server.serve) as port,
        open_ssh(target(port, secret=lambda: PASSWORD), pins, enroll=True) as there,
    ):
        assert there.alive
    assert ("questions to root" in server.tried) is (methods == "keyboard-interactive")


def test_the_password_is_not_asked_for_before_the_host_key_is_known_to_be_right(pins: Pins) -> None:
    server, asked = Server(), []
    with serving(server.serve) as port, pytest.raises(Unreachable, match="no host key is pinned"):
        open_ssh(target(port, secret=lambda: asked.append(1)), pins)
    assert not asked
    assert not server.tried


def test_a_wrong_password_and_none_at_all(pins: Pins) -> None:
    server = Server()
    with serving(server.serve) as port:
        with pytest.raises(AuthenticationFailed, match="refuses root with the password"):
            open_ssh(target(port, secret=lambda: "wrong"), pins, enroll=True)
        with pytest.raises(AuthenticationFailed, match="neither key nor password") as raised:
            open_ssh(target(port), pins)
    assert raised.value.exit_code == 20


def silent(connection: socket.socket) -> None:
    connection.recv(1)
    time.sleep(10)


def drips_its_banner(connection: socket.socket) -> None:
    while True:
        connection.sendall(b"S")
        time.sleep(0.05)


def greets_and_stops(connection: socket.socket) -> None:
    connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
    time.sleep(10)


def sends_garbage(connection: socket.socket) -> None:
    connection.sendall(b"SSH-2.0-x\r\n" + bytes(range(256)) * 40)
    time.sleep(10)


def is_a_web_server(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n\x1b[2J" * 200)
    connection.close()


def hangs_up(connection: socket.socket) -> None:
    connection.close()


@pytest.mark.parametrize(
    "peer", [silent, drips_its_banner, greets_and_stops, sends_garbage, is_a_web_server, hangs_up]
)
def test_a_peer_that_is_no_ssh_server_is_told_in_time(
    pins: Pins, peer: Callable[[socket.socket], None]
) -> None:
    started = time.monotonic()
    with serving(peer) as port, pytest.raises(Unreachable) as raised:
        open_ssh(target(port), pins, enroll=True, timeout_s=0.6)
    assert time.monotonic() - started < 5
    assert raised.value.message.startswith("vm1: ")
    assert "\x1b" not in raised.value.message
    if peer in (silent, drips_its_banner, greets_and_stops):
        assert isinstance(raised.value, DeadlineExceeded)


def test_nobody_listens(pins: Pins) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(Unreachable, match=rf"vm1: 127\.0\.0\.1:{port}: Connection refused"):
        open_ssh(target(port), pins)


def test_a_login_that_is_never_answered(pins: Pins) -> None:
    class Slow(Server):
        def check_auth_password(self, username: str, password: str) -> int:
            time.sleep(5)
            return super().check_auth_password(username, password)

    started = time.monotonic()
    with serving(Slow().serve) as port, pytest.raises(DeadlineExceeded):
        open_ssh(target(port, secret=lambda: PASSWORD), pins, enroll=True, timeout_s=1)
    assert time.monotonic() - started < 4


def test_a_command_that_is_never_accepted(pins: Pins) -> None:
    started = time.monotonic()
    with (
        serving(Server(answers_exec=False).serve) as port,
        open_ssh(target(port, secret=lambda: PASSWORD), pins, enroll=True) as there,
        there.open_agent() as agent,
        pytest.raises(DeadlineExceeded),
    ):
        agent.facts(["links"], timeout_s=0.5)
    assert time.monotonic() - started < 4


def test_an_agent_that_never_reads_and_never_speaks(pins: Pins) -> None:
    with (
        serving(Server().serve) as port,
        open_ssh(target(port, secret=lambda: PASSWORD), pins, enroll=True) as there,
    ):
        pipe = there.execute(["python3"], after(5))
        started = time.monotonic()
        with pytest.raises(DeadlineExceeded):
            pipe.recv(after(0.3))
        with pytest.raises(DeadlineExceeded):
            pipe.send(bytes(64 << 20), after(0.5))
        assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "cannot be read: No such file"),
        ("hello", "not a private key"),
        ("\xff", "cannot be read: no text"),
    ],
)
def test_a_key_file_that_cannot_be_used_is_named(
    pins: Pins, tmp_path: Path, text: str | None, message: str
) -> None:
    file = tmp_path / "id_test"
    if text is not None:
        file.write_text(text, encoding="utf-8")
    with (
        serving(Server("publickey").serve) as port,
        pytest.raises(InputError, match=f"id_test: .*{message}") as raised,
    ):
        open_ssh(target(port, key=file), pins, enroll=True)
    assert raised.value.exit_code == 2


@pytest.mark.parametrize(
    ("secret", "message"), [(None, "has a passphrase"), ("wrong", "its passphrase is not")]
)
def test_a_passphrase_that_is_missing_or_wrong(
    pins: Pins, tmp_path: Path, secret: str | None, message: str
) -> None:
    text = io.StringIO()
    paramiko.RSAKey.generate(2048).write_private_key(text, password="right")
    (tmp_path / "id").write_text(text.getvalue())
    with serving(Server("publickey").serve) as port, pytest.raises(InputError, match=message):
        open_ssh(target(port, key=tmp_path / "id", secret=lambda: secret), pins, enroll=True)


class Socks:
    """A SOCKS5 proxy of the test's own: no login, CONNECT only, every name leads to 127.0.0.1."""

    def __init__(self, port: int, reply: int = 0) -> None:
        self.port = port
        self.reply = reply
        self.asked: list[bytes] = []

    def serve(self, connection: socket.socket) -> None:
        connection.recv(16)
        connection.sendall(b"\x05\x00")
        self.asked.append(connection.recv(300))
        connection.sendall(b"\x05" + bytes([self.reply]) + b"\x00\x01" + bytes(6))
        if self.reply:
            return
        with socket.create_connection(("127.0.0.1", self.port)) as onward:
            threading.Thread(
                target=_quietly, args=(lambda _: _pump(onward, connection), onward), daemon=True
            ).start()
            _pump(connection, onward)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    while data := source.recv(65536):
        sink.sendall(data)


def test_a_proxy_dials_and_resolves(pins: Pins) -> None:
    with serving(Server().serve) as port:
        proxy = Socks(port)
        with serving(proxy.serve) as door:
            there = SshTarget(
                "wsl",
                "wsl.invalid",
                "root",
                2222,
                secret=lambda: PASSWORD,
                proxy=f"socks5h://127.0.0.1:{door}",
            )
            with open_ssh(there, pins, enroll=True) as connection:
                assert connection.alive
    assert proxy.asked == [b"\x05\x01\x00\x03\x0bwsl.invalid\x08\xae"]


def test_a_proxy_that_refuses_is_absent_or_is_none(pins: Pins) -> None:
    with (
        serving(Socks(1, reply=5).serve) as door,
        pytest.raises(Unreachable, match=r"through socks5h.*refused"),
    ):
        open_ssh(target(22, proxy=f"socks5h://127.0.0.1:{door}"), pins)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        gone = listener.getsockname()[1]
    with pytest.raises(Unreachable, match=r"through socks5h.*refused"):
        open_ssh(target(22, proxy=f"socks5h://127.0.0.1:{gone}"), pins)
    with pytest.raises(InputError, match="proxy must be socks5h://HOST:PORT"):
        open_ssh(target(22, proxy="http://127.0.0.1:8080"), pins)
    started = time.monotonic()
    with serving(silent) as door, pytest.raises(Unreachable, match="not answer in time"):
        open_ssh(target(22, proxy=f"socks5h://127.0.0.1:{door}"), pins, timeout_s=0.5)
    assert time.monotonic() - started < 4


def test_importing_the_transport_loads_neither_paramiko_nor_anything_posix() -> None:
    program = (
        "import sys\n"
        "for name in ('fcntl', 'pwd', 'grp', 'termios', 'resource', 'posix_ipc', '_posixsubprocess'):\n"
        "    sys.modules[name] = None\n"
        "import wslnet.transport.ssh, wslnet.transport.agent_client, wslnet_linux_agent.bundle\n"
        "print(sorted({'paramiko', 'cryptography', 'socks', 'pypsrp', 'subprocess'} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stderr == ""
    assert done.stdout == "[]\n"


def test_nudges_are_few_and_end_with_the_wait() -> None:
    class Counter:
        sent = 0

        def send_ignore(self, size: int) -> None:
            assert size == 1
            self.sent += 1

    endless, short = Counter(), Counter()
    with nudged(endless):
        time.sleep(0.3)
    with nudged(short):
        pass
    sent = endless.sent, short.sent
    time.sleep(0.1)
    assert sent == (endless.sent, short.sent)
    assert endless.sent == 8


def test_nudges_over_a_dead_connection_do_no_harm() -> None:
    class Dead:
        def send_ignore(self, size: int) -> None:
            raise EOFError(size)

    with nudged(Dead()):
        time.sleep(0.05)
    assert not [thread for thread in threading.enumerate() if "_nudge" in thread.name]
