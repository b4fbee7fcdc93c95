"""Throwaway machines for the agent's tests: a network namespace each, entered through a real sshd.

`sshd -i` runs inside the namespace on a socket that was accepted outside, so the test itself needs no
namespace; every byte passes a counting relay. Everything lies in the test's own folder and is gone after.
"""

from __future__ import annotations

import contextlib
import secrets
import select
import shutil
import socket
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from wslnet.errors import DeadlineExceeded
from wslnet.model.change import Op
from wslnet.transport.agent_client import AgentClient
from wslnet.transport.pipe import left
from wslnet_linux_agent import bundle

if TYPE_CHECKING:
    from collections.abc import Iterator

PYTHON = "/usr/bin/python3"
SYSTEM_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


def pythons() -> list[str]:
    """Every Python 3 on this machine that can be told apart: the agent must run on all of them."""
    found = [PYTHON, *sorted(str(path) for path in Path.home().glob(".pyenv/versions/3.*/bin/python3"))]
    return [path for path in found if Path(path).exists()]


def run(*argv: str, stdin: str | None = None) -> str:
    """Run a command that must succeed; gives what it printed."""
    done = subprocess.run(argv, input=stdin, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 0, f"{argv}: {done.stderr}"
    return done.stdout


class Netns:
    """A network namespace with its loopback up; `ip` and `sh`-less commands run in it."""

    def __init__(self) -> None:
        self.name = f"wl-a{secrets.token_hex(3)}"
        run("ip", "netns", "add", self.name)
        # Addresses count at once, and no ICMP error is held back: the tests come faster than people do.
        self.exec("sysctl", "-qw", "net.ipv6.conf.default.accept_dad=0", "net.ipv4.icmp_ratelimit=0")
        self.exec("ip", "link", "set", "lo", "up")

    def exec(self, *argv: str, stdin: str | None = None) -> str:
        return run("ip", "netns", "exec", self.name, *argv, stdin=stdin)

    def popen(self, *argv: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(["ip", "netns", "exec", self.name, *argv])

    def remove(self) -> None:
        subprocess.run(["ip", "netns", "delete", self.name], check=False, timeout=20)


def wire_up(  # noqa: PLR0917 - two ends, each namespace, name, address: keywords would only repeat it
    left_ns: Netns, left_name: str, left_address: str, right_ns: Netns, right_name: str, right_address: str
) -> None:
    """Join two namespaces by a veth pair, both ends addressed and up."""
    left_ns.exec(
        "ip", "link", "add", left_name, "type", "veth", "peer", "name", right_name, "netns", right_ns.name
    )  # fmt: skip
    for namespace, name, address in (
        (left_ns, left_name, left_address),
        (right_ns, right_name, right_address),
    ):
        namespace.exec("ip", "address", "add", address, "dev", name, *(("nodad",) if ":" in address else ()))
        namespace.exec("ip", "link", "set", name, "up")


class ProcessPipe:
    """`Pipe` to an agent that is a child of the test."""

    def __init__(self, argv: list[str], env: dict[str, str] | None = None) -> None:
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env)
        self.process.stdin.write(bundle.bundle())
        self._hello = b""

    def send(self, data: bytes, deadline: float) -> None:
        assert left(deadline) > 0
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def recv(self, deadline: float) -> bytes:
        while True:
            ready, _, _ = select.select([self.process.stdout], [], [], left(deadline))
            if not ready:
                raise DeadlineExceeded("too late")
            data = self.process.stdout.read1(65536)
            if self._hello is None or not data:
                return data
            self._hello += data
            if bundle.HELLO in self._hello:
                rest, self._hello = self._hello.partition(bundle.HELLO)[2], None
                if rest:
                    return rest

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.stdin.close()
            self.process.wait(10)
        self.process.stdout.close()


def covered() -> tuple[str, ...]:
    """What starts a program where the tools of this host that only a daemon answers are not to be found."""
    tools = [path for name in ("virsh", "docker", "podman") if (path := shutil.which(name))]
    script = "".join(f"mount --bind /dev/null {path}; " for path in tools) + 'exec "$@"'
    return ("unshare", "--mount", "sh", "-ec", script, "sh") if tools else ()


@contextlib.contextmanager
def agent_in(
    namespace: Netns, *, python: str = PYTHON, prefix: tuple[str, ...] = (), env: dict[str, str] | None = None
) -> Iterator[AgentClient]:
    """An agent in a namespace, over a plain pipe; libvirt and containers of this host are not its own."""
    command = [*covered(), *prefix, python, "-I", "-S", "-c", bundle.FIRST_STAGE]
    argv = ["ip", "netns", "exec", namespace.name, *command]
    client = AgentClient(ProcessPipe(argv, env), namespace.name)
    try:
        yield client
    finally:
        client.close()


@dataclass
class Count:
    """What went over one TCP connection: bytes each way, and how often the controller began to speak."""

    to_host: int = 0
    to_controller: int = 0
    turns: int = 0
    last: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, way: str, size: int) -> None:
        with self.lock:
            if way == "host":
                self.to_host += size
                self.turns += self.last != "host"
            else:
                self.to_controller += size
            self.last = way

    @property
    def total(self) -> int:
        return self.to_host + self.to_controller


