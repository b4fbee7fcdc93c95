"""Raising, looking at, rebooting and taking away a lab, seen from outside."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .conftest import RunningLab, wslnet

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.lab

MACHINES = ["gw", "lan", "windows", "wsl", "vm1", "vm2"]


def kernel_view() -> dict[str, list[str]]:
    """What a lab could leave behind on this host, as far as it can be told from others' work."""
    links = subprocess.run(["ip", "-br", "link"], capture_output=True, text=True, check=True).stdout
    names = {entry.name for entry in Path("/run/netns").iterdir()} if Path("/run/netns").exists() else set()
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    return {
        "links": sorted(line.split()[0] for line in links.splitlines()),
        "namespaces": sorted(name for name in names if name.startswith(f"wl-t{os.getpid()}-")),
        "mounts": sorted(line.split()[4] for line in mounts if f"/t{os.getpid()}-" in line),
        "processes": sorted(str(pid) for pid in processes_of(f"/t{os.getpid()}-")),
        "folders": sorted(str(entry) for entry in Path("/run").glob(f"wslnet-lab/t{os.getpid()}-*")),
    }


def processes_of(text: str) -> list[int]:
    """Processes of this host whose command line has `text`, the test's own left out."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            try:
                command = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if text.encode() in command:
                found.append(int(entry.name))
    return found


def daemon_of(lab: RunningLab) -> int:
    return int(json.loads((lab.inventory.parent / "state.json").read_text())["daemon"]["pid"])


def test_up_is_quick_and_status_has_the_contract_shape(raise_lab: Callable[[str], RunningLab]) -> None:
    began = time.monotonic()
    lab = raise_lab("quick")
    assert time.monotonic() - began < 15  # 5 s on a quiet machine; this one is shared
    status = lab.status()
    assert {"schema_version", "name", "topology", "inventory", "machines"} <= status.keys()
    assert list(status["machines"]) == MACHINES
    for name, machine in status["machines"].items():
        assert machine["netns"] == f"wl-{lab.name}-{name}"
        assert machine["state"] == "running"
        assert Path(machine["root"]).is_dir()
    assert [status["machines"][name]["address"] for name in MACHINES] == [
        "172.24.21.254",
        "172.24.21.50",
        "172.24.21.109",
        "172.23.102.37",
        "192.168.122.191",
        "192.168.124.91",
    ]
    assert (lab.root("windows") / "Users/owner/.wslconfig").read_bytes() == (
        b"[wsl2]\nkernel=C:\\\\Users\\\\17895\\\\bzImage\nnetworkingMode=nat\n\n"
        b"# Enable experimental features\n[experimental]\nsparseVhd=true\n"
    )


def test_exec_runs_inside_and_gives_the_exit_code(shared_lab: RunningLab) -> None:
    done = shared_lab.run("vm1", ["sh", "-c", "hostname; echo $PATH; exit 7"])
    assert done.returncode == 7
    assert done.stdout.splitlines() == [
        "debian",
        "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    ]
    unknown = wslnet("lab", "exec", "--name", shared_lab.name, "vm9", "--", "true")
    assert unknown.returncode == 2
    assert "vm9" in unknown.stderr
    assert unknown.stderr.count("\n") == 1


def test_machines_are_separate_and_this_host_is_untouched(shared_lab: RunningLab) -> None:
    mark = f"/etc/wslnet-test-{os.getpid()}"
    assert shared_lab.run("wsl", ["touch", mark]).returncode == 0
    assert not Path(mark).exists()
    assert (shared_lab.root("wsl") / mark.lstrip("/")).exists()
    assert not (shared_lab.root("vm1") / mark.lstrip("/")).exists()
    assert shared_lab.run("wsl", ["rm", mark]).returncode == 0
    refused = shared_lab.run("vm1", ["sh", "-c", "echo 1 > /proc/sys/kernel/printk_delay"])
    assert refused.returncode != 0
    boot_ids = {shared_lab.run(m, ["cat", "/proc/sys/kernel/random/boot_id"]).stdout for m in MACHINES}
    assert len(boot_ids) == len(MACHINES)


def test_interface_names_and_macs_are_the_notes(shared_lab: RunningLab) -> None:
    links = json.loads(shared_lab.run("vm1", ["ip", "-j", "link"]).stdout)
    macs = {link["ifname"]: link["address"] for link in links}
    assert macs["enp1s0"] == "52:54:00:fc:38:e0"
    assert macs["virbr0"] == "52:54:00:e8:c6:c3"
    assert macs["vnet0"] == "fe:54:00:5a:1a:8e"
    for machine in MACHINES:
        names = [link["ifname"] for link in json.loads(shared_lab.run(machine, ["ip", "-j", "link"]).stdout)]
        assert not [name for name in names if shared_lab.name in name]


def test_the_seed_is_cut_as_the_note_says(shared_lab: RunningLab) -> None:
    rules = shared_lab.run("vm1", ["iptables", "-S", "FORWARD"]).stdout.splitlines()[1:]
    assert rules[6:8] == [
        "-A FORWARD -o virbr0 -j REJECT --reject-with icmp-port-unreachable",
        "-A FORWARD -i virbr0 -j REJECT --reject-with icmp-port-unreachable",
    ]
    assert shared_lab.pings("wsl", "192.168.122.191")
    assert not shared_lab.pings("wsl", "192.168.124.91")
    assert shared_lab.run("wsl", ["ip", "route", "show", "192.168.124.0/24"]).stdout == ""
    assert shared_lab.pings("vm2", "172.24.21.50")
    assert not shared_lab.pings("lan", "192.168.122.191")


def test_down_leaves_nothing_even_after_the_daemon_was_killed(raise_lab: Callable[[str], RunningLab]) -> None:
    before = kernel_view()
    lab = raise_lab("killed")
    outsider = subprocess.Popen(["ip", "netns", "exec", lab.netns("vm1"), "sleep", "600"])
    try:
        os.kill(daemon_of(lab), signal.SIGKILL)
        assert lab.status()["daemon"] == "dead"
        down = wslnet("lab", "down", "--name", lab.name, "--json")
        assert json.loads(down.stdout)["removed"] is True
        assert outsider.wait(timeout=5) == -signal.SIGKILL
    finally:
        outsider.kill()
        outsider.wait()
    assert kernel_view() == before


def test_up_clears_what_a_dead_lab_of_that_name_left(raise_lab: Callable[[str], RunningLab]) -> None:
    lab = raise_lab("again")
    os.kill(daemon_of(lab), signal.SIGKILL)
    (lab.root("wsl") / "root/mark").touch()
    assert raise_lab("again").status()["daemon"] == "running"
    assert not (lab.root("wsl") / "root/mark").exists()


def test_what_died_by_itself_can_be_switched_on_again(seed_lab: RunningLab) -> None:
    def kill(machine: str) -> None:
        inits = json.loads((seed_lab.inventory.parent / "state.json").read_text())["machines"]
        os.kill(inits[machine]["init"]["pid"], signal.SIGKILL)
        deadline = time.monotonic() + 5
        while seed_lab.status()["machines"][machine]["state"] == "running":
            assert time.monotonic() < deadline

    kill("vm1")
    assert seed_lab.run("wsl", ["virsh", "domstate", "vm1"]).stdout == "shut off\n\n"
    assert seed_lab.run("wsl", ["virsh", "start", "vm1"]).returncode == 0
    assert seed_lab.pings("wsl", "192.168.122.191")
    kill("wsl")
    for mode in ("mirrored", "none", "nat"):
        seed_lab.control("wsl_start", mode=mode, settings={}, address=None)
        assert seed_lab.control("wsl_state")["mode"] == mode
        assert seed_lab.pings("wsl", "172.24.21.50") is (mode != "none")
        seed_lab.control("wsl_stop")
    assert "fse" not in [adapter["kind"] for adapter in seed_lab.control("adapters")]
    assert wslnet("lab", "up", "--name", seed_lab.name).stdout == f"{seed_lab.inventory}\n"


def test_two_labs_side_by_side(shared_lab: RunningLab, raise_lab: Callable[[str], RunningLab]) -> None:
    other = raise_lab("second")
    other.run("lan", ["ip", "addr", "del", "172.24.21.50/24", "dev", "eth0"])
    assert not other.pings("windows", "172.24.21.50")
    assert shared_lab.pings("windows", "172.24.21.50")
    assert wslnet("lab", "down", "--name", other.name).returncode == 0
    assert shared_lab.pings("windows", "172.24.21.50")


def test_reboots_lose_what_reboots_lose(seed_lab: RunningLab) -> None:
    name = ["--name", seed_lab.name]
    seed_lab.run("vm1", ["ip", "route", "add", "10.9.9.0/24", "via", "192.168.122.1"])
    (seed_lab.root("vm1") / "etc/kept").touch()
    assert wslnet("lab", "reboot", *name, "vm1").returncode == 0
    assert seed_lab.run("vm1", ["ip", "route", "show", "10.9.9.0/24"]).stdout == ""
    assert (seed_lab.root("vm1") / "etc/kept").exists()
    states = {each: m["state"] for each, m in seed_lab.status()["machines"].items()}
    assert (states["vm1"], states["vm2"]) == ("running", "stopped")
    assert seed_lab.run("vm1", ["virsh", "start", "vm2"]).stdout.strip() == "Domain 'vm2' started"
    assert seed_lab.pings("vm1", "192.168.124.91")

    assert wslnet("lab", "reboot", *name, "wsl").returncode == 0
    states = {each: m["state"] for each, m in seed_lab.status()["machines"].items()}
    assert (states["wsl"], states["vm1"], states["vm2"]) == ("running", "stopped", "stopped")

    seed_lab.run("windows", ["ip", "route", "add", "10.9.9.0/24", "via", "172.24.21.50"])
    (seed_lab.root("windows") / "Users/owner/kept.txt").touch()
    assert wslnet("lab", "reboot", *name, "windows").returncode == 0
    states = {each: m["state"] for each, m in seed_lab.status()["machines"].items()}
    assert (states["windows"], states["wsl"]) == ("running", "stopped")
    assert (seed_lab.root("windows") / "Users/owner/kept.txt").exists()
    assert seed_lab.run("windows", ["ip", "route", "show", "10.9.9.0/24"]).stdout == ""
    assert not [a for a in seed_lab.control("adapters") if a["kind"] == "wsl-nat"]
    assert seed_lab.pings("lan", "172.24.21.109")


def test_a_wrong_name_is_one_line_and_exit_2() -> None:
    done = wslnet("lab", "status", "--name", "Not_A_Name")
    assert done.returncode == 2
    assert "Not_A_Name" in done.stderr
    assert done.stderr.count("\n") == 1
    done = wslnet("lab", "up", "--name", f"t{os.getpid()}-none", "--topology", "nowhere", "--json")
    assert done.returncode == 2
    assert json.loads(done.stdout)["error"]["code"] == "bad-input"
