"""The Windows host in its place: reached through the proxy, it starts WSL as `.wslconfig` says."""

from __future__ import annotations

import json
import subprocess
import time
import tomllib
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pypsrp.shell import Process, SignalCode, WinRS
from pypsrp.wsman import WSMan

from .conftest import RunningLab, wslnet

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.lab


@contextmanager
def wsman(lab: RunningLab) -> Iterator[Any]:
    windows = tomllib.loads(lab.inventory.read_text())["machines"]["windows"]
    password = subprocess.run(windows["secret"]["command"], capture_output=True, text=True, check=True).stdout
    with WSMan(
        windows["address"],
        port=windows["port"],
        username=windows["user"],
        password=password.strip(),
        ssl=False,
        auth="negotiate",
        proxy=windows["proxy"],
    ) as connection:
        yield connection


def run(lab: RunningLab, *argv: str) -> tuple[int, str]:
    with wsman(lab) as connection, WinRS(connection, codepage=65001, environment={"WSL_UTF8": "1"}) as shell:
        process = Process(shell, argv[0], list(argv[1:]))
        process.invoke()
        process.signal(SignalCode.CTRL_C)
        return process.rc, process.stdout.decode()


def answered(lab: RunningLab, port: int) -> str:
    """Who answers lan on a port of the host's address, or an empty string."""
    script = (
        "import socket\n"
        f"with socket.create_connection(('172.24.21.109', {port}), 1) as s: print(s.recv(99).decode())"
    )
    return lab.outside("lan", ["python3", "-c", script]).stdout.strip()


def test_wsl_starts_as_the_file_says_and_packets_feel_it(seed_lab: RunningLab) -> None:
    assert run(seed_lab, "wsl.exe", "-d", "Debian", "-e", "wslinfo", "--networking-mode") == (0, "nat\n")
    wslconfig = seed_lab.root("windows") / "Users/owner/.wslconfig"
    wslconfig.write_bytes(wslconfig.read_bytes().replace(b"=nat", b"=mirrored"))
    assert run(seed_lab, "wsl.exe", "--shutdown")[0] == 0
    states = {name: each["state"] for name, each in seed_lab.status()["machines"].items()}
    assert [states[each] for each in ("windows", "wsl", "vm1", "vm2")] == ["running", *["stopped"] * 3]
    assert run(seed_lab, "wsl.exe", "-d", "Debian", "-e", "wslinfo", "--networking-mode") == (0, "mirrored\n")
    assert seed_lab.status()["machines"]["wsl"]["address"] == "172.24.21.109"
    assert "fse" in [adapter["kind"] for adapter in seed_lab.control("adapters")]
    assert seed_lab.pings("wsl", "172.24.21.50")

    script = (
        "import socket; s = socket.create_server(('', 8080)); c, _ = s.accept(); c.sendall(b'wsl'); c.recv(1)"
    )
    server = subprocess.Popen(["ip", "netns", "exec", seed_lab.netns("wsl"), "python3", "-c", script])
    try:
        time.sleep(1)
        assert answered(seed_lab, 8080) == ""  # the Hyper-V firewall blocks what nothing allows
        policy = {"enabled": True, "default_outbound": "Allow", "loopback": True, "rules": []}
        seed_lab.control("hyperv_firewall", default_inbound="Allow", **policy)
        assert answered(seed_lab, 8080) == "wsl"
    finally:
        server.kill()
        server.wait()

    assert wslnet("lab", "reboot", "--name", seed_lab.name, "wsl").returncode == 0
    assert seed_lab.run("wsl", ["wslinfo", "--networking-mode", "-n"]).stdout == "mirrored"


def test_the_call_log_outlives_shutdowns_and_reboots(seed_lab: RunningLab) -> None:
    assert run(seed_lab, "wsl.exe", "--version")[0] == 0
    for what in (["windows", "--fast-startup"], ["windows"]):
        assert wslnet("lab", "reboot", "--name", seed_lab.name, *what).returncode == 0
    assert run(seed_lab, "wsl.exe", "-l", "-q")[0] == 0
    done = wslnet("lab", "log", "--name", seed_lab.name, "--json")
    calls = json.loads(done.stdout)["calls"]
    argvs = [call["argv"] for call in calls if call["kind"] == "winrs"]
    assert argvs == [["wsl.exe", "--version"], ["wsl.exe", "-l", "-q"]]
    assert {"at", "kind", "identity", "configuration", "commands", "argv", "error_id", "state"} <= calls[
        0
    ].keys()
    assert Path(seed_lab.inventory).exists()


def test_terminate_ends_the_distro_and_its_vms_but_not_the_machine(seed_lab: RunningLab) -> None:
    since = seed_lab.control("wsl_state")["since"]
    seed_lab.control("wsl_terminate", distro="Debian")
    states = {name: each["state"] for name, each in seed_lab.status()["machines"].items()}
    assert [states[each] for each in ("wsl", "vm1", "vm2")] == ["running", "stopped", "stopped"]
    assert "sshd" not in seed_lab.run("wsl", ["ps", "ax"]).stdout
    assert run(seed_lab, "wsl.exe", "-d", "Debian", "-e", "true")[0] == 0
    assert "sshd" in seed_lab.run("wsl", ["ps", "ax"]).stdout
    assert seed_lab.control("wsl_state")["since"] == since


def test_addresses_of_windows_come_and_go(shared_lab: RunningLab) -> None:
    row = next(a for a in shared_lab.control("adapters") if a["name"] == "以太网")
    address = {"index": row["index"], "family": 4, "address": "172.24.21.110", "prefix": 24}
    shared_lab.control("address_add", **address)
    assert shared_lab.pings("lan", "172.24.21.110")
    shared_lab.control("address_delete", **address)
    assert not shared_lab.pings("lan", "172.24.21.110")
