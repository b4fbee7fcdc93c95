"""`rules show` and `rules delete` on a machine with three sorts of rules, and `vm reach --mode delete`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .asking import run
from .conftest import RunningLab, wslnet

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.lab, pytest.mark.timeout(240)]

TOPOLOGY = "vm1-nft-firewalld"
VM2 = "192.168.124.91"
SAVE = ["iptables-nft-save", "-t", "filter"]


def rules(lab: RunningLab, *arguments: str) -> list[dict[str, Any]]:
    code, said = run(lab, "rules", "show", *arguments)
    assert code == 0, said
    found: list[dict[str, Any]] = said["rules"]
    return found


def saved(lab: RunningLab, machine: str, *command: str) -> list[str]:
    text = lab.outside(machine, list(command)).stdout
    return [line for line in text.splitlines() if not line.startswith(("#", ":"))]


@pytest.mark.row("S0-21", "S0-23", "S4-28")
def test_nat_rules_are_shown_with_numbers_counters_and_owner(story_lab: RunningLab) -> None:
    story_lab.pings("vm1", "172.24.21.50")
    found = rules(story_lab, "nat", "--machine", "wsl")
    printed = [one for one in found if one["chain"] == "LIBVIRT_PRT"]
    assert [one["number"] for one in printed] == [1, 2, 3, 4, 5]
    assert {one["owner"] for one in printed} == {"libvirt"}
    assert [one["target"] or one["act"] for one in printed] == ["RETURN", "RETURN", *["MASQUERADE"] * 3]
    assert printed[4]["text"] == "-s 192.168.122.0/24 ! -d 192.168.122.0/24 -j MASQUERADE"
    assert printed[4]["packets"] > 0
    native = rules(story_lab, "nat", "--machine", "vm1")
    assert any("masquerade" in one["text"] for one in native)
    assert all(one["table"] in {"nat", "libvirt_network", "firewalld"} for one in native)


@pytest.mark.row("S0-34")
def test_every_back_end_is_shown_and_the_order_is_the_kernels(story_lab: RunningLab) -> None:
    found = rules(story_lab, "filter", "--machine", "vm1")
    assert {(one["backend"], one["table"]) for one in found} == {
        ("iptables-nft", "filter"),
        ("nft", "libvirt_network"),
        ("nft", "firewalld"),
    }
    done = wslnet(
        "--inventory", str(story_lab.inventory), "rules", "show", "filter", "--order", "--machine", "vm1"
    )
    lines = done.stdout.splitlines()
    heads = [line for line in lines if line.startswith("vm1 ")]
    assert [line.split(",")[0] for line in heads] == [
        "vm1 iptables-nft ip filter FORWARD",
        "vm1 nft ip libvirt_network forward",
        "vm1 nft inet firewalld filter_FORWARD",
    ]
    jump = next(place for place, line in enumerate(lines) if "jump guest_input" in line)
    assert "guest_input" in lines[jump + 1]
    assert 'oif "virbr0" counter reject' in lines[jump + 2]


@pytest.mark.row("S0-33", "S0-34", "S4-30")
def test_the_first_vm_of_the_note_is_shown_as_the_note_shows_it(shared_lab: RunningLab) -> None:
    found = rules(shared_lab, "filter", "--machine", "vm1", "--family", "4")
    accepted = [one["text"] for one in found if one["chain"] == "INPUT"]
    assert accepted == [
        f"-i virbr0 -p {proto} -m {proto} --dport {port} -j ACCEPT"
        for port, proto in ((53, "udp"), (53, "tcp"), (67, "udp"), (67, "tcp"))
    ]
    forward = [(one["number"], one["act"]) for one in found if one["chain"] == "FORWARD"]
    assert forward == [*((number, "ACCEPT") for number in range(1, 7)), (7, "REJECT"), (8, "REJECT")]
    assert {one["owner"] for one in found if one["act"] == "REJECT"} == {"libvirt"}


@pytest.mark.row("S4-31")
def test_a_rule_is_deleted_by_what_it_says_and_comes_back_where_it_was(story_lab: RunningLab) -> None:
    text = "-s 192.168.125.0/24 -i virbr1 -j ACCEPT"
    before = saved(story_lab, "vm1", *SAVE)
    code, said = run(story_lab, "rules", "delete", "vm1", "2", "--yes")
    assert (code, said["error"]["code"]) == (2, "bad-input")
    assert "numbers move" in said["error"]["message"]
    code, said = run(story_lab, "rules", "delete", "vm1", text, "--dry-run")
    assert code == 10
    code, said = run(story_lab, "rules", "delete", "vm1", text, "--yes")
    assert (code, said["result"]) == (0, "committed"), said
    assert saved(story_lab, "vm1", *SAVE) == [line for line in before if text not in line]
    code, said = run(story_lab, "rules", "delete", "vm1", text, "--yes")
    assert (code, said["error"]["code"]) == (2, "bad-input")
    assert run(story_lab, "undo", "--yes")[0] == 0
    assert saved(story_lab, "vm1", *SAVE) == before


@pytest.mark.row("S4-31")
def test_a_native_rule_is_deleted_by_its_id_and_comes_back_where_it_was(story_lab: RunningLab) -> None:
    listing = ["nft", "-s", "list", "table", "ip", "libvirt_network"]
    before = story_lab.outside("vm1", listing).stdout
    (wanted,) = (
        one
        for one in rules(story_lab, "--machine", "vm1", "--chain", "guest_nat")
        if "224.0.0.0/24" in one["text"]
    )
    code, said = run(story_lab, "rules", "delete", "vm1", wanted["id"], "--yes")
    assert (code, said["result"]) == (0, "committed"), said
    after = story_lab.outside("vm1", listing).stdout
    assert after.splitlines() == [line for line in before.splitlines() if "224.0.0.0/24" not in line]
    assert run(story_lab, "undo", "--yes")[0] == 0
    assert story_lab.outside("vm1", listing).stdout == before


@pytest.mark.row("S0-36")
def test_the_rejects_are_deleted_and_nothing_else(seed_lab: RunningLab) -> None:
    before = saved(seed_lab, "vm1", *SAVE)
    code, said = run(seed_lab, "vm", "reach", "vm2", "--mode", "delete", "--yes")
    assert (code, said["result"]) == (0, "committed"), said
    assert saved(seed_lab, "vm1", *SAVE) == [line for line in before if "REJECT" not in line]
    assert len([line for line in before if "REJECT" in line]) == 2
    assert seed_lab.pings("wsl", VM2)
    assert run(seed_lab, "undo", "--yes")[0] == 0
    assert saved(seed_lab, "vm1", *SAVE) == before
    assert not seed_lab.pings("wsl", VM2)


@pytest.mark.row("S0-22")
def test_two_back_ends_at_once_are_found_and_both_are_passed(raise_lab: Callable[[str], RunningLab]) -> None:
    lab = raise_lab("both")
    legacy = ["iptables-legacy", "-P", "FORWARD", "DROP"]
    assert lab.run("vm1", legacy).returncode == 0
    code, said = run(lab, "doctor", "--only", "firewall.backend")
    (found,) = (one for one in said["findings"] if one["machine"] == "vm1")
    assert found["status"] == "warn"
    assert "iptables-legacy and in iptables-nft" in found["title"]
    code, said = run(lab, "vm", "reach", "vm2", "--yes")
    assert (code, said["result"]) == (0, "committed"), said
    assert lab.pings("wsl", VM2)
    own = [line for line in saved(lab, "vm1", "iptables-legacy-save") if "wslnet:" in line]
    assert len(own) == 2
    assert run(lab, "undo", "--yes")[0] == 0
    assert [line for line in saved(lab, "vm1", "iptables-legacy-save") if line.startswith("-A")] == []


@pytest.mark.full
def test_a_rule_that_carries_our_own_link_is_back_by_itself_and_once(
    raise_lab_of: Callable[[str], RunningLab],
) -> None:
    lab = raise_lab_of("vm1-nft-ufw")
    before = saved(lab, "vm1", *SAVE)
    text = "-p tcp -m tcp --dport 22 -j ACCEPT"
    code, said = run(lab, "rules", "delete", "vm1", text, "--yes")
    assert (code, said["result"]) == (12, "rolled-back"), said
    assert saved(lab, "vm1", *SAVE) == before
