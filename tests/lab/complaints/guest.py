"""Causes that live in the Linux guest, by the mode of WSL in which they are drilled."""

from __future__ import annotations

from functools import partial
from typing import Any

from tests.lab.servers import answer, answering, heard

from . import docker, names, stages
from .causes import Cause, connects, in_machine, in_network
from .stages import WINDOWS_GREETING, write

_PUBLISHED = "-p tcp --dport 8080"
_NO_SERVER = "nameserver 192.0.2.53\n"
_UNSAFE_MOUNT = "nas:/share /mnt/share nfs ro,soft 0 0\n"


def widen_ports(lab: Any) -> None:
    """What a file of sysctl.d does."""
    done = lab.run("wsl", ["sysctl", "-w", "net.ipv4.ip_local_port_range=10000 40000"])
    assert done.returncode == 0, done.stderr


def own_resolver(lab: Any) -> None:
    """A resolv.conf of one's own, with a server that WSL cannot reach."""
    write(lab, "wsl", "/etc/wsl.conf", "[network]\ngenerateResolvConf = false\n")
    write(lab, "wsl", "/etc/resolv.conf", _NO_SERVER)


def second_address(lab: Any) -> None:
    """An address of a second network on the card of Windows; WSL gets it within a second."""
    assert (
        lab.outside("windows", ["ip", "address", "add", f"{stages.SECOND}/24", "dev", "ethernet"]).returncode
        == 0
    )


def seen_as_second(lab: Any) -> bool:
    """Packets: the machine in the second network sees WSL come from there."""
    return heard(lab, "wsl", stages.SECOND_PEER, 7272) == stages.SECOND


def mounts_wait_not(lab: Any) -> bool:
    """As findmnt reads the file: no network mount without `nofail`. (The lab mounts nothing.)"""
    done = lab.run("wsl", ["findmnt", "--fstab", "-n", "-t", "nfs", "-O", "nonofail"])
    return bool(done.stdout.strip() == "")


def names_are_found(lab: Any) -> bool:
    """Packets: WSL asks whom its resolv.conf names."""
    return names.asks(lab, "wsl", names.nameserver(lab))


def asks_mdns_first(lab: Any) -> bool:
    """What nsswitch.conf says, word by word. (Nobody speaks mDNS in the lab.)"""
    words = lab.run("wsl", ["cat", names.NSSWITCH]).stdout.split()
    return "mdns4_minimal" in words and words.index("mdns4_minimal") < words.index("dns")


def narrow(lab: Any) -> None:
    """A wire behind the card takes 1400 bytes, and nobody says so."""
    for command in (
        f"ip route replace 172.24.21.0/24 dev lan0 src {stages.GATEWAY} advmss 1460",
        f"ip link set {stages.CABLE} mtu 1400",
    ):
        assert lab.outside("gw", command.split()).returncode == 0


