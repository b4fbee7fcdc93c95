"""Published ports by packets: NAT by portproxy, then mirrored by holder and DNAT; what undo leaves behind."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from .asking import lab_calls, run
from .canonical.snapshot import differences, take
from .servers import answer, answering, greets
from .write_rules import assert_alone_with_stop_and_key, writes

if TYPE_CHECKING:
    from .conftest import RunningLab

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]

WINDOWS = "172.24.21.109"
# A frame to the bridge with 127.0.0.1 as its destination, which no kernel sends by itself.
TO_LOOPBACK = (
    "import socket,struct,sys\n"
    "s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW); s.bind((sys.argv[1], 0x800))\n"
    "ends = bytes([192,168,122,191]), bytes([127,0,0,1])\n"
    "ip = struct.pack('>BBHHHBBH4s4s', 69, 0, 28, 1, 0, 64, 17, 0, *ends)\n"
    "total = sum(struct.unpack('>10H', ip)); total = (total & 0xffff) + (total >> 16)\n"
    "ip = ip[:10] + struct.pack('>H', ~total & 0xffff) + ip[12:]\n"
    "udp = struct.pack('>HHHH', 4000, 53, 8, 0)\n"
    "s.send(bytes.fromhex(sys.argv[2].replace(':', '')) + s.getsockname()[4] + b'\\x08\\x00' + ip + udp)\n"
)


def add(lab: RunningLab, target: str, listen: str, *more: str) -> tuple[int, dict[str, Any]]:
    return run(lab, "forward", "add", "--to", target, "--listen", listen, "--yes", *more)


@pytest.mark.row("S1-12", "S1-21", "S0-57")
def test_nat_publishes_wsl_and_a_nested_vm_by_portproxy(story_lab: RunningLab) -> None:
    before = take(story_lab)
    code, said = add(story_lab, "vm2:22", "2222@lan")
    assert (code, said["result"], said["unverified"]) == (0, "committed", []), said
    assert greets(story_lab, "lan", WINDOWS, 2222)
    assert greets(story_lab, "windows", "127.0.0.1", 2222)
    code, said = add(story_lab, "wsl:22", "2200@host")
    assert code == 0, said
    assert greets(story_lab, "windows", "127.0.0.1", 2200)
    assert not greets(story_lab, "lan", WINDOWS, 2200)

    code, listed = run(story_lab, "forward", "list")
    assert [(one["listen"], one["in_place"]) for one in listed["forwards"]] == [
        ("tcp/2200@host", True),
        ("tcp/2222@lan", True),
    ]
    for _ in range(2):
        assert run(story_lab, "undo", "--yes")[0] == 0
    assert run(story_lab, "forward", "list")[1]["forwards"] == []
    assert differences(before, take(story_lab)) == []


@pytest.mark.row("S1-12", "S1-22")
def test_nat_publishes_udp_of_a_nested_vm_by_a_relay(story_lab: RunningLab) -> None:
    before = take(story_lab)
    with answering(story_lab, "vm2", 9999, "vm2"):
        code, said = add(story_lab, "vm2:9999", "udp/5400@lan")
        assert (code, said["result"]) == (0, "committed"), said
        for source, address in (("lan", WINDOWS), ("windows", "127.0.0.1")):
            assert answer(story_lab, source, address, 5400) == "vm2"
        code, listed = run(story_lab, "forward", "list")
        assert [(one["listen"], one["backend"], one["in_place"]) for one in listed["forwards"]] == [
            ("udp/5400@lan", "relay", True)
        ]
    assert run(story_lab, "forward", "remove", "udp/5400", "--yes")[0] == 0
    for _ in range(2):
        assert run(story_lab, "undo", "--yes")[0] == 0
    assert differences(before, take(story_lab)) == []


@pytest.mark.full
def test_rules_of_before_are_taken_over(story_lab: RunningLab) -> None:
    rule = ["listenport=8022", "listenaddress=0.0.0.0", "connectaddress=172.23.99.9", "connectport=22"]
    netsh = ["netsh.exe", "interface", "portproxy", "add", "v4tov4", *rule]
    assert story_lab.run("windows", netsh).returncode == 0
    assert not greets(story_lab, "lan", WINDOWS, 8022)
    code, said = run(story_lab, "forward", "adopt", "--yes")
    assert (code, [one["action"] for one in said["changes"]]) == (0, ["add", "change"]), said
    assert greets(story_lab, "lan", WINDOWS, 8022)
    code, said = run(story_lab, "forward", "adopt", "--yes")
    assert (code, said["result"]) == (0, "unchanged"), said
    code, said = run(story_lab, "forward", "remove", "8022", "--yes")
    assert (code, said["result"]) == (0, "committed"), said
    assert run(story_lab, "forward", "list")[1]["portproxy"] == []


@pytest.mark.row("S0-57", "S2-12")
def test_mirrored_publishes_nested_vms_to_the_lan_and_to_windows(story_lab: RunningLab) -> None:
    assert run(story_lab, "setup", "--mirrored", "--yes")[0] == 0
    before = take(story_lab)
    for target, listen in (("vm1:22", "2201@lan"), ("vm2:22", "2222@lan")):
        code, said = add(story_lab, target, listen)
        assert (code, said["result"], said["unverified"]) == (0, "committed", []), said
    with answering(story_lab, "vm2", 9999, "vm2"):
        code, said = add(story_lab, "vm2:9999", "5400@lan", "--proto", "udp")
        assert (code, said["result"]) == (0, "committed"), said
        assert answer(story_lab, "lan", WINDOWS, 5400) == "vm2"
    for port in (2201, 2222):
        assert greets(story_lab, "lan", WINDOWS, port)
        assert greets(story_lab, "windows", "127.0.0.1", port)
    code, said = run(story_lab, "forward", "check")
    assert (code, {one["ok"] for one in said["pairs"]}) == (0, {True}), said

    code, said = add(story_lab, "vm1:22", "2222@lan")
    assert (code, said["error"]["code"]) == (2, "port-taken")
    assert "forward remove tcp/2222@lan" in said["error"]["message"]
    code, said = add(story_lab, "vm1:22", "5004@lan")
    assert (code, said["error"]["code"]) == (2, "port-taken")
    code, said = add(story_lab, "vm1:22", "22@lan")
    assert code == 2
    assert "sshd" in said["error"]["message"] or "listens" in said["error"]["message"]

    code, said = run(story_lab, "forward", "remove", "2222", "udp/5400", "--yes")
    assert (code, said["result"]) == (0, "committed"), said
    assert not greets(story_lab, "lan", WINDOWS, 2222)
    assert greets(story_lab, "lan", WINDOWS, 2201)
    for _ in range(4):
        assert run(story_lab, "undo", "--yes")[0] == 0
    assert differences(before, take(story_lab)) == []


@pytest.mark.full
def test_a_vm_does_not_get_to_local_services_by_it(story_lab: RunningLab) -> None:
    assert add(story_lab, "vm1:22", "2201@host")[0] == 0
    bridge = story_lab.outside("wsl", ["cat", "/sys/class/net/virbr0/address"]).stdout.strip()
    sent = story_lab.outside("vm1", [sys.executable, "-c", TO_LOOPBACK, "enp1s0", bridge])
    assert sent.returncode == 0, sent.stderr
    listed = story_lab.outside("wsl", ["iptables", "-t", "raw", "-vnxL", "PREROUTING"]).stdout
    (rule,) = [line for line in listed.splitlines() if "wslnet:localnet virbr0" in line]
    assert int(rule.split()[0]) == 1
    assert run(story_lab, "undo", "--yes")[0] == 0


@pytest.mark.full
@pytest.mark.row("S3-53")
def test_useless_portproxy_rules_are_pruned_and_come_back_by_undo(story_lab: RunningLab) -> None:
    def rules() -> list[int]:
        return [one["listen_port"] for one in run(story_lab, "forward", "list")[1]["portproxy"]]

    for port, to in ((8001, "172.23.102.37"), (8002, "172.24.21.50")):
        words = [f"listenport={port}", f"connectaddress={to}"]
        assert (
            story_lab.run(
                "windows", ["netsh.exe", "interface", "portproxy", "add", "v4tov4", *words]
            ).returncode
            == 0
        )
    code, said = run(story_lab, "forward", "prune", "--yes")
    assert (code, said["result"]) == (0, "committed"), said
    assert rules() == [8002]
    assert run(story_lab, "undo", "--yes")[0] == 0
    assert sorted(rules()) == [8001, 8002]


def test_every_write_of_this_story_stood_alone(story_lab: RunningLab) -> None:
    calls = lab_calls(story_lab)
    assert {"New-NetFirewallHyperVRule", "Remove-NetFirewallHyperVRule"} <= {
        one["name"] for call in writes(calls) for one in call["commands"]
    }
    assert_alone_with_stop_and_key(calls)
