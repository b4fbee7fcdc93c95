"""What stands around a drill: servers, a container, programs, for as long as it lasts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.lab.asking import run

from .causes import said

if TYPE_CHECKING:
    from collections.abc import Iterator

_STEERED_WITHIN_S = 10.0
WINDOWS_GREETING = "this is windows"
PROXY_GREETING = "proxy"
GATEWAY, LAN = "172.24.21.254", "172.24.21.50"
PUBLIC = r"HKLM\SOFTWARE\Policies\Microsoft\WindowsFirewall\PublicProfile"
CABLE = "p1c8341cfa87c"
"""The far end of the cable of Windows' card, on the switch of the LAN."""
SECOND, SECOND_PEER = "10.9.0.50", "10.9.0.1"
NSSWITCH, _LIBRARY = "/etc/nsswitch.conf", "/usr/lib/x86_64-linux-gnu/libnss_mdns4_minimal.so.2"
_MODPROBE = "#!/bin/sh\n[ $1 = -r ] && exec rm /dev/kvm\nexec touch /dev/kvm\n"
_NMCLI = f"""#!/bin/sh
ls /run/NetworkManager/conf.d/*.conf >/dev/null 2>&1 && state=unmanaged || state=connected
[ $state = connected ] || ip route del {LAN}/32 2>/dev/null
[ "$1" != -t ] || printf 'lo:unmanaged\\neth1:%s\\n' $state
exit 0
"""
_GREET = (
    "import socket,sys\n"
    "s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)\n"
    "s.bind((sys.argv[1], int(sys.argv[2]))); s.listen(); print('ready', flush=True)\n"
    "while True:\n"
    "    c, peer = s.accept(); c.sendall((sys.argv[3] or peer[0]).encode()); c.close()\n"
)
_ONCE = (
    "import errno,os,socket,sys\n"
    "s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)\n"
    "try:\n"
    "    s.bind(('0.0.0.0', int(sys.argv[1])))\n"
    "except OSError as error:\n"
    "    sys.exit(errno.errorcode[error.errno])\n"
    "s.listen(); s.settimeout(20); print('ready', flush=True)\n"
    "if os.fork():\n"
    "    os._exit(0)\n"
    "os.setsid(); null = os.open(os.devnull, os.O_RDWR)\n"
    "[os.dup2(null, one) for one in range(3)]\n"
    "c, _ = s.accept(); c.sendall(sys.argv[2].encode()); c.close()\n"
)
_SINK = (
    "import socket,sys\n"
    "s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)\n"
    "s.bind((sys.argv[1], int(sys.argv[2]))); s.listen(); print('ready', flush=True)\n"
    "while True:\n"
    "    c, _ = s.accept(); c.settimeout(2); size = 0\n"
    "    try:\n"
    "        while size < 1400:\n"
    "            size += len(c.recv(2048)) or 2048\n"
    "        c.sendall(b'whole')\n"
    "    except OSError:\n"
    "        pass\n"
    "    c.close()\n"
)
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
_SEND = (
    "import socket,sys\n"
    "s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 2); s.settimeout(2)\n"
    "s.sendall(bytes(1400)); print(s.recv(16).decode())\n"
)


