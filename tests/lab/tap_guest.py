"""A guest on a tap, as QEMU would plug it in: a namespace with a card whose frames a process carries.

The process opens the tap as the user who owns it, without any right beside that; when it ends the card and
all that the guest was are gone.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import struct
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from wslnet_lab import syscalls

if TYPE_CHECKING:
    from collections.abc import Iterator

CARD = "ens3"
_DEVICE = "/dev/net/tun"
_READY_S = 10.0
_SET_INTERFACE = 0x400454CA
_TAP_WITHOUT_INFO = 0x1002
_READY, _REFUSED = b"ready\n", b"refused\n"


class Guest:
    """One guest; `netns` is where it lives."""

    def __init__(self, netns: str) -> None:
        self.netns = netns

    def exec(self, *argv: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["ip", "netns", "exec", self.netns, *argv],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )

    def address(self, cidr: str, gateway: str | None = None) -> None:
        """Gives its card an address, and a default route."""
        commands = [["address", "add", cidr, "dev", CARD]]
        commands += [["route", "add", "default", "via", gateway, "dev", CARD]] if gateway else []
        for command in commands:
            done = self.exec("ip", *command)
            assert done.returncode == 0, done.stderr

    def pings(self, address: str, *more: str) -> bool:
        return self.exec("ping", "-n", "-c", "1", "-W", "1", *more, address).returncode == 0


@contextmanager
def guest_on(machine_netns: str, tap: str, mac: str, uid: int = 0) -> Iterator[Guest]:
    """A guest plugged into `tap` of the machine with that namespace, by a process of the user `uid`.

    Raises:
        PermissionError: that user may not open the tap.
    """
    netns = f"{machine_netns}-{tap}"
    subprocess.run(["ip", "netns", "add", netns], check=True, timeout=20)
    carrier = subprocess.Popen(
        [sys.executable, __file__, json.dumps([machine_netns, tap, netns, uid])], stdout=subprocess.PIPE
    )
    try:
        assert carrier.stdout is not None
        ready, _, _ = select.select([carrier.stdout], [], [], _READY_S)
        said = carrier.stdout.readline() if ready else b""
        if said == _REFUSED:
            raise PermissionError(f"user {uid} may not open {tap}")
        assert said == _READY, f"{tap}: the guest does not start"
        guest = Guest(netns)
        for command in (["lo", "up"], [CARD, "address", mac], [CARD, "up"]):
            done = guest.exec("ip", "link", "set", *command)
            assert done.returncode == 0, done.stderr
        # Its port forwards as soon as somebody is plugged in.
        time.sleep(0.2)
        yield guest
    finally:
        carrier.kill()
        carrier.wait(10)
        assert carrier.stdout is not None
        carrier.stdout.close()
        subprocess.run(["ip", "netns", "delete", netns], check=True, timeout=20)


def _enter(netns: str) -> None:
    descriptor = os.open(f"/run/netns/{netns}", os.O_RDONLY)
    syscalls.setns(descriptor, syscalls.CLONE_NEWNET)
    os.close(descriptor)


def _open(name: str, tun: int) -> int:
    fcntl.ioctl(tun, _SET_INTERFACE, struct.pack("=16sH22x", name.encode(), _TAP_WITHOUT_INFO))
    return tun


def _carry(machine_netns: str, tap: str, netns: str, uid: int) -> None:
    _enter(netns)
    card = _open(CARD, os.open(_DEVICE, os.O_RDWR))
    _enter(machine_netns)
    # The device is everybody's on a real machine; whose the tap is counts when it is asked for.
    device = os.open(_DEVICE, os.O_RDWR)
    if uid:
        os.setgroups([])
        os.setgid(uid)
        os.setuid(uid)
    try:
        port = _open(tap, device)
    except PermissionError:
        os.write(1, _REFUSED)
        return
    os.write(1, _READY)
    other = {card: port, port: card}
    while True:
        for ready in select.select(list(other), [], [])[0]:
            try:
                os.write(other[ready], os.read(ready, 65536))
            except OSError:
                # A card that is down takes no frames; a cable does not mind.
                continue


if __name__ == "__main__":
    _carry(*json.loads(sys.argv[1]))
