"""Binds in a mirrored guest ask Windows first, felt by real bind(2) calls (wsl-guest-facts 4).

The table is the recording of WSL's own tracker, case by case; then the same inside a lab.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from wslnet_lab import netns, seccomp
from wslnet_lab.fabric.model import PortBlock
from wslnet_lab.fabric.steering import Ports, refuses
from wslnet_lab.port_tracker import Bind, PortTracker

from .agent_bench import Netns
from .conftest import wslnet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .conftest import RunningLab

pytestmark = pytest.mark.lab

TOPOLOGY = "seed"
HELD = Ports(tcp=frozenset({5000}), udp=frozenset({5001, 67, 5353}))
# Binds what it is told, one line of JSON an argument; prints what became of each.
BINDER = """
import errno, json, socket, sys
kept, found = [], []
for text in sys.argv[1:]:
    case = json.loads(text)
    family = {4: socket.AF_INET, 6: socket.AF_INET6, 0: socket.AF_UNIX}[case["family"]]
    one = socket.socket(family, socket.SOCK_STREAM if case["proto"] == "tcp" else socket.SOCK_DGRAM)
    for option in case.get("options", ()):
        one.setsockopt(socket.SOL_SOCKET, getattr(socket, option), 1)
    if case["family"] == 6 and case.get("v6only"):
        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    try:
        one.bind(case["address"] if case["family"] == 0 else (case["address"], case["port"]))
        found.append(0)
    except OSError as error:
        found.append(errno.errorcode[error.errno])
    kept.append(one)
print(json.dumps(found))
"""


def want(proto: str, address: str, port: int = 0, *options: str, **more: object) -> dict[str, Any]:
    family = 6 if ":" in address else 4
    return {"proto": proto, "family": family, "address": address, "port": port, "options": options, **more}


ASKED: dict[str, tuple[dict[str, Any], object]] = {
    "tcp 0.0.0.0:8080 bind+listen": (want("tcp", "0.0.0.0", 8080), 0),
    "tcp 127.0.0.1:8081": (want("tcp", "127.0.0.1", 8081), 0),
    "tcp 127.0.0.2:8082": (want("tcp", "127.0.0.2", 8082), 0),
    "udp 127.0.0.53:53": (want("udp", "127.0.0.53", 53), 0),
    "tcp 0.0.0.0:53": (want("tcp", "0.0.0.0", 53), 0),
    "tcp [::]:8083 dual stack": (want("tcp", "::", 8083), 0),
    "tcp [::1]:8085": (want("tcp", "::1", 8085), 0),
    "udp 0.0.0.0:8080 (tcp 8080 is held)": (want("udp", "0.0.0.0", 8080), 0),
    "udp 0.0.0.0:5353 mDNS": (want("udp", "0.0.0.0", 5353), 0),
    "tcp 10.1.1.1:8087 address not ours": (want("tcp", "10.1.1.1", 8087), "EADDRNOTAVAIL"),
    "tcp 0.0.0.0:5000 held on Windows": (want("tcp", "0.0.0.0", 5000), "EADDRINUSE"),
    "tcp 127.0.0.1:5000 held on Windows": (want("tcp", "127.0.0.1", 5000), "EADDRINUSE"),
    "udp 0.0.0.0:5001 held on Windows": (want("udp", "0.0.0.0", 5001), "EADDRINUSE"),
    "tcp 0.0.0.0:5000 with SO_REUSEADDR|SO_REUSEPORT": (
        want("tcp", "0.0.0.0", 5000, "SO_REUSEADDR", "SO_REUSEPORT"),
        "EADDRINUSE",
    ),
    "tcp 0.0.0.0:45000 inside the guest's own block": (want("tcp", "0.0.0.0", 45000), 0),
    "tcp 0.0.0.0:50123 above the block": (want("tcp", "0.0.0.0", 50123), 0),
}
UNASKED = [want("tcp", "0.0.0.0"), want("udp", "::"), {**want("tcp", "\0wslnet-test"), "family": 0}]


class Windows:
    """Answers as Windows would, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Bind] = []

    def refused(self, wanted: Bind) -> bool:
        self.asked.append(wanted)
        return refuses(HELD, wanted.proto, wanted.address, wanted.port, block=PortBlock(), ignored=())


@pytest.fixture
def guest() -> Iterator[Netns]:
    if os.geteuid() != 0:
        pytest.skip("needs root and network namespaces")
    space = Netns()
    try:
        yield space
    finally:
        space.remove()


@pytest.fixture
def windows() -> Windows:
    return Windows()


@pytest.fixture
def tracker(guest: Netns, windows: Windows) -> Iterator[PortTracker]:
    with tempfile.TemporaryDirectory() as folder:
        running = PortTracker(Path(folder) / "ports", netns.identity(guest.name), windows.refused)
        try:
            yield running
        finally:
            running.stop()