@contextmanager
def _program(space: str, source: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = ["ip", "netns", "exec", space, sys.executable, "-c", source, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            assert server.stdout.readline().strip() == "ready", command
            yield server
        finally:
            server.kill()


@contextmanager
def greeting(lab: Any, machine: str, address: str, port: int, text: str = "") -> Iterator[None]:
    """A TCP server in a machine that says `text`, or else from which address it was asked, and hangs up."""
    with _program(lab.netns(machine), _GREET, address, str(port), text):
        yield


def greets_anew(lab: Any, port: int, text: str) -> bool:
    """Packets: a program that is started in WSL now gets the port, and Windows its greeting; it ends then.

    In WSL's own namespaces, where Windows is asked before each bind.
    """
    done = lab.run("wsl", ["/usr/bin/python3", "-c", _ONCE, str(port), text])
    if done.returncode:
        assert "EADDRINUSE" in done.stderr, done.stderr
        return False
    until = time.monotonic() + _STEERED_WITHIN_S
    while not (heard := said(lab, "windows", "127.0.0.1", port) == text) and time.monotonic() < until:
        time.sleep(0.25)
    return heard


@contextmanager
def windows_serves(lab: Any) -> Iterator[None]:
    """A server of Windows on port 7070 of its 127.0.0.1."""
    with greeting(lab, "windows", "127.0.0.1", 7070, WINDOWS_GREETING):
        yield


@contextmanager
def gateway_takes(lab: Any) -> Iterator[None]:
    """The LAN's gateway takes 1400 bytes on port 7171; behind a drill its wire is as it was."""
    with _program(lab.netns("gw"), _SINK, GATEWAY, "7171"):
        try:
            yield
        finally:
            lab.outside("gw", ["ip", "link", "set", CABLE, "mtu", "1500"])
            lab.outside("gw", ["ip", "route", "replace", "172.24.21.0/24", "dev", "lan0", "src", GATEWAY])


def sends_whole(lab: Any) -> bool:
    """Packets: WSL sends the gateway a packet of 1452 bytes, which both ends allow.

    One alone: what the kernel hands over as several in one passes any veth, however small its MTU.
    """
    done = lab.outside("wsl", [sys.executable, "-c", _SEND, GATEWAY, "7171"])
    return bool(done.stdout.strip() == "whole")


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


def write(lab: Any, machine: str, path: str, text: str) -> None:
    """Puts a file in a machine."""
    done = lab.run(machine, ["sh", "-c", f'mkdir -p $(dirname {path}); printf %s "$1" > {path}', "sh", text])
    assert done.returncode == 0, done.stderr


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
def second_network(lab: Any) -> Iterator[None]:
    """A machine of the LAN is in a second network, too, and says to whom it speaks there."""
    assert lab.outside("lan", ["ip", "address", "add", f"{SECOND_PEER}/24", "dev", "eth0"]).returncode == 0
    try:
        with greeting(lab, "lan", SECOND_PEER, 7272):
            yield
    finally:
        lab.outside("lan", ["ip", "address", "del", f"{SECOND_PEER}/24", "dev", "eth0"])
        lab.outside("windows", ["ip", "address", "del", f"{SECOND}/24", "dev", "ethernet"])


@dataclass
class LocalServer:
    """A server of names in WSL that can be moved from one address of its own to another."""

    lab: Any
    address: str = "127.0.0.2"
    running: subprocess.Popen[str] | None = None

    def move(self, address: str) -> None:
        """Ends it, and starts it on `address`."""
        self.stop()
        command = ["ip", "netns", "exec", self.lab.netns("wsl"), sys.executable, "-c", _ANSWER, address, "53"]
        self.address = address
        self.running = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.running.stdout is not None
        assert self.running.stdout.readline().strip() == "ready"

    def stop(self) -> None:
        """Ends it."""
        if self.running is not None:
            with self.running as server:
                server.kill()
            self.running = None


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


@contextmanager
def managed_network(lab: Any) -> Iterator[None]:
    """A NetworkManager that, while it has eth1, sends what goes to the LAN's PC to nobody; and that PC.

    It leaves the card alone, its route with it, when a file of its own says so.
    """
    write(lab, "wsl", "/usr/local/bin/nmcli", _NMCLI)
    lab.run("wsl", ["chmod", "+x", "/usr/local/bin/nmcli"])
    try:
        with greeting(lab, "lan", LAN, 7373, "this is the lan"):
            yield
    finally:
        lab.run("wsl", ["rm", "-rf", "/usr/local/bin/nmcli", "/run/NetworkManager"])
        lab.outside("wsl", ["ip", "route", "del", f"{LAN}/32"])


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


@contextmanager
def without_kvm(lab: Any) -> Iterator[None]:
    """A CPU that shows virtualisation, /dev/kvm, and a modprobe that makes it; all of it in WSL alone."""
    write(lab, "wsl", "/usr/local/sbin/modprobe", _MODPROBE)
    write(lab, "wsl", "/root/cpuinfo", "flags\t\t: fpu vmx\n")
    steps = (
        "chmod +x /usr/local/sbin/modprobe",
        "mount --bind /root/cpuinfo /proc/cpuinfo",
        "touch /dev/kvm",
    )
    try:
        for step in steps:
            done = lab.run("wsl", step.split())
            assert done.returncode == 0, done.stderr
        yield
    finally:
        lab.run("wsl", ["umount", "/proc/cpuinfo"])
        lab.run("wsl", ["rm", "-f", "/dev/kvm", "/usr/local/sbin/modprobe", "/root/cpuinfo"])


@contextmanager
def docker_behind_gateway(lab: Any) -> Iterator[None]:
    """Docker without WSL's tunnel: names are asked from the gateway, as before there was one."""
    with without_tunnel(lab):
        assert lab.run("wsl", ["sysctl", "-w", "net.ipv4.ip_forward=1"]).returncode == 0
        with docker(lab, "28.0.4") as space:
            _BOXES[lab.name] = space
            yield


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


def resolves(lab: Any) -> bool:
    """Packets: WSL's own resolver finds the address of the LAN's PC."""
    quick = ["env", "RES_OPTIONS=timeout:1 attempts:1"]
    found = lab.run("wsl", [*quick, "getent", "ahostsv4", "lan.office.test"]).stdout
    return bool(found.startswith(f"{LAN} "))


@contextmanager
def vm1_published(lab: Any) -> Iterator[None]:
    """Port 22 of vm1 is published to Windows."""
    code, said = run(lab, "forward", "add", "--to", "vm1:22", "--listen", "tcp/2222@host", "--yes")
    assert (code, said["result"]) == (0, "committed"), said
    try:
        yield
    finally:
        code, said = run(lab, "forward", "remove", "tcp/2222@host", "--yes")
    assert code == 0, said


_BOXES: dict[str, str] = {}


def container_asks(lab: Any) -> bool:
    """Packets: a container asks whom Docker would name in it (its daemon.json, else WSL's, else 8.8.8.8)."""
    settings = lab.run("wsl", ["cat", "/etc/docker/daemon.json"]).stdout
    own = json.loads(settings).get("dns", []) if settings else []
    servers = own or [one for one in (nameserver(lab),) if not one.startswith("127.")] or ["8.8.8.8"]
    return asks(lab, "wsl", servers[0], space=_BOXES[lab.name])


@contextmanager
def docker(lab: Any, version: str) -> Iterator[str]:
    """Docker with one container: a namespace on docker0; what it published is carried by a proxy on 8080.

    Gives the name of the namespace.
    """
    space, wsl = f"t{os.getpid()}-box", lab.netns("wsl")
    here, rules = ["ip", "-n", wsl], ["ip", "netns", "exec", wsl, "iptables"]
    make = [
        ["ip", "netns", "add", space],
        [*here, "link", "add", "docker0", "type", "bridge"],
        [*here, "address", "add", "172.17.0.1/16", "dev", "docker0"],
        [*here, "link", "add", "vethbox", "type", "veth", "peer", "name", "eth0", "netns", space],
        [*here, "link", "set", "vethbox", "master", "docker0", "up"],
        [*here, "link", "set", "docker0", "up"],
        ["ip", "-n", space, "address", "add", "172.17.0.2/16", "dev", "eth0"],
        ["ip", "-n", space, "link", "set", "eth0", "up"],
        ["ip", "-n", space, "route", "add", "default", "via", "172.17.0.1"],
        [*rules, "-t", "nat", "-N", "DOCKER"],
        [*rules, "-t", "nat", "-A", "PREROUTING", "-m", "addrtype", "--dst-type", "LOCAL", "-j", "DOCKER"],
        [
            *rules,
            "-t",
            "nat",
            "-A",
            "POSTROUTING",
            "-s",
            "172.17.0.0/16",
            "!",
            "-o",
            "docker0",
            "-j",
            "MASQUERADE",
        ],
    ]
    take = [
        [*rules, "-t", "nat", "-D", "PREROUTING", "-m", "addrtype", "--dst-type", "LOCAL", "-j", "DOCKER"],
        [
            *rules,
            "-t",
            "nat",
            "-D",
            "POSTROUTING",
            "-s",
            "172.17.0.0/16",
            "!",
            "-o",
            "docker0",
            "-j",
            "MASQUERADE",
        ],
        [*rules, "-t", "nat", "-F", "DOCKER"],
        [*rules, "-t", "nat", "-X", "DOCKER"],
        ["ip", "netns", "delete", space],
        [*here, "link", "delete", "docker0"],
    ]
    try:
        for step in make:
            subprocess.run(step, check=True, timeout=10)
        write(lab, "wsl", "/run/docker/containers.json", json.dumps([]))
        write(lab, "wsl", "/run/docker/version", version)
        # Its restart: the engine of the lab is a file.
        write(lab, "wsl", "/etc/init.d/docker", "#!/bin/sh\n")
        assert lab.run("wsl", ["chmod", "+x", "/etc/init.d/docker"]).returncode == 0
        with (
            greeting(lab, "wsl", "0.0.0.0", 8080, PROXY_GREETING),
            _program(space, _GREET, "0.0.0.0", "80", "box"),
        ):
            yield space
    finally:
        for step in take:
            subprocess.run(step, check=False, timeout=10)
        lab.run("wsl", ["rm", "-rf", "/run/docker", "/etc/docker", "/etc/init.d/docker"])
