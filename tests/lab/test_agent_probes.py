"""Probes and responders with real packets: three machines in a row, the middle one rejects, drops, routes."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

import pytest

from wslnet.model.change import Op

from .agent_bench import Netns, agent_in, wire_up

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.transport.agent_client import AgentClient

pytestmark = pytest.mark.lab

NEAR, ROUTER, FAR = "192.168.122.1", "192.168.122.191", "192.168.124.91"


@pytest.fixture(scope="module")
def row() -> Iterator[tuple[Netns, Netns, Netns]]:
    """wsl - vm1 - vm2 with routes, forwarding on, and no firewall yet."""
    wsl, vm1, vm2 = Netns(), Netns(), Netns()
    try:
        wire_up(wsl, "eth0", f"{NEAR}/24", vm1, "eth0", f"{ROUTER}/24")
        wire_up(vm1, "eth1", "192.168.124.1/24", vm2, "eth0", f"{FAR}/24")
        for namespace, device, address in ((wsl, "eth0", "fd22::1/64"), (vm1, "eth0", "fd22::191/64")):
            namespace.exec("ip", "address", "add", address, "dev", device, "nodad")
        for namespace, device, address in ((vm1, "eth1", "fd24::1/64"), (vm2, "eth0", "fd24::91/64")):
            namespace.exec("ip", "address", "add", address, "dev", device, "nodad")
        vm1.exec("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
        wsl.exec("ip", "route", "add", "192.168.124.0/24", "via", ROUTER)
        wsl.exec("ip", "-6", "route", "add", "fd24::/64", "via", "fd22::191")
        vm2.exec("ip", "route", "add", "default", "via", "192.168.124.1")
        vm2.exec("ip", "-6", "route", "add", "default", "via", "fd24::1")
        yield wsl, vm1, vm2
    finally:
        for namespace in (wsl, vm1, vm2):
            namespace.remove()


@pytest.fixture(autouse=True)
def open_router(row: tuple[Netns, Netns, Netns]) -> Iterator[None]:
    yield
    for tool in ("iptables-nft", "ip6tables-nft"):
        row[1].exec(tool, "-F", "FORWARD")


def probe(agent: AgentClient, *probes: dict[str, object]) -> list[dict[str, object]]:
    return agent.call("probes", probes=[{"timeout_s": 1.5, **one} for one in probes])


@pytest.mark.row("S1-11")
def test_all_kinds_reach_a_listener_of_ours(row: tuple[Netns, Netns, Netns]) -> None:
    with agent_in(row[0]) as here, agent_in(row[2]) as there:
        ports = [
            there.call("listen", proto=proto, address=address, port=0, text="hello from vm2")["port"]
            for proto, address in (("tcp", "0.0.0.0"), ("udp", FAR), ("tcp", "fd24::91"))
        ]
        results = probe(
            here,
            {"proto": "icmp", "dst": FAR},
            {"proto": "tcp", "dst": FAR, "port": ports[0], "expect": "hello from vm2"},
            {"proto": "tcp", "dst": FAR, "port": ports[0]},
            {"proto": "udp", "dst": FAR, "port": ports[1], "expect": "hello from vm2"},
            {"proto": "icmp", "dst": "fd24::91"},
            {"proto": "tcp", "dst": "fd24::91", "port": ports[2], "expect": "hello from vm2"},
        )
        assert [(one["ok"], one["detail"], one["from"]) for one in results] == [(True, "ok", None)] * 6
        assert all(0 < one["ms"] < 1500 for one in results)
        there.call("unlisten", proto="tcp", port=ports[0])
        there.call("unlisten", proto="udp", port=ports[1])
        closed = probe(
            here,
            {"proto": "tcp", "dst": FAR, "port": ports[0]},
            {"proto": "udp", "dst": FAR, "port": ports[1]},
        )
        assert [one["detail"] for one in closed] == ["refused", "refused"]


@pytest.mark.parametrize(
    ("how", "detail"),
    [
        ("icmp-port-unreachable", "unreachable:port"),
        ("icmp-host-unreachable", "unreachable:host"),
        ("icmp-net-unreachable", "unreachable:net"),
        ("icmp-admin-prohibited", "unreachable:admin"),
    ],
)
def test_a_reject_on_the_way_is_told_with_who_did_it(
    row: tuple[Netns, Netns, Netns], how: str, detail: str
) -> None:
    row[1].exec("iptables-nft", "-A", "FORWARD", "-o", "eth1", "-j", "REJECT", "--reject-with", how)
    with agent_in(row[0]) as here:
        results = probe(
            here,
            {"proto": "icmp", "dst": FAR},
            {"proto": "tcp", "dst": FAR, "port": 22},
            {"proto": "udp", "dst": FAR, "port": 53},
            {"proto": "ssh", "dst": FAR, "port": 22},
        )
    assert [(one["ok"], one["detail"], one["from"]) for one in results] == [(False, detail, ROUTER)] * 4


def test_an_ipv6_reject_is_told_with_who_did_it(row: tuple[Netns, Netns, Netns]) -> None:
    row[1].exec("ip6tables-nft", "-A", "FORWARD", "-o", "eth1", "-j", "REJECT")
    with agent_in(row[0]) as here:
        results = probe(
            here, {"proto": "icmp", "dst": "fd24::91"}, {"proto": "tcp", "dst": "fd24::91", "port": 22}
        )
    assert [(one["detail"], one["from"]) for one in results] == [("unreachable:port", "fd22::191")] * 2


def test_silence_is_a_time_out_and_all_wait_at_the_same_time(row: tuple[Netns, Netns, Netns]) -> None:
    row[1].exec("iptables-nft", "-A", "FORWARD", "-o", "eth1", "-j", "DROP")
    with agent_in(row[0]) as here:
        here.facts(["links"])
        started = time.monotonic()
        results = probe(
            here, *({"proto": proto, "dst": FAR, "port": 22} for proto in ("icmp", "tcp", "udp", "ssh") * 10)
        )
        assert time.monotonic() - started < 10
    assert {(one["ok"], one["detail"], one["ms"]) for one in results} == {(False, "timeout", None)}


def test_no_route_is_not_a_time_out(row: tuple[Netns, Netns, Netns]) -> None:
    with agent_in(row[0]) as here:
        results = probe(
            here, *({"proto": proto, "dst": "10.99.0.1", "port": 22} for proto in ("icmp", "tcp", "udp"))
        )
    assert [one["detail"] for one in results] == ["no-route"] * 3


def test_a_neighbour_that_does_not_answer_is_an_unreachable_host(row: tuple[Netns, Netns, Netns]) -> None:
    with agent_in(row[0]) as here:
        results = probe(
            here,
            *(
                {"proto": proto, "dst": "192.168.122.77", "port": 22, "timeout_s": 6}
                for proto in ("icmp", "tcp")
            ),
        )
    assert [one["detail"] for one in results] == ["unreachable:host"] * 2


def test_ssh_wants_the_greeting_of_an_ssh_server(row: tuple[Netns, Netns, Netns]) -> None:
    with agent_in(row[0]) as here, agent_in(row[2]) as there:
        there.run(
            [
                Op("listen", {"proto": "tcp", "address": FAR, "port": 22, "text": "SSH-2.0-OpenSSH_9.2\r\n"}),
                Op("listen", {"proto": "tcp", "address": FAR, "port": 23, "text": "login: "}),
            ]
        )
        results = probe(
            here, {"proto": "ssh", "dst": FAR, "port": 22}, {"proto": "ssh", "dst": FAR, "port": 23}
        )
        wrong = probe(here, {"proto": "tcp", "dst": FAR, "port": 23, "expect": "hello"})
    assert [one["detail"] for one in results] == ["ok", "no-banner"]
    assert wrong[0]["detail"] == "mismatch"


def test_a_port_in_use_and_one_that_is_not_ours(row: tuple[Netns, Netns, Netns]) -> None:
    with agent_in(row[2]) as there:
        port = there.call("listen", proto="tcp", address=FAR, port=0, text="x")["port"]
        results = there.run(
            [
                Op("listen", {"proto": "tcp", "address": FAR, "port": port, "text": "x"}),
                Op("unlisten", {"proto": "udp", "port": port}),
                Op("listen", {"proto": "tcp", "address": "10.99.0.1", "port": 1, "text": "x"}),
                Op("probes", {"probes": [{"proto": "tcp", "dst": "localhost", "port": 1}]}),
                Op("probes", {"probes": [{"proto": "gre", "dst": FAR}]}),
                Op("unlisten", {"proto": "tcp", "port": port}),
            ]
        )
    assert [result.code for result in results] == ["failed", "not-found", "not-found", "bad-op", "bad-op", ""]


@pytest.mark.row("S1-11")
def test_responders_end_with_their_agent(row: tuple[Netns, Netns, Netns]) -> None:
    with agent_in(row[2]) as there:
        port = there.call("listen", proto="tcp", address=FAR, port=0, text="x")["port"]
        assert f"{FAR}:{port}" in row[2].exec("ss", "-ltn")
    assert f"{FAR}:{port}" not in row[2].exec("ss", "-ltn")


def test_a_plain_user_pings_where_the_kernel_allows_it(row: tuple[Netns, Netns, Netns]) -> None:
    row[0].exec("sysctl", "-qw", "net.ipv4.ping_group_range=0 2147483647")
    drop = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--inh-caps=-all")
    with agent_in(row[0], prefix=drop) as here:
        results = probe(here, {"proto": "icmp", "dst": FAR}, {"proto": "icmp", "dst": "fd24::91"})
    assert [one["detail"] for one in results] == ["ok", "ok"]
    assert socket.has_ipv6
