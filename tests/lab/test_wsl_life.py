"""WSL's relays, Windows' portproxy, and how long WSL stays: one lab, in the order of the tests."""

from __future__ import annotations

import json
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from .complaints.by_hand import open_port
from .conftest import RunningLab, wslnet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.lab

WINDOWS = "172.24.21.109"
# Listens on each address, says `ready`, and answers each connection with its name and how much came in.
SERVER = """
import socket, sys, threading
name, port, addresses = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
def serve(listening):
    while True:
        connection, _ = listening.accept()
        size = 0
        while chunk := connection.recv(65536):
            size += len(chunk)
        connection.sendall(f"{name} {size}".encode())
        connection.close()
families = {True: socket.AF_INET6, False: socket.AF_INET}
sockets = [socket.create_server((each, port), family=families[":" in each]) for each in addresses]
print("ready", flush=True)
threads = [threading.Thread(target=serve, args=(each,)) for each in sockets]
for each in threads: each.start()
"""
CLIENT = """
import socket, sys
with socket.create_connection((sys.argv[1], int(sys.argv[2])), 3) as connection:
    connection.sendall(b"x" * int(sys.argv[3]))
    connection.shutdown(socket.SHUT_WR)
    print(connection.makefile().read(), end="")
"""


@contextmanager
def listener(lab: RunningLab, machine: str, port: int, *addresses: str) -> Iterator[None]:
    """A TCP server in a machine's network for as long as the block lasts."""
    argv = [
        "ip",
        "netns",
        "exec",
        lab.netns(machine),
        "python3",
        "-c",
        SERVER,
        machine,
        str(port),
        *addresses,
    ]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            assert server.stdout.readline() == "ready\n"
            yield
        finally:
            server.kill()


def answer(lab: RunningLab, machine: str, address: str, port: int, size: int = 10) -> str:
    """What a server answers `machine` to `size` bytes; empty when none does."""
    return lab.outside(machine, ["python3", "-c", CLIENT, address, str(port), str(size)]).stdout


def owners(lab: RunningLab, port: int) -> dict[str, str]:
    """Address to process of what listens on a port of Windows."""
    return {
        each["address"]: each["process"]
        for each in lab.control("listeners")
        if (each["proto"], each["port"]) == ("tcp", port)
    }


def windows(lab: RunningLab, *argv: str) -> subprocess.CompletedProcess[str]:
    """Runs one of Windows' own programs at this Windows."""
    program = lab.inventory.parent / "standins/windows/bin" / argv[0]
    return lab.outside("windows", [str(program), *argv[1:]], timeout_s=60)


def configure(lab: RunningLab, text: str) -> None:
    """Writes `.wslconfig` and restarts WSL."""
    (lab.root("windows") / "Users/owner/.wslconfig").write_text(text)
    done = wslnet("lab", "reboot", "--name", lab.name, "wsl")
    assert done.returncode == 0, done.stderr


def eventually(look: Callable[[], Any], expected: object, timeout_s: float = 10) -> None:
    """Waits until `look` sees what is expected."""
    deadline = time.monotonic() + timeout_s
    while (seen := look()) != expected and time.monotonic() < deadline:
        time.sleep(0.1)
    assert seen == expected


# ---- localhost relay -----------------------------------------------------------------------------------


def test_what_listens_in_wsl_listens_on_windows_localhost(story_lab: RunningLab) -> None:
    with listener(story_lab, "wsl", 8080, "0.0.0.0", "::1"):
        both = {"127.0.0.1": "wslrelay", "::1": "wslrelay"}
        eventually(lambda: owners(story_lab, 8080), both, timeout_s=4)
        assert answer(story_lab, "windows", "127.0.0.1", 8080, 2_000_000) == "wsl 2000000"
        assert answer(story_lab, "windows", "::1", 8080) == "wsl 10"
        assert answer(story_lab, "lan", WINDOWS, 8080) == ""
    eventually(lambda: owners(story_lab, 8080), {}, timeout_s=4)


def test_a_port_that_windows_holds_stays_windows_own(story_lab: RunningLab) -> None:
    with listener(story_lab, "windows", 8081, "127.0.0.1"), listener(story_lab, "wsl", 8081, "127.0.0.1"):
        with listener(story_lab, "wsl", 8082, "127.0.0.1", "172.23.102.37"):
            eventually(lambda: owners(story_lab, 8082), {"127.0.0.1": "wslrelay"}, timeout_s=4)
        # The relay has seen both by now.
        assert answer(story_lab, "windows", "127.0.0.1", 8081) == "windows 10"
        assert owners(story_lab, 8081).keys() == {"127.0.0.1"}


# ---- portproxy -----------------------------------------------------------------------------------------


def test_portproxy_carries_from_the_lan_beside_the_relay(story_lab: RunningLab) -> None:
    with listener(story_lab, "wsl", 8083, "0.0.0.0"):
        eventually(lambda: owners(story_lab, 8083), {"127.0.0.1": "wslrelay"}, timeout_s=4)
        rule = ("listenport=8083", "connectaddress=172.23.102.37")
        assert (
            windows(story_lab, "netsh.exe", "interface", "portproxy", "add", "v4tov4", *rule).returncode == 0
        )
        assert owners(story_lab, 8083) == {"0.0.0.0": "svchost", "127.0.0.1": "wslrelay"}
        open_port(story_lab, 8083)
        assert answer(story_lab, "lan", WINDOWS, 8083, 2_000_000) == "wsl 2000000"


