"""Who answers WSL's questions for names around a drill: servers, the tunnel, a proxy; and who asks."""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.lab.asking import run
from tests.lab.servers import program

from .stages import LAN, write

if TYPE_CHECKING:
    from collections.abc import Iterator

PUBLIC = r"HKLM\SOFTWARE\Policies\Microsoft\WindowsFirewall\PublicProfile"
NSSWITCH, _LIBRARY = "/etc/nsswitch.conf", "/usr/lib/x86_64-linux-gnu/libnss_mdns4_minimal.so.2"
_ANSWER = (
    "import socket,sys\n"
    "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind((sys.argv[1], int(sys.argv[2])))\n"
    "print('ready', flush=True)\n"
    "while True:\n"
    "    data, peer = s.recvfrom(512); s.sendto(data[:2] + bytes((0x81, 0x80)) + data[4:], peer)\n"
)
_QUESTION = b"\x47\x11\1\0\0\1" + bytes(6) + b"\3lan\6office\4test\0" + b"\0\1\0\1"
_ASK = (
    "import socket,sys\n"
    "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(1)\n"
    f"s.connect((sys.argv[1], 53)); s.send({_QUESTION!r}); print(s.recv(512)[:4].hex())\n"
)


def asks(lab: Any, machine: str, server: str, space: str | None = None) -> bool:
    """Packets: a machine (or the namespace `space`) gets an answer from a server of names."""
    inside = space or lab.netns(machine)
    done = subprocess.run(
        ["ip", "netns", "exec", inside, sys.executable, "-c", _ASK, server],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    return done.stdout.strip() == "47118180"


def nameserver(lab: Any) -> str:
    """The first server of WSL's resolv.conf, as WSL reads it."""
    lines = lab.run("wsl", ["cat", "/etc/resolv.conf"]).stdout.splitlines()
    return next((line.split()[1] for line in lines if line.startswith("nameserver")), "")


def resolves(lab: Any) -> bool:
    """Packets: WSL's own resolver finds the address of the LAN's PC."""
    quick = ["env", "RES_OPTIONS=timeout:1 attempts:1"]
    found = lab.run("wsl", [*quick, "getent", "ahostsv4", "lan.office.test"]).stdout
    return bool(found.startswith(f"{LAN} "))


@contextmanager
def tunnel_answers(lab: Any) -> Iterator[None]:
    """WSL's DNS tunnel answers, as it always does; behind a drill wsl.conf is as it was."""
    before = lab.run("wsl", ["cat", "/etc/wsl.conf"])
    try:
        yield
    finally:
        if before.returncode == 0:
            write(lab, "wsl", "/etc/wsl.conf", before.stdout)
        else:
            lab.run("wsl", ["rm", "-f", "/etc/wsl.conf"])


@contextmanager
def without_tunnel(lab: Any) -> Iterator[None]:
    """WSL's owner has switched its tunnel off: WSL asks the proxy of Windows; behind a drill it is on."""
    _tunnel(lab, "false")
    try:
        yield
    finally:
        _tunnel(lab, "true")


def _tunnel(lab: Any, value: str) -> None:
    code, said = run(lab, "config", "set", "wsl2.dnsTunneling", value, "--restart", "--yes", timeout_s=300)
    assert code == 0, said


@contextmanager
def by_the_proxy(lab: Any) -> Iterator[None]:
    """The same, and behind a drill no policy says which rules of Windows count."""
    with without_tunnel(lab):
        try:
            yield
        finally:
            lab.run("windows", ["reg.exe", "delete", PUBLIC, "/v", "AllowLocalPolicyMerge", "/f"])


@contextmanager
def mdns_installed(lab: Any) -> Iterator[None]:
    """The library nss-mdns is there, and nsswitch.conf has its word; behind a drill as it was."""
    before = lab.run("wsl", ["cat", NSSWITCH]).stdout
    write(lab, "wsl", _LIBRARY, "")
    write(lab, "wsl", NSSWITCH, "hosts: files mdns4_minimal [NOTFOUND=return] dns\n")
    try:
        yield
    finally:
        write(lab, "wsl", NSSWITCH, before)
        lab.run("wsl", ["rm", "-f", _LIBRARY])


@dataclass
class LocalServer:
    """A server of names in WSL that can be moved from one address of its own to another."""

    lab: Any
    address: str = "127.0.0.2"
    _running: ExitStack = field(default_factory=ExitStack)

    def move(self, address: str) -> None:
        """Ends it, and starts it on `address`."""
        self.stop()
        self.address = address
        self._running.enter_context(program(self.lab.netns("wsl"), _ANSWER, address, "53"))

    def stop(self) -> None:
        """Ends it."""
        self._running.close()


_SERVERS: dict[str, LocalServer] = {}


@contextmanager
def local_server(lab: Any) -> Iterator[None]:
    """A server of names on 127.0.0.2 of WSL."""
    server = _SERVERS[lab.name] = LocalServer(lab)
    try:
        server.move(server.address)
        yield
    finally:
        server.stop()


def server_of(lab: Any) -> LocalServer:
    """The server that `local_server` has started."""
    return _SERVERS[lab.name]
