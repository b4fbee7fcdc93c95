"""`vm reach vm2` over every firewall that vm1 may have: packets, and the bytes of everybody else's rules."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from .asking import run
from .servers import greets

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import RunningLab

pytestmark = [pytest.mark.lab, pytest.mark.timeout(240)]

VM2 = "192.168.124.91"
WSL = "192.168.122.1"
NEWER_LIBVIRT = pytest.mark.row("S0-40")
ORDINARY = ("vm1-legacy-docker", pytest.param("vm1-nft-firewalld", marks=NEWER_LIBVIRT))
REST = (
    "seed",
    "vm1-nft-docker",
    "vm1-nft-ufw",
    "vm1-legacy-reject",
    "vm1-legacy-ufw",
)
REST_NEWER = (
    "vm1-nft-chains",
    "vm1-nft-table",
    "vm1-legacy-chains",
    "vm1-legacy-table",
    "vm1-legacy-firewalld",
)
# nft shows them once more, without the comments.
TABLES_OF_IPTABLES = re.compile(r"^table ip (?:filter|nat|mangle|raw) \{.*?^\}\n", re.MULTILINE | re.DOTALL)
COUNTERS = re.compile(r"\[\d+:\d+\]|packets \d+ bytes \d+")


@pytest.fixture(
    params=[
        *ORDINARY,
        *(pytest.param(name, marks=pytest.mark.full) for name in REST),
        *(pytest.param(name, marks=[pytest.mark.full, NEWER_LIBVIRT]) for name in REST_NEWER),
    ]
)
def lab(request: pytest.FixtureRequest, raise_lab_of: Callable[[str], RunningLab]) -> RunningLab:
    return raise_lab_of(request.param)


def firewall(lab: RunningLab, machine: str) -> str:
    """All rules of all back ends, counters and dates aside, byte for byte."""
    commands = [["iptables-nft-save"], ["iptables-legacy-save"], ["nft", "-a", "list", "ruleset"]]
    *saves, native = (lab.outside(machine, command).stdout for command in commands)
    saved = "\n".join([*saves, TABLES_OF_IPTABLES.sub("", native)])
    return "\n".join(COUNTERS.sub("", line) for line in saved.splitlines() if not line.startswith("#"))


def strangers(text: str) -> list[str]:
    """The lines of everybody else; nft numbers what it makes, and a number is never used again."""
    return [re.sub(r" # handle \d+$", "", line) for line in text.splitlines() if "wslnet:" not in line]


def reached(lab: RunningLab) -> list[bool]:
    return [
        lab.pings("wsl", VM2),
        lab.pings("vm2", WSL),
        greets(lab, "wsl", VM2),
        greets(lab, "vm2", WSL),
    ]


@pytest.mark.row("S0-37", "S0-38")
def test_reach_connects_and_undo_leaves_all_as_it_was(lab: RunningLab) -> None:
    before = firewall(lab, "vm1")
    assert not all(reached(lab))

    code, said = run(lab, "vm", "reach", "vm2", "--yes")
    assert (code, said["result"]) == (0, "committed"), said
    assert said["unverified"] == []
    assert all(reached(lab))
    changed = firewall(lab, "vm1")
    assert strangers(changed) == strangers(before)
    assert "wslnet:" in changed

    code, said = run(lab, "doctor", "--only", "nested.reject", "--only", "route.nested")
    assert [one["status"] for one in said["findings"] if one["status"] in {"fail", "crash"}] == [], said
    code, said = run(lab, "vm", "reach", "vm2", "--yes")
    assert (code, said["result"], said["changes"]) == (0, "unchanged", []), said
    assert firewall(lab, "vm1") == changed

    code, said = run(lab, "undo", "--yes")
    assert (code, said["result"]) == (0, "committed"), said
    assert firewall(lab, "vm1") == before


@pytest.mark.full
def test_without_a_firewall_a_route_is_enough(raise_lab_of: Callable[[str], RunningLab]) -> None:
    lab = raise_lab_of("vm1-none")
    before = firewall(lab, "vm1")
    code, said = run(lab, "vm", "reach", "--yes")
    assert (code, said["result"]) == (0, "committed"), said
    assert {one["machine"] for one in said["changes"]} == {"wsl"}
    assert all(reached(lab))
    assert firewall(lab, "vm1") == before


@pytest.mark.full
def test_after_a_restart_of_wsl_a_native_rule_is_back(raise_lab_of: Callable[[str], RunningLab]) -> None:
    lab = raise_lab_of("vm1-nft-table")
    assert run(lab, "vm", "reach", "vm2", "--yes")[0] == 0
    before = firewall(lab, "vm1")
    code, said = run(lab, "restart", "--yes")
    assert code == 0, said
    assert [re.sub(r" # handle \d+$", "", line) for line in firewall(lab, "vm1").splitlines()] == [
        re.sub(r" # handle \d+$", "", line) for line in before.splitlines()
    ]
    assert all(reached(lab))
