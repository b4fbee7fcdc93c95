"""What stands around a drill: servers, second networks, programs, for as long as it lasts."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tests.lab.asking import run
from tests.lab.servers import greeting, heard, program

from .causes import soon

if TYPE_CHECKING:
    from collections.abc import Iterator

_STEERED_WITHIN_S = 10.0
WINDOWS_GREETING = "this is windows"
GATEWAY, LAN = "172.24.21.254", "172.24.21.50"
CABLE = "p1c8341cfa87c"
"""The far end of the cable of Windows' card, on the switch of the LAN."""
SECOND, SECOND_PEER = "10.9.0.50", "10.9.0.1"
_MODPROBE = "#!/bin/sh\n[ $1 = -r ] && exec rm /dev/kvm\nexec touch /dev/kvm\n"
_NMCLI = f"""#!/bin/sh
ls /run/NetworkManager/conf.d/*.conf >/dev/null 2>&1 && state=unmanaged || state=connected
[ $state = connected ] || ip route del {LAN}/32 2>/dev/null
[ "$1" != -t ] || printf 'lo:unmanaged\\neth1:%s\\n' $state
exit 0
"""
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
_SEND = (
    "import socket,sys\n"
    "s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 2); s.settimeout(2)\n"
    "s.sendall(bytes(1400)); print(s.recv(16).decode())\n"
)


def write(lab: Any, machine: str, path: str, text: str) -> None:
    """Puts a file in a machine."""
    done = lab.run(machine, ["sh", "-c", f'mkdir -p $(dirname {path}); printf %s "$1" > {path}', "sh", text])
    assert done.returncode == 0, done.stderr


def greets_anew(lab: Any, port: int, text: str) -> bool:
    """Packets: a program that is started in WSL now gets the port, and Windows its greeting; it ends then.

    In WSL's own namespaces, where Windows is asked before each bind.
    """
    done = lab.run("wsl", ["/usr/bin/python3", "-c", _ONCE, str(port), text])
    if done.returncode:
        assert "EADDRINUSE" in done.stderr, done.stderr
        return False
    return soon(lambda: heard(lab, "windows", "127.0.0.1", port) == text, _STEERED_WITHIN_S)


@contextmanager
def windows_serves(lab: Any) -> Iterator[None]:
    """A server of Windows on port 7070 of its 127.0.0.1."""
    with greeting(lab, "windows", "127.0.0.1", 7070, WINDOWS_GREETING):
        yield


@contextmanager
def gateway_takes(lab: Any) -> Iterator[None]:
    """The LAN's gateway takes 1400 bytes on port 7171; behind a drill its wire is as it was."""
    with program(lab.netns("gw"), _SINK, GATEWAY, "7171"):
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
def vm1_published(lab: Any) -> Iterator[None]:
    """Port 22 of vm1 is published to Windows."""
    code, said = run(lab, "forward", "add", "--to", "vm1:22", "--listen", "tcp/2222@host", "--yes")
    assert (code, said["result"]) == (0, "committed"), said
    try:
        yield
    finally:
        code, said = run(lab, "forward", "remove", "tcp/2222@host", "--yes")
    assert code == 0, said
