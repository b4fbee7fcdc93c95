"""The first minutes with a host: only Windows is known, init finds the rest, then one looks around."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from .asking import WSLNET

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def home(story_lab: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A user's folder whose inventory knows the way to Windows and nothing else."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "wslnet").mkdir()
    lines = story_lab.inventory.read_text(encoding="utf-8").splitlines()
    begin = lines.index("[machines.windows]")
    table = lines[begin : lines.index("", begin)]
    text = "\n".join(["# mine, by hand", "schema_version = 1", "", *table, ""])
    (folder / "wslnet" / "wslnet.toml").write_text(text, encoding="utf-8")
    return folder


def wslnet(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [WSLNET, *arguments],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "XDG_CONFIG_HOME": str(home), "XDG_STATE_HOME": str(home / "state")},
    )
    assert "Traceback" not in done.stderr
    return done


def told(home: Path, *arguments: str, code: int = 0) -> dict[str, Any]:
    done = wslnet(home, *arguments, "--json")
    assert done.returncode == code, done.stdout + done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    assert document["schema_version"] == 1
    return document


def test_init_finds_the_distro_and_the_vms_in_it(home: Path, story_lab: Any) -> None:
    file = home / "wslnet" / "wslnet.toml"
    before = file.read_text(encoding="utf-8")
    refused = wslnet(home, "init", "--key", str(story_lab.inventory.parent / "keys" / "id_ed25519"))
    assert refused.returncode == 2
    assert "--yes" in refused.stderr
    assert file.read_text(encoding="utf-8") == before
    found = told(home, "init", "--yes", "--key", str(story_lab.inventory.parent / "keys" / "id_ed25519"))
    assert found["written"]
    assert {one["name"]: (one["parent"], one["address"], one["silent"]) for one in found["machines"]} == {
        "windows": (None, "127.0.0.1", None),
        "wsl": ("windows", None, None),
        "vm1": ("wsl", "192.168.122.191", None),
        "vm2": ("vm1", "192.168.124.91", None),
    }
    assert file.read_text(encoding="utf-8").startswith(before)
    again = told(home, "init")
    assert not again["written"]


def test_alone_it_says_what_is_there_and_what_comes_next(home: Path) -> None:
    done = wslnet(home)
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert "wsl mode: nat" in lines
    assert "vm2 (vm): answers" in lines
    assert [line for line in lines if line.startswith("next: ")] == ["next: wslnet doctor"]


@pytest.mark.row("S0-01")
def test_status_tells_what_the_machines_tell(home: Path, story_lab: Any) -> None:
    document = told(home, "status")
    machines = {one["name"]: one for one in document["machines"]}
    assert (document["wsl"]["mode"], document["wsl"]["configured"]) == ("nat", "nat")
    roles = {link["name"]: link["role"] for link in machines["windows"]["links"]}
    assert (roles["以太网"], roles["ctEAO-10"], roles["WLAN"]) == ("uplink", "vpn", "disconnected")
    inside = story_lab.run("wsl", ["cat", "/sys/class/net/virbr0/address"]).stdout.strip()
    links = {link["name"]: link for link in machines["wsl"]["links"]}
    assert links["virbr0"]["mac"] == inside
    assert [vm["name"] for vm in machines["vm1"]["vms"]] == ["vm2"]
    text = wslnet(home, "status")
    assert "  bridge: virbr0: vnet0" in text.stdout.splitlines()
    assert {line.rpartition("] ")[2] for line in text.stderr.splitlines()} == {
        f"{name}: read" for name in machines
    }


@pytest.mark.row("S1-15", "S1-16")
def test_ports_join_both_sides(home: Path, story_lab: Any) -> None:
    serve = "import socket,time; s=socket.socket(); s.bind(('127.0.0.1', 7007)); s.listen(); time.sleep(60)"
    netns = ["ip", "netns", "exec", story_lab.netns("wsl")]
    with subprocess.Popen([*netns, sys.executable, "-c", serve]) as listening:
        try:
            rows = _rows_with(home, 7007)
        finally:
            listening.kill()
    assert rows[0]["wsl"][0]["address"] == "127.0.0.1"
    assert [one["process"] for one in rows[0]["windows"]] == ["wslrelay"], "NAT mode relays localhost"
    ports = {(one["proto"], one["port"]): one for one in told(home, "ports")["ports"]}
    assert ports["tcp", 5985]["windows"][0]["pid"]
    assert ports["tcp", 22]["wsl"][0]["process"] == "sshd"


def _rows_with(home: Path, port: int) -> list[dict[str, Any]]:
    """The rows of a port once both sides have it; WSL's relay needs a moment to see a new listener."""
    until = time.monotonic() + 20
    while True:
        rows = [one for one in told(home, "ports")["ports"] if one["port"] == port]
        if (rows and rows[0]["windows"]) or time.monotonic() > until:
            return rows


def test_topo_draws_the_note(home: Path) -> None:
    document = told(home, "topo", "--format", "json")
    kinds = {(one["a"]["machine"], one["kind"], one["b"]["machine"]) for one in document["links"]}
    assert {
        ("external", "lan", "windows"),
        ("windows", "wsl-nat", "wsl"),
        ("wsl", "nat", "wsl"),
        ("wsl", "tap", "vm1"),
        ("vm1", "tap", "vm2"),
    } <= kinds
    drawn = wslnet(home, "topo", "--format", "mermaid").stdout
    assert drawn.startswith("graph TD\n")
    assert "|Data frame to VM|" in drawn


@pytest.mark.row("S3-42")
def test_restart_brings_everything_back(home: Path, story_lab: Any) -> None:
    boots = _boots(story_lab)
    plan = told(home, "restart", "--dry-run", code=10)
    assert "VM vm2 (in vm1); started again" in plan["cut"]
    assert _boots(story_lab) == boots, "a dry run restarts nothing"
    refused = told(home, "restart", code=2)
    assert "--yes" in refused["error"]["message"]
    result = told(home, "restart", "--yes")
    assert result["result"] == "committed"
    assert any("WSL runs in mode nat" in note for note in result["notes"])
    after = _boots(story_lab)
    assert all(after[name] != boots[name] for name in ("wsl", "vm1", "vm2"))
    assert story_lab.pings("vm1", "192.168.124.91")
    assert told(home, "undo", "--yes")["result"] == "unchanged", "a restart leaves nothing to undo"
    assert told(home, "resume")["result"] == "unchanged"


def _boots(lab: Any) -> dict[str, str]:
    return {
        name: lab.run(name, ["cat", "/proc/sys/kernel/random/boot_id"]).stdout
        for name in ("wsl", "vm1", "vm2")
    }


def test_a_vm_that_does_not_answer_is_told_and_nothing_else_is_lost(home: Path, story_lab: Any) -> None:
    done = subprocess.run(
        [WSLNET, "lab", "break", "--name", story_lab.name, "sshd-refused:vm2"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    machines = {one["name"]: one for one in told(home, "status")["machines"]}
    assert [name for name, one in machines.items() if not one["seen"]] == ["vm2"]
    graph = told(home, "topo")
    assert any(one["b"] == {"machine": "vm2", "interface": "nic"} for one in graph["links"])