def test_a_rule_whose_port_is_taken_does_not_listen_until_the_service_is_told_again(
    story_lab: RunningLab,
) -> None:
    rule = ("listenport=8084", f"listenaddress={WINDOWS}", "connectaddress=127.0.0.1", "connectport=5985")
    with listener(story_lab, "windows", 8084, WINDOWS):
        assert (
            windows(story_lab, "netsh.exe", "interface", "portproxy", "add", "v4tov4", *rule).returncode == 0
        )
        assert "8084" in windows(story_lab, "netsh.exe", "interface", "portproxy", "show", "all").stdout
        assert "svchost" not in owners(story_lab, 8084).values()
        open_port(story_lab, 8084)
        assert answer(story_lab, "lan", WINDOWS, 8084) == "windows 10"
    assert owners(story_lab, 8084) == {}
    assert windows(story_lab, "sc.exe", "control", "iphlpsvc", "paramchange").returncode == 0
    assert owners(story_lab, 8084) == {WINDOWS: "svchost"}


def test_the_rules_are_there_after_a_reboot_and_before_wsl_is(story_lab: RunningLab) -> None:
    assert wslnet("lab", "reboot", "--name", story_lab.name, "windows").returncode == 0
    assert story_lab.control("wsl_state")["running"] is False
    assert owners(story_lab, 8083) == {"0.0.0.0": "svchost"}
    assert owners(story_lab, 8084) == {WINDOWS: "svchost"}
    assert windows(story_lab, "netsh.exe", "interface", "portproxy", "reset").returncode == 0
    assert (owners(story_lab, 8083), owners(story_lab, 8084)) == ({}, {})


# ---- other modes ---------------------------------------------------------------------------------------


def test_mirrored_has_no_relay_and_shows_the_cards_as_the_note_does(story_lab: RunningLab) -> None:
    configure(story_lab, "[wsl2]\nnetworkingMode=mirrored\n")
    # Port 22 leads to WSL from the first moment, by steering and not by a relay.
    assert owners(story_lab, 22) == {}
    script = "import socket; print(socket.create_connection(('127.0.0.1', 22), 2).recv(4).decode())"
    assert story_lab.outside("windows", ["python3", "-c", script]).stdout == "SSH-\n"
    cards = json.loads(story_lab.outside("wsl", ["ip", "-j", "address", "show"]).stdout)
    seen = {
        card["ifname"]: (card["mtu"], card["operstate"], [a["local"] for a in card["addr_info"]])
        for card in cards
    }
    assert seen["eth0"] == (1420, "UP", ["10.61.2.254"])
    assert seen["eth2"] == seen["eth4"] == (1500, "DOWN", [])


def test_localhost_forwarding_switched_off(story_lab: RunningLab) -> None:
    configure(story_lab, "[wsl2]\nnetworkingMode=nat\nlocalhostForwarding=false\n")
    with listener(story_lab, "wsl", 8080, "0.0.0.0"):
        time.sleep(1.5)
        assert owners(story_lab, 8080) == {}


# ---- how long it stays ---------------------------------------------------------------------------------


def test_wsl_stays_for_its_clients_only(story_lab: RunningLab) -> None:
    configure(story_lab, "[general]\ninstanceIdleTimeout=1500\n[wsl2]\nvmIdleTimeout=1500\n")
    time.sleep(3.5)
    assert story_lab.control("wsl_state")["running"] is True  # the user's terminal is open
    program = str(story_lab.inventory.parent / "standins/windows/bin/wsl.exe")
    argv = ["ip", "netns", "exec", story_lab.netns("windows"), program, "-d", "Debian", "-e", "sleep", "60"]
    with subprocess.Popen(argv) as client:
        try:
            assert wslnet("lab", "break", "--name", story_lab.name, "user-terminal-closed").returncode == 0
            time.sleep(3.5)
            assert windows(story_lab, "wsl.exe", "-l", "-q", "--running").stdout
        finally:
            client.kill()
    # Its sshd and its VMs do not hold it.
    running = ["wsl.exe", "-l", "-q", "--running"]
    eventually(lambda: windows(story_lab, *running).stdout, "")
    eventually(lambda: story_lab.control("wsl_state")["running"], expected=False)
    assert story_lab.status()["machines"]["vm1"]["state"] == "stopped"


def test_doctor_says_that_wsl_has_stopped_and_why(story_lab: RunningLab) -> None:
    told = json.loads(wslnet("doctor", "--inventory", str(story_lab.inventory), "--json").stdout)
    finding = next(each for each in told["findings"] if each["code"] == "wsl.running")
    assert (finding["status"], "15 s after its last wsl.exe client" in finding["cause"]) == ("fail", True)


def test_after_a_shutdown_another_client_is_first(story_lab: RunningLab) -> None:
    names = ["user-terminal-closed", "wsl-restarted-by-other"]
    assert wslnet("lab", "break", "--name", story_lab.name, *names).returncode == 0
    assert windows(story_lab, "wsl.exe", "-d", "Debian", "-e", "true").returncode == 0
    since = story_lab.control("wsl_state")["since"]
    assert windows(story_lab, "wsl.exe", "--shutdown").returncode == 0
    eventually(lambda: (story_lab.control("wsl_state")["since"] or 0) > since, expected=True)