def bind(tracker: PortTracker, space: str, *cases: dict[str, Any]) -> list[object]:
    """What becomes of binds that one trapped program tries in a namespace."""
    inside = ["ip", "netns", "exec", space, sys.executable, "-c", BINDER, *map(json.dumps, cases)]
    done = subprocess.run(
        [sys.executable, "-S", "-E", str(seccomp.__file__), str(tracker.path), *inside],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    found: list[object] = json.loads(done.stdout)
    return found


def test_binds_end_as_recorded(guest: Netns, windows: Windows, tracker: PortTracker) -> None:
    expected = {name: outcome for name, (_, outcome) in ASKED.items()}
    assert dict(
        zip(expected, bind(tracker, guest.name, *(case for case, _ in ASKED.values())), strict=True)
    ) == (expected)
    wanted = [Bind(case["proto"], case["address"], case["port"]) for case, _ in ASKED.values()]
    assert windows.asked == wanted


def test_what_windows_is_not_asked(guest: Netns, windows: Windows, tracker: PortTracker) -> None:
    assert bind(tracker, guest.name, *UNASKED) == [0, 0, 0]
    other = Netns()
    try:
        assert bind(tracker, other.name, want("tcp", "0.0.0.0", 5000)) == [0]
    finally:
        other.remove()
    assert windows.asked == []


def test_a_dead_tracker_fails_every_bind(guest: Netns, tracker: PortTracker) -> None:
    waiting = (
        "import errno, socket, sys\nprint('ready', flush=True); sys.stdin.readline()\n"
        "try: socket.socket().bind(('0.0.0.0', 8080)); print('bound')\n"
        "except OSError as error: print(errno.errorcode[error.errno])\n"
    )
    command = ["ip", "netns", "exec", guest.name, sys.executable, "-c", waiting]
    with subprocess.Popen(
        [sys.executable, "-S", "-E", str(seccomp.__file__), str(tracker.path), *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        tracker.stop()
        out, _ = child.communicate("\n", timeout=20)
    assert out == "ENOSYS\n"


# ---- in a lab ----------------------------------------------------------------------------------------


def bind_in(lab: RunningLab, machine: str, case: dict[str, Any], *through: str) -> object:
    done = lab.run(machine, [*through, "/usr/bin/python3", "-c", BINDER, json.dumps(case)])
    assert done.returncode == 0, done.stderr
    (found,) = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def mirrored(story_lab: RunningLab) -> RunningLab:
    """The lab with its WSL in mirrored mode, by a setup of ours."""
    done = wslnet("--inventory", str(story_lab.inventory), "setup", "--mirrored", "--yes", timeout_s=170)
    assert done.returncode == 0, done.stdout + done.stderr
    return story_lab


@contextmanager
def held_on_windows(lab: RunningLab, port: int) -> Iterator[None]:
    serve = (
        "import socket, sys\ns = socket.create_server(('0.0.0.0', int(sys.argv[1])))\n"
        "print('ready', flush=True); sys.stdin.read()\n"
    )
    command = ["ip", "netns", "exec", lab.netns("windows"), sys.executable, "-c", serve, str(port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "ready\n"
        yield
        assert holder.stdin is not None
        holder.stdin.close()


@pytest.mark.timeout(300)
def test_a_port_of_windows_cannot_be_bound_in_wsl(mirrored: RunningLab) -> None:
    web = want("tcp", "0.0.0.0", 7777)
    nested = ["unshare", "--net"]
    assert bind_in(mirrored, "wsl", web) == 0
    with held_on_windows(mirrored, 7777):
        assert bind_in(mirrored, "wsl", web) == "EADDRINUSE"
        assert bind_in(mirrored, "wsl", want("tcp", "127.0.0.1", 7777)) == "EADDRINUSE"
        assert bind_in(mirrored, "wsl", want("udp", "0.0.0.0", 7777)) == 0
        assert bind_in(mirrored, "wsl", web, *nested) == 0
        assert bind_in(mirrored, "vm1", web) == 0
        sudo = ["--user", "root"]
        done = wslnet(
            "lab",
            "exec",
            "--name",
            mirrored.name,
            *sudo,
            "windows",
            "--",
            "wsl.exe",
            "-d",
            "Debian",
            "-u",
            "root",
            "-e",
            "python3",
            "-c",
            BINDER,
            json.dumps(web),
        )
        assert json.loads(done.stdout) == ["EADDRINUSE"], done.stderr
    assert bind_in(mirrored, "wsl", web) == 0


@pytest.mark.timeout(300)
def test_the_agent_too_is_told_that_windows_holds_it(mirrored: RunningLab) -> None:
    """What comes in by sshd is trapped like everything else: a published port ends as it was."""
    with held_on_windows(mirrored, 7777):
        done = wslnet(
            "--inventory", str(mirrored.inventory), "forward", "add", "--to", "vm2:22", "--listen", "7777",
            "--yes", "--json", timeout_s=170,
        )  # fmt: skip
    assert done.returncode in (2, 12), done.stdout + done.stderr
    assert "7777" in done.stdout + done.stderr
