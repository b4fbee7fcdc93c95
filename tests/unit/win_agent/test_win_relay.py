"""The relay of UDP by real datagrams on loopback: peers apart, silence forgotten, no more than so many."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import pytest

from wslnet_win_agent.boot.relay_task import port_of, relay_name, relay_task
from wslnet_win_agent.boot.task_xml import read_task, write_task
from wslnet_win_agent.relay.udp import UdpRelay

if TYPE_CHECKING:
    from collections.abc import Iterator

WAIT_S = 10.0
ANY = ("127.0.0.1", 0)


def udp() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind(ANY)
    made.settimeout(WAIT_S)
    return made


def free_port() -> int:
    with closing(udp()) as made:
        port: int = made.getsockname()[1]
        return port


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@contextmanager
def serving(relay: UdpRelay) -> Iterator[None]:
    over = threading.Event()
    thread = threading.Thread(target=relay.serve, args=(over.is_set,))
    thread.start()
    try:
        until = time.monotonic() + WAIT_S
        while len(relay.listening) < len(relay.listens):
            assert time.monotonic() < until, "it does not listen"
            time.sleep(0.01)
        yield
    finally:
        over.set()
        thread.join(WAIT_S)
        assert not thread.is_alive()


def test_each_peer_gets_its_own_answers_from_the_address_it_asked() -> None:
    with closing(udp()) as target, closing(udp()) as one, closing(udp()) as two:
        ports = free_port(), free_port()
        relay = UdpRelay(tuple(("127.0.0.1", port) for port in ports), target.getsockname())
        with serving(relay):
            for peer, port, word in ((one, ports[0], b"one"), (two, ports[1], b"two")):
                peer.sendto(word, ("127.0.0.1", port))
            asked = dict(target.recvfrom(100) for _ in range(2))
            assert asked[b"one"] != asked[b"two"]
            for word in (b"two", b"one"):
                target.sendto(word * 2, asked[word])
            assert one.recvfrom(100) == (b"oneone", ("127.0.0.1", ports[0]))
            assert two.recvfrom(100) == (b"twotwo", ("127.0.0.1", ports[1]))


def test_what_is_large_and_what_is_empty_gets_through() -> None:
    with closing(udp()) as target, closing(udp()) as peer:
        port = free_port()
        with serving(UdpRelay((("127.0.0.1", port),), target.getsockname())):
            for payload in (b"", b"x" * 60000):
                peer.sendto(payload, ("127.0.0.1", port))
                assert target.recvfrom(65535)[0] == payload


def test_nobody_else_than_the_target_is_heard() -> None:
    with closing(udp()) as target, closing(udp()) as peer, closing(udp()) as stranger:
        port = free_port()
        with serving(UdpRelay((("127.0.0.1", port),), target.getsockname())):
            peer.sendto(b"?", ("127.0.0.1", port))
            _, near = target.recvfrom(100)
            stranger.sendto(b"not the target", near)
            target.sendto(b"the target", near)
            assert peer.recvfrom(100)[0] == b"the target"


def test_a_silent_peer_is_forgotten_and_the_oldest_makes_room() -> None:
    clock = Clock()
    with closing(udp()) as target:
        port = free_port()
        relay = UdpRelay((("127.0.0.1", port),), target.getsockname(), idle_s=60, most=2, clock=clock)
        peers = [udp() for _ in range(3)]
        try:
            relay.step(0)
            near = []
            for peer in peers:
                peer.sendto(b"?", ("127.0.0.1", port))
                relay.step(WAIT_S)
                near.append(target.recvfrom(100)[1])
                clock.now += 1
            assert relay.peers == 2
            target.sendto(b"to the first", near[0])
            target.sendto(b"to the third", near[2])
            relay.step(WAIT_S)
            assert peers[2].recvfrom(100)[0] == b"to the third"
            peers[0].settimeout(0)
            with pytest.raises(BlockingIOError):
                peers[0].recvfrom(100)
            clock.now += 61
            relay.step(0)
            assert relay.peers == 0
        finally:
            relay.close()
            for peer in peers:
                peer.close()


def test_a_target_that_refuses_ends_nothing_and_a_taken_address_is_tried_again() -> None:
    clock = Clock()
    with closing(udp()) as peer, closing(udp()) as holder:
        port, taken = free_port(), holder.getsockname()
        nobody = ("127.0.0.1", free_port())
        relay = UdpRelay((("127.0.0.1", port), taken), nobody, clock=clock)
        try:
            relay.step(0)
            for _ in range(3):
                peer.sendto(b"?", ("127.0.0.1", port))
                relay.step(1)
            assert relay.listening == {("127.0.0.1", port)}
            holder.close()
            clock.now += 5
            relay.step(0)
            assert relay.listening == {("127.0.0.1", port), taken}
        finally:
            relay.close()


def test_its_task_survives_the_xml_and_is_known_by_its_name() -> None:
    task = relay_task(5353, ["172.24.21.109", "127.0.0.1"], "172.23.102.37", 53)
    assert task.arguments == (
        "boot relay --listen 172.24.21.109:5353 --listen 127.0.0.1:5353 --to 172.23.102.37:53"
    )
    assert read_task(task.name, write_task(task), {}).same_as(task)
    assert (port_of(relay_name(5353)), port_of("network")) == (5353, None)