IN_MIRRORED = (
    Cause(
        row=1,
        issues=("#10494", "moby#48056"),
        stage=partial(docker.docker, version="26.1.5"),
        breaking=in_network(
            "wsl",
            f"iptables -t nat -A DOCKER ! -i docker0 {_PUBLISHED} -j DNAT --to-destination 172.17.0.2:80",
        ),
        named=("docker.mirrored", "wsl"),
        evidence="-j DNAT --to-destination 172.17.0.2:80",
        flows=connects("windows", "127.0.0.1", 8080, docker.PROXY_GREETING),
    ),
    Cause(
        row=2,
        issues=("moby#53382",),
        stage=partial(docker.docker, version="28.0.4"),
        breaking=in_network(
            "wsl", f"iptables -t raw -A PREROUTING ! -i lo -d 127.0.0.1 {_PUBLISHED} -j DROP"
        ),
        named=("docker.mirrored", "wsl"),
        evidence="raw PREROUTING",
        flows=connects("windows", "127.0.0.1", 8080, docker.PROXY_GREETING),
    ),
    Cause(
        row=3,
        issues=("#12255", "#12626"),
        stage=partial(answering, machine="windows", port=7071, text=WINDOWS_GREETING),
        # Without that of TCP wslnet's own way to WSL would be gone with it.
        breaking=in_network("wsl", "ip -4 rule delete priority 1 ipproto udp lookup 127"),
        named=("mirror.rules", "wsl"),
        evidence="no rule that sends udp to table 127",
        flows=lambda lab: answer(lab, "wsl", "127.0.0.1", 7071) == WINDOWS_GREETING,
    ),
    Cause(
        row=13,
        issues=("#4698", "#6264"),
        stage=stages.gateway_takes,
        breaking=narrow,
        named=("mtu", "wsl"),
        evidence="1400 bytes went to 172.24.21.254",
        flows=stages.sends_whole,
    ),
    Cause(
        row=16,
        issues=("#12310",),
        stage=names.tunnel_answers,
        breaking=own_resolver,
        named=("dns.tunnel", "wsl"),
        evidence="/etc/resolv.conf names 192.0.2.53",
        flows=names_are_found,
        also=frozenset({("wslconf.keys", "wsl")}),
        ordinary=True,
    ),
    Cause(
        row=19,
        issues=("#11852",),
        stage=names.mdns_installed,
        breaking=lambda lab: write(lab, "wsl", names.NSSWITCH, "hosts: files dns\n"),
        named=("dns.mdns", "wsl"),
        evidence="hosts: files dns",
        flows=asks_mdns_first,
    ),
    Cause(
        row=29,
        issues=("#41227", "#41102"),
        stage=stages.windows_serves,
        breaking=widen_ports,
        named=("port.reserved", "wsl"),
        evidence="net.ipv4.ip_local_port_range is 10000 to 40000",
        flows=connects("wsl", "127.0.0.1", 7070, WINDOWS_GREETING),
        ordinary=True,
    ),
    Cause(
        row=31,
        issues=("#14063",),
        stage=names.local_server,
        breaking=lambda lab: names.server_of(lab).move("127.0.0.1"),
        named=("listen.dns", "wsl"),
        evidence="127.0.0.1:53",
        flows=lambda lab: names.asks(lab, "wsl", names.server_of(lab).address),
        by_hand=lambda lab: names.server_of(lab).move("127.0.0.2"),
    ),
    Cause(
        row=34,
        issues=("#11150",),
        stage=stages.vm1_published,
        breaking=in_network("wsl", "iptables -t nat -F PREROUTING"),
        named=("forward.published", "wsl"),
        evidence="missing: wsl: rule",
        flows=connects("windows", "127.0.0.1", 2222, "SSH-2.0"),
    ),
    Cause(
        row=36,
        issues=("#13262",),
        stage=stages.without_kvm,
        breaking=in_machine("wsl", "rm /dev/kvm"),
        named=("nested.kvm", "wsl"),
        evidence="/dev/kvm is missing",
        flows=lambda lab: bool(lab.run("wsl", ["test", "-e", "/dev/kvm"]).returncode == 0),
    ),
    Cause(
        row=44,
        issues=("#11247",),
        stage=stages.managed_network,
        breaking=in_machine(
            "wsl",
            "mkdir -p /run/NetworkManager",
            f"ip route add {stages.LAN}/32 via 172.24.21.200 dev eth1",
        ),
        named=("wsl.manager", "wsl"),
        evidence="nmcli device: eth1",
        flows=connects("wsl", stages.LAN, 7373, "this is the lan"),
    ),
    Cause(
        row=45,
        issues=("#12548",),
        stage=stages.second_network,
        breaking=second_address,
        named=("mirror.sources", "wsl"),
        evidence="10.9.0.0/24 dev eth1",
        flows=seen_as_second,
        works_before=False,
    ),
    Cause(
        row=47,
        issues=("#11005",),
        breaking=lambda lab: write(lab, "wsl", "/etc/fstab", _UNSAFE_MOUNT),
        named=("wsl.fstab", "wsl"),
        evidence="nas:/share",
        flows=mounts_wait_not,
    ),
)
"""A mirrored WSL on the seed, after `setup --mirrored`."""

IN_NAT = (
    Cause(
        row=18,
        issues=("D:troubleshooting",),
        stage=docker.docker_behind_gateway,
        breaking=lambda lab: write(lab, "wsl", "/etc/resolv.conf", "nameserver 127.0.0.1\n"),
        named=("docker.dns", "wsl"),
        evidence="names 127.0.0.1 alone",
        flows=docker.container_asks,
    ),
)
"""The seed in NAT mode, after `setup --nat`."""
