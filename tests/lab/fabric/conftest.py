"""Throwaway namespaces wired by the fabric, and the means to ask them with packets."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import socket
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from wslnet_lab.fabric import hyperv_firewall, lan, mirrored, netns, windows_ip
from wslnet_lab.fabric.hyperv_firewall import Policy, Rule
from wslnet_lab.fabric.model import MirroredHost, Nic

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet_lab.fabric.mirrored import Mirroring

LAN_ADDRESS = "172.24.21.10"
OUTSIDE = "203.0.113.1"
HOST = "172.24.21.109"
LOCAL = "127.0.0.1"
ETHERNET = Nic(
    "ethernet",
    "1c:83:41:cf:a8:7c",
    (f"{HOST}/24", "2001:db8:21::109/64", "fe80::ef34:dd3d:aaaa:75f/64"),
    gateway="172.24.21.254",
    metric=25,
)
ICMP = Rule("WslCore-Allow-Inbound-ICMPv4", "Inbound", "Allow", "ICMPv4")


@dataclass
class World:
    """Namespaces by role; servers answer their own name and the peer they see."""

    names: dict[str, str] = field(default_factory=dict)
    _closing: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def add(self, role: str) -> str:
        name = f"wl-t{os.getpid()}-{role}"
        netns.create(name)
        self.names[role] = name
        self._closing.callback(self.remove, role)
        return name

    def remove(self, role: str) -> None:
        if role in self.names:
            netns.remove(self.names.pop(role))

    def close(self) -> None:
        self._closing.close()

    def run(self, role: str, *argv: str) -> str:
        with netns.Namespace(self.names[role]) as ns:
            return ns.run(argv)

    def sysctl(self, role: str, key: str, value: object) -> None:
        with netns.Namespace(self.names[role]) as ns:
            ns.set_sysctls({key: value})

    def ping(self, role: str, dst: str) -> bool:
        with netns.Namespace(self.names[role]) as ns:
            try:
                ns.run(["ping", "-n", "-c1", "-W1", dst])
            except netns.FabricError:
                return False
            return True

    def ping_error(self, role: str, dst: str) -> str:
        """What ping prints about a packet that did not arrive."""
        with netns.Namespace(self.names[role]) as ns:
            return ns.run(["sh", "-c", 'ping -n -c1 -W1 "$0" || true', dst])

    def serve(self, role: str, proto: str, port: int, address: str = "0.0.0.0") -> contextlib.ExitStack:
        """Listen in a namespace; leaving the returned context stops it (the world's end does it too)."""
        kind = socket.SOCK_STREAM if proto == "tcp" else socket.SOCK_DGRAM
        family = socket.AF_INET6 if ":" in address else socket.AF_INET

        def bind() -> socket.socket:
            made = socket.socket(family, kind)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.bind((address, port))
            if kind == socket.SOCK_STREAM:
                made.listen()
            return made

        with netns.Namespace(self.names[role]) as ns:
            sock = ns.inside(bind)
        thread = threading.Thread(target=_answer, args=(sock, role, proto))
        thread.start()
        stack = contextlib.ExitStack()
        stack.callback(thread.join)
        stack.callback(sock.close)
        # A blocked accept() is only woken by shutdown, not by close; UDP wakes too, with an error.
        stack.callback(_wake, sock)
        self._closing.callback(stack.close)
        return stack

    def ask(self, role: str, proto: str, dst: str, port: int, *, source_port: int = 0) -> str:
        """The answer, or "refused", or "silence" after a second, or the kernel's words."""
        with netns.Namespace(self.names[role]) as ns:
            return ns.inside(_ask, proto, dst, port, source_port)


def _wake(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


def _answer(sock: socket.socket, text: str, proto: str) -> None:
    with contextlib.suppress(OSError):
        while True:
            if proto == "tcp":
                connection, peer = sock.accept()
                with connection:
                    connection.sendall(f"{text} saw {peer[0]}:{peer[1]}".encode())
            else:
                data, peer = sock.recvfrom(9000)
                if not data:
                    return
                sock.sendto(f"{text} saw {peer[0]}:{peer[1]}".encode(), peer)


def _ask(proto: str, dst: str, port: int, source_port: int) -> str:
    kind = socket.SOCK_STREAM if proto == "tcp" else socket.SOCK_DGRAM
    with socket.socket(socket.AF_INET6 if ":" in dst else socket.AF_INET, kind) as sock:
        sock.settimeout(1)
        if source_port:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(("", source_port))
        try:
            sock.connect((dst, port))
            if proto == "udp":
                sock.send(b"?")
            return sock.recv(1000).decode()
        except TimeoutError:
            return "silence"
        except ConnectionRefusedError:
            return "refused"
        except OSError as error:
            return error.strerror


@pytest.fixture
def empty() -> Iterator[World]:
    if os.geteuid() != 0:
        pytest.skip("needs root and network namespaces")
    world = World()
    try:
        yield world
    finally:
        world.close()


@pytest.fixture
def office(empty: World) -> World:
    """Router, a PC beside it, and Windows, freshly booted."""
    for role in ("gw", "lan", "windows", "wsl"):
        empty.add(role)
    switch = Nic("lan0", "02:00:00:00:00:fe", ("172.24.21.254/24", f"{OUTSIDE}/32", "2001:db8:21::fe/64"))
    lan.build_switch(empty.names["gw"], switch)
    peer = Nic(
        "eth0", "02:00:00:00:00:10", (f"{LAN_ADDRESS}/24", "2001:db8:21::10/64"), gateway="172.24.21.254"
    )
    lan.plug(empty.names["gw"], "lan0", empty.names["lan"], peer)
    lan.plug(empty.names["gw"], "lan0", empty.names["windows"], ETHERNET)
    windows_ip.prepare(empty.names["windows"])
    hyperv_firewall.apply(empty.names["windows"], Policy(rules=(ICMP,)))
    return empty


def admit(world: World, *rules: Rule, **policy: object) -> None:
    hyperv_firewall.apply(world.names["windows"], dataclasses.replace(Policy(rules=rules), **policy))


def rule(protocol: str, *ports: str, action: str = "Allow", remotes: tuple[str, ...] = ()) -> Rule:
    return Rule(f"{action}-{protocol}-{ports}", "Inbound", action, protocol, ports, remotes)


@pytest.fixture
def mirror(office: World) -> Mirroring:
    return mirrored.start(office.names["windows"], office.names["wsl"], MirroredHost((ETHERNET,), ("eth1",)))