class Sshd:
    """An sshd whose sessions run in a namespace; `port` on 127.0.0.1 leads to it.

    Users are root and `plain`. What is put into `tools` is found first on PATH, `login` is run by every shell
    of root before its command.
    """

    def __init__(self, folder: Path, namespace: Netns, *, options: str = "", path: str = SYSTEM_PATH) -> None:
        self.folder = folder
        self.tools = folder / "tools"
        self.tools.mkdir(parents=True)
        self.tools.chmod(0o777)
        self.namespace = namespace
        self.counts: list[Count] = []
        self.key = folder / "id"
        self.host_key = folder / "host"
        self.login = folder / "login"
        self.login.write_text("")
        for file in (self.key, self.host_key):
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(file))
        users = Path("/etc/passwd").read_text(encoding="utf-8") + "plain:x:4242:4242::/:/bin/sh\n"
        (folder / "passwd").write_text(users, encoding="utf-8")
        (folder / "config").write_text(
            f"HostKey {self.host_key}\nAuthorizedKeysFile /run/authorized_keys\nStrictModes no\nUsePAM no\n"
            "PidFile none\nPermitRootLogin yes\nPasswordAuthentication no\n"
            f"SetEnv PATH=/usr/local/bin:{path}\n{options}\n",
            encoding="utf-8",
        )
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._children: list[subprocess.Popen[bytes]] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def argv(self, *arguments: str) -> list[str]:
        """The command that runs sshd in its namespaces, with its own /run, users and no login scripts."""
        script = (
            "mount -t tmpfs tmpfs /run && mkdir -m 755 /run/sshd && "
            f"cp {self.key}.pub /run/authorized_keys && "
            f"mount --bind {self.folder}/passwd /etc/passwd && mount --bind {self.login} /root/.bashrc && "
            f"mount --bind {self.tools} /usr/local/bin && "
            'exec /usr/sbin/sshd "$@"'
        )
        return [
            "ip", "netns", "exec", self.namespace.name, "unshare", "--mount", "--propagation", "private",
            "sh", "-c", script, "sh", "-e", "-f", str(self.folder / "config"), *arguments,
        ]  # fmt: skip

    def listen(self, address: str, port: int) -> None:
        """Listen in the namespace itself as well, for nested connections."""
        argv = self.argv("-D", "-o", f"ListenAddress={address}", "-o", f"Port={port}")
        with (self.folder / "log").open("ab") as log:
            self._children.append(subprocess.Popen(argv, stdin=subprocess.DEVNULL, stderr=log))
        until = time.monotonic() + 10
        while f"{address}:{port} " not in self.namespace.exec("ss", "-ltn"):
            assert time.monotonic() < until, "sshd does not listen"
            time.sleep(0.02)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            ours, theirs = _tcp_pair()
            with (self.folder / "log").open("ab") as log:
                self._children.append(
                    subprocess.Popen(self.argv("-i"), stdin=theirs, stdout=theirs, stderr=log)
                )
            theirs.close()
            count = Count()
            self.counts.append(count)
            for source, sink, way in ((connection, ours, "host"), (ours, connection, "controller")):
                threading.Thread(target=_relay, args=(source, sink, way, count), daemon=True).start()

    def cut(self) -> None:
        """End every connection and its sshd, as a crash does."""
        for child in self._children:
            child.kill()
            child.wait(10)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for child in self._children:
            child.terminate()
            child.wait(10)


def _tcp_pair() -> tuple[socket.socket, socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        one = socket.create_connection(server.getsockname())
        other, _ = server.accept()
    for end in (one, other):
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return one, other


def _relay(source: socket.socket, sink: socket.socket, way: str, count: Count) -> None:
    source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        while data := source.recv(65536):
            count.add(way, len(data))
            sink.sendall(data)
    except OSError:
        pass
    finally:
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        if way == "controller":
            source.close()
            sink.close()


def refused(client: AgentClient, verb: str, **args: object) -> str:
    """Sends an op that must fail and gives its code."""
    (result,) = client.run([Op(verb, args)])
    assert not result.ok
    assert result.message
    return result.code
