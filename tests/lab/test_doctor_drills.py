"""Break one thing in a running lab: doctor names it, and only it. Each drill is mended before the next."""

from __future__ import annotations

import json
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from .asking import WSLNET

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.lab

NO_ROUTE = (
    "wsl: no route to 192.168.124.0/24 (wanted: via 192.168.122.191 dev virbr0); "
    "packets go by default via 172.23.96.1 dev eth0"
)
SEED = {("mode.actual", "wsl"), ("route.nested", "wsl"), ("nested.reject", "vm1")}


def doctor(lab: Any) -> tuple[int, list[dict[str, Any]]]:
    done = subprocess.run(
        [WSLNET, "doctor", "--inventory", str(lab.inventory), "--json"],
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert "Traceback" not in done.stderr, done.stderr
    document = json.loads(done.stdout)
    assert document["summary"]["crash"] == 0
    return done.returncode, document["findings"]


def failures(findings: list[dict[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(one["code"], one["machine"]): one for one in findings if one["status"] == "fail"}


@contextmanager
def broken(lab: Any, drill: Drill) -> Iterator[None]:
    done = lab.run(drill.machine, drill.breaking.split())
    assert done.returncode == 0, done.stderr
    try:
        yield
    finally:
        done = lab.run(drill.machine, drill.mending.split())
    assert done.returncode == 0, done.stderr


@dataclass(frozen=True)
class Drill:
    machine: str
    breaking: str
    mending: str
    named: tuple[str, str]
    evidence: str


DRILLS = [
    pytest.param(
        Drill(
            "vm1",
            "sysctl -w net.ipv4.ip_forward=0",
            "sysctl -w net.ipv4.ip_forward=1",
            ("sysctl.forward", "vm1"),
            "vm1: net.ipv4.ip_forward = 0",
        ),
        marks=pytest.mark.row("S0-41"),
        id="forwarding off in vm1",
    ),
    pytest.param(
        Drill(
            "wsl",
            "ip route del default",
            "ip route add default via 172.23.96.1 dev eth0 onlink proto kernel",
            ("route.default", "wsl"),
            "wsl: no default route in the main table",
        ),
        marks=pytest.mark.row("S0-17"),
        id="no default route in wsl",
    ),
    pytest.param(
        Drill(
            "wsl",
            "ip route add 192.168.124.64/26 dev eth0",
            "ip route del 192.168.124.64/26 dev eth0",
            ("subnet.overlap", "vm1"),
            "vm1 virbr0 192.168.124.0/24: wsl has a route: 192.168.124.64/26 dev eth0",
        ),
        marks=pytest.mark.row("S0-19"),
        id="a part of vm2's subnet lies elsewhere",
    ),
    pytest.param(
        Drill(
            "vm1",
            "iptables -I FORWARD 1 -d 192.168.124.0/24 -j DROP",
            "iptables -D FORWARD -d 192.168.124.0/24 -j DROP",
            ("nested.reject", "vm1"),
            "vm1 filter FORWARD rule 1: DROP -d 192.168.124.0/24",
        ),
        marks=pytest.mark.row("S0-35"),
        id="somebody's DROP in vm1",
    ),
    pytest.param(
        Drill(
            "vm1",
            "virsh shutdown vm2",
            "virsh start vm2",
            ("machine.reachable", "vm2"),
            "vm1: libvirt says that vm2 is shut off",
        ),
        id="vm2 is off",
    ),
]


@pytest.mark.parametrize("drill", DRILLS)
def test_drill(story_lab: Any, drill: Drill) -> None:
    with broken(story_lab, drill):
        code, findings = doctor(story_lab)
    found = failures(findings)
    assert code == 11
    assert set(found) == SEED | {drill.named}
    assert any(drill.evidence in line for line in found[drill.named]["evidence"]), found[drill.named]


@pytest.mark.row("S0-14")
def test_the_seed_itself_has_three_causes(story_lab: Any) -> None:
    code, findings = doctor(story_lab)
    found = failures(findings)
    assert (code, set(found)) == (11, SEED)
    assert found["mode.actual", "wsl"]["evidence"][0] == "measured by wslinfo: nat"
    assert found["route.nested", "wsl"]["evidence"] == [NO_ROUTE]
    (rule,) = found["nested.reject", "vm1"]["evidence"]
    assert rule.startswith(
        "vm1 filter FORWARD rule 7: REJECT -o virbr0 --reject-with icmp-port-unreachable ("
    )
