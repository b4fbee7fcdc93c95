"""State by hand over restarts, and pairs that must go on: setup, a regression, its consent, restart, undo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .asking import run

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]

BY_HAND = {
    "wsl": (
        "ip route add 192.168.124.0/24 via 192.168.122.191 dev virbr0",  # note 000
        "ip route add 10.99.0.0/16 via 192.168.122.191 dev virbr0 metric 7",
        "ip route add blackhole 10.98.0.0/16",
        "ip route add 10.97.0.0/16 dev eth0",
        "ip rule add from 10.3.0.0/16 fwmark 0x20/0xf0 lookup 200 priority 500",
        "iptables -N MINE",
        "iptables -A MINE -s 10.2.2.2/32 -j RETURN",
        "iptables -I FORWARD 2 -s 10.1.1.0/24 -j DROP",
        "iptables -A FORWARD -j MINE",
        "sysctl -qw net.ipv4.conf.virbr0.route_localnet=1",
    ),
    "vm1": (
        "iptables -I FORWARD 1 -i virbr0 -o virbr0 -j ACCEPT",
        "iptables -I FORWARD 1 -s 192.168.124.0/24 -d 192.168.122.0/24 -j ACCEPT",
        "iptables -I FORWARD 1 -s 192.168.122.0/24 -d 192.168.124.0/24 -j ACCEPT",
    ),
    "vm2": ("sysctl -qw net.ipv4.ip_forward=1",),
}
OF_NAT = "10.97.0.0/16 dev eth0 scope link"
PING_STOPS = "[boot]\ncommand = iptables -I OUTPUT -d 172.24.21.50 -p icmp -j DROP\n"


def state(lab: Any) -> dict[str, list[str]]:
    """Routes, rules and settings that no mode of WSL makes, in their order."""
    found: dict[str, list[str]] = {}
    for machine in BY_HAND:
        routes = lab.outside(machine, ["ip", "route"]).stdout.splitlines()
        rules = lab.outside(machine, ["iptables-save", "-t", "filter"]).stdout.splitlines()
        keys = ["net.ipv4.ip_forward", "net.ipv4.conf.virbr0.route_localnet"]
        found[machine] = [line.strip() for line in routes if "proto" not in line]
        found[machine] += [line for line in rules if line.startswith("-A")]
        rules = lab.outside(machine, ["ip", "rule"]).stdout.splitlines()
        found[machine] += [line for line in rules if line.startswith("500:")]
        found[machine] += lab.outside(machine, ["sysctl", *keys]).stdout.splitlines()
    return found


def without(one: dict[str, list[str]], *lines: str) -> dict[str, list[str]]:
    return {machine: [line for line in told if line not in lines] for machine, told in one.items()}


@pytest.fixture(scope="module")
def by_hand(story_lab: Any) -> tuple[Any, dict[str, list[str]]]:
    """The lab with everything in it that somebody made by hand, and what that looks like."""
    for machine, commands in BY_HAND.items():
        for command in commands:
            done = story_lab.outside(machine, command.split())
            assert done.returncode == 0, (command, done.stderr)
    return story_lab, state(story_lab)


def test_the_plan_lists_what_the_restart_loses(by_hand: Any) -> None:
    code, plan = run(by_hand[0], "plan", "--mirrored")
    assert code == 10
    told = {(one["machine"], one["what"]): one for one in plan["captured"]}
    assert told["wsl", "route 192.168.124.0/24 via 192.168.122.191 dev virbr0"]["put_back"]
    assert told["vm2", "sysctl net.ipv4.ip_forward = 1"]["put_back"]
    lost = [one for one in plan["captured"] if not one["put_back"]]
    assert [(one["what"], one["why"]) for one in lost] == [
        ("route 10.97.0.0/16 dev eth0", "it belongs to mode nat")
    ]
    assert len(plan["captured"]) == sum(map(len, BY_HAND.values()))


def test_setup_puts_all_of_it_back_in_its_place_and_adds_nothing_of_its_own(by_hand: Any) -> None:
    lab, before = by_hand
    code, said = run(lab, "setup", "--mirrored", "--yes")
    assert (code, said["result"]) == (0, "committed"), said
    assert state(lab) == without(before, OF_NAT)
    # The route and the accepts by hand are as good as wslnet's, so it makes none.
    assert [one["resource"] for one in said["changes"]] == ["wslconfig wsl2.networkingMode", "WSL"]


def test_a_pair_that_stops_rolls_back_and_the_state_by_hand_is_back_again(by_hand: Any) -> None:
    lab, before = by_hand
    conf = lab.root("wsl") / "etc" / "wsl.conf"
    conf.write_text(PING_STOPS, encoding="utf-8")
    code, said = run(lab, "setup", "--nat", "--yes", "--allow-regression", "wsl->windows")
    assert (code, said["result"], said["left"]) == (12, "rolled-back", []), said
    assert "worked before" in said["reason"]
    assert "wsl -> lan icmp" in said["reason"]
    (stopped,) = [one for one in said["verify"] if one["measured"] is False]
    assert (stopped["from"], stopped["to"], stopped["worked_before"]) == ("wsl", "lan", True)
    drop = "-A OUTPUT -d 172.24.21.50/32 -p icmp -j DROP"
    assert without(state(lab), drop) == without(before, OF_NAT)
    conf.unlink()
    assert lab.outside("wsl", ["iptables", "-D", *drop.split()[1:]]).returncode == 0


def test_a_pair_that_is_none_is_refused(by_hand: Any) -> None:
    for arguments in (("setup", "--nat"), ("plan", "--nat")):
        code, said = run(by_hand[0], *arguments, "--allow-regression", "wsl->mars")
        assert (code, said["error"]["code"]) == (2, "bad-input")
        assert "mars" in said["error"]["message"]


@pytest.mark.full
def test_the_regression_is_let_go_in_a_saved_plan_too(by_hand: Any, tmp_path: Path) -> None:
    lab, before = by_hand
    conf = lab.root("wsl") / "etc" / "wsl.conf"
    conf.write_text(PING_STOPS, encoding="utf-8")
    file = tmp_path / "plan.json"
    run(lab, "plan", "--nat", "--allow-regression", "wsl->lan", "-o", str(file))
    code, said = run(lab, "apply", str(file), "--yes")
    assert (code, said["result"]) == (0, "committed"), said
    conf.unlink()
    assert run(lab, "undo", "--yes")[0] == 0
    assert without(state(lab), "-A OUTPUT -d 172.24.21.50/32 -p icmp -j DROP") == without(before, OF_NAT)


def test_undo_back_into_nat_brings_back_what_belongs_there(by_hand: Any) -> None:
    lab, before = by_hand
    gone = "10.99.0.0/16 via 192.168.122.191 dev virbr0 metric 7"
    lab.outside("wsl", ["ip", "route", "del", "10.99.0.0/16"])
    lab.outside("wsl", ["iptables", "-D", "OUTPUT", "-d", "172.24.21.50", "-p", "icmp", "-j", "DROP"])
    code, said = run(lab, "undo", "--yes")
    assert (code, said["left"]) == (0, []), said
    # What its owner took away since the commit stays away.
    assert state(lab) == without(before, gone)
