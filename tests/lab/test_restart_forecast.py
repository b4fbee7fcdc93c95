"""Who a restart cuts, by name (Docker Desktop, a login, a container), and a VM that asks to be saved."""

from __future__ import annotations

import subprocess
import time
from typing import Any

import pytest

from .asking import run

pytestmark = [pytest.mark.lab, pytest.mark.timeout(200)]

TOPOLOGY = "docker-desktop"
CONTAINER = '[{"ID":"4c01db0b339c","Image":"nginx:1.27","Names":"web","Status":"Up 2 hours"}]'


def boots(lab: Any) -> list[str]:
    said = [lab.run(name, ["cat", "/proc/sys/kernel/random/boot_id"]) for name in ("wsl", "vm1", "vm2")]
    return [done.stdout.strip() for done in said]


def test_everybody_who_is_cut_is_named(story_lab: Any) -> None:
    lab = story_lab
    lab.run("wsl", ["mkdir", "-p", "/run/docker"])
    lab.run("wsl", ["sh", "-c", f"echo '{CONTAINER}' > /run/docker/containers.json"])
    key = lab.inventory.parent / "keys" / "id_ed25519"
    login = f"ssh -tt -i {key} -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null".split()
    docker = ["wsl.exe", "-d", "docker-desktop", "-u", "root", "-e", "true"]
    assert lab.run("windows", docker).returncode == 0
    command = ["ip", "netns", "exec", lab.netns("windows"), *login, "wujing@172.23.102.37", "sleep 60"]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as ssh:
        try:
            until = time.monotonic() + 10
            while "wujing" not in lab.run("wsl", ["who"]).stdout:
                assert time.monotonic() < until
            assert lab.run("windows", docker).returncode == 0  # its idle stop comes after 15 s
            code, plan = run(lab, "plan", "--mirrored")
        finally:
            ssh.kill()
    assert code == 10
    cut = plan["cut"]
    assert "Docker Desktop, which does not come back by itself: start it again on Windows" in cut
    assert "container web (nginx:1.27) of docker on wsl" in cut
    assert any(line.startswith("session of wujing on wsl pts/") for line in cut)
    assert any(line.startswith("distro Debian") for line in cut)
    assert "VM vm2 (in vm1); started again" in cut


def test_a_saved_vm_goes_on_where_it_was_with_what_runs_in_it(story_lab: Any) -> None:
    lab = story_lab
    text = lab.inventory.read_text(encoding="utf-8")
    lab.inventory.write_text(text.replace("[machines.vm1]", "[machines.vm1]\nsave = true"), encoding="utf-8")
    assert lab.outside("vm1", ["ip", "route", "add", "10.77.0.0/16", "via", "192.168.124.91"]).returncode == 0
    wsl, *vms = boots(lab)
    code, said = run(lab, "restart", "--yes")
    assert (code, said["result"]) == (0, "committed"), said
    wsl_after, *vms_after = boots(lab)
    assert vms_after == vms
    assert wsl_after != wsl
    assert "10.77.0.0/16" in lab.outside("vm1", ["ip", "route"]).stdout
    assert {one["measured"] for one in said["verify"] if {one["from"], one["to"]} == {"wsl", "vm1"}} == {True}


def test_virsh_says_what_libvirt_says(story_lab: Any) -> None:
    def virsh(*words: str) -> subprocess.CompletedProcess[str]:
        done: subprocess.CompletedProcess[str] = story_lab.run("wsl", ["virsh", *words])
        return done

    assert virsh("managedsave", "vm1").stdout == "\nDomain 'vm1' state saved by libvirt\n\n"
    assert "shut off" in virsh("list", "--all").stdout
    assert "saved" in virsh("list", "--all", "--managed-save").stdout
    again = virsh("managedsave", "vm1")
    assert (again.returncode, again.stderr.splitlines()[0]) == (1, "error: Failed to save domain 'vm1' state")
    assert virsh("start", "vm1").stdout == "Domain 'vm1' started\n\n"
    assert story_lab.pings("wsl", "192.168.122.191")
