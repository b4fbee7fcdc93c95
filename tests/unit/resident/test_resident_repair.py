"""What wslnet-agent puts back, how often, beside whom, and what it says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from wslnet.model.virtual_net import Declaration, NetMode, VirtualNet
from wslnet.profiles.virtual_net import declared
from wslnet_linux_agent import (
    bundle,
    ops,
    ops_owned,
    ops_state,
    resident,
    resident_log,
    resident_nets,
    resident_repair,
)
from wslnet_linux_agent.ops import Args
from wslnet_linux_agent.resident_repair import MOST_AN_HOUR, PUT_BACK, THERE

if TYPE_CHECKING:
    from pathlib import Path

ITEM = {"verb": "sysctl.set", "args": {"key": "net.ipv4.ip_forward", "value": "1"}}


class World:
    """What stands on the machine, and the answer to the next op."""

    def __init__(self) -> None:
        self.stands = False
        self.answer: dict[str, Any] = {"ok": True, "value": {}}
        self.done = 0

    def perform(self, op: Any) -> dict[str, Any]:
        assert op == ITEM
        self.done += 1
        return self.answer


@pytest.fixture
def world(disk: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    found = World()
    monkeypatch.setattr(resident_repair.Look, "stands", lambda *_: found.stands)
    monkeypatch.setattr(ops, "perform", found.perform)
    ops_owned.put(Args({"name": "forwarding", "run": "R1", "do": ITEM}))
    assert disk.exists()
    return found


def test_what_is_there_is_left_and_what_is_gone_is_put_back(world: World) -> None:
    assert resident_repair.repair(counted=True) == [("forwarding", PUT_BACK)]
    world.stands = True
    assert resident_repair.repair(counted=True) == [("forwarding", THERE)]
    assert world.done == 1


def test_after_so_many_times_within_an_hour_it_is_left_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr(ops_state, "now", lambda: now[0])
    for _ in range(MOST_AN_HOUR):
        assert resident_repair.repair(counted=True) == [("forwarding", PUT_BACK)]
        now[0] += 10
    ((_, outcome),) = resident_repair.repair(counted=True)
    assert outcome.startswith("left alone")
    assert world.done == MOST_AN_HOUR
    assert resident_repair.repair(counted=False) == [("forwarding", PUT_BACK)]
    now[0] += 3600
    assert resident_repair.repair(counted=True) == [("forwarding", PUT_BACK)]


def test_beside_a_run_nothing_is_put_back(world: World) -> None:
    with ops_state.Locked():
        ops_state.write("lock.json", {"run": "R9", "until": ops_state.now() + 60})
    with pytest.raises(resident_repair.BusyError, match="R9"):
        resident_repair.repair(counted=False)
    with ops_state.Locked():
        ops_state.write("lock.json", {"run": "R9", "until": ops_state.now() - 1})
        ops_state.write("guard.json", {"run": "R9", "state": "armed"})
    with pytest.raises(resident_repair.BusyError, match="confirmation"):
        resident_repair.repair(counted=False)
    with ops_state.Locked():
        ops_state.write("guard.json", {"run": "R9", "state": "fired"})
    assert resident_repair.repair(counted=False) == [("forwarding", PUT_BACK)]
    assert world.done == 1


def test_what_is_in_the_way_and_what_cannot_be_yet_is_said_once(world: World, disk: Path) -> None:
    told = resident.Told()
    world.answer = ops.failure("exists", "File exists")
    for _ in range(3):
        assert resident._apply(counted=True, told=told) == 1
    world.answer = ops.failure("not-found", "no such interface: virbr0")
    assert resident._apply(counted=True, told=told) == 1
    world.answer = {"ok": True, "value": {}}
    assert resident._apply(counted=True, told=told, cause="RTM_NEWLINK virbr0") == 0
    said = [line.partition(" ")[2] for line in (disk / "agent.log").read_text().splitlines()]
    assert said == [
        "forwarding: in the way is what wslnet did not make: File exists",
        "forwarding: waits: no such interface: virbr0",
        "forwarding: put back after RTM_NEWLINK virbr0",
    ]


def test_a_damaged_file_stops_the_whole_pass(world: World, disk: Path) -> None:
    file = disk / "wslnet" / "owned.json"
    file.write_text(file.read_text()[:-20])
    assert resident._apply(counted=False) == 1
    assert world.done == 0
    assert len((disk / "agent.log").read_text().splitlines()) == 1


@pytest.mark.parametrize(
    ("rule", "stops"),
    [
        ("-i virbr0 -j REJECT --reject-with icmp-port-unreachable", True),
        ("-j LIBVIRT_FWI", True),
        ("-j DOCKER-USER", True),
        ("-g CHAIN", True),
        ("-s 10.0.0.0/8 -j ACCEPT", False),
        ("-j LOG", False),
        ("-i eth0", False),
        ("-m comment --comment wslnet:a->b -j DOCKER", False),
    ],
)
def test_what_may_stop_a_packet_above_ours(rule: str, stops: bool) -> None:  # noqa: FBT001 - a case
    assert resident_repair._may_stop("rule.insert", rule.split()) is stops


def test_what_may_stop_in_native_rules() -> None:
    for text, stops in (
        ('oif "virbr0" counter reject', True),
        ("counter jump guest_input", True),
        ("counter accept", False),
        ('counter drop comment "wslnet:mine"', False),
    ):
        assert resident_repair._may_stop("nft.insert", [text]) is stops


def net(
    disk: Path, mode: NetMode, ops_of: list[dict[str, Any]], *, persist: bool = True, run: str = "R1"
) -> Path:
    """A declaration as `net create` writes it."""
    one = VirtualNet("lab0", mode, "02:00:00:00:00:01", persist=persist)
    file = declared("vm1", Declaration(one, ops=tuple(ops_of)))
    path = disk / "wslnet" / "net-lab0.json"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(file.content.replace(b"@RUN@", run.encode()))
    path.chmod(0o644)
    return path


BRIDGE = {"verb": "bridge.add", "args": {"name": "lab0"}}


def test_a_declared_net_is_put_back_in_its_order(disk: Path) -> None:
    tap = {"verb": "tap.add", "args": {"name": "lab0t0"}}
    net(disk, NetMode.NAT, [BRIDGE, tap, ITEM])
    items, problems = resident_nets.declared(["R1"])
    assert [one["do"] for one in items] == [BRIDGE, tap, ITEM]
    assert [one["name"] for one in items][:2] == ["net lab0: bridge lab0", "net lab0: tap lab0t0"]
    assert problems == []
    assert resident_nets.declared([]) == ([], [])


def test_nets_that_nobody_wants_back_or_that_need_somebody_there_are_not(disk: Path) -> None:
    net(disk, NetMode.PRIVATE, [BRIDGE], persist=False)
    assert resident_nets.declared(["R1"]) == ([], [])
    net(disk, NetMode.L2, [BRIDGE, {"verb": "uplink.move", "args": {}}])
    assert resident_nets.declared(["R1"]) == ([], [])


def test_a_bad_net_is_refused_as_a_whole_and_stops_no_other(disk: Path, world: World) -> None:
    path = net(disk, NetMode.NAT, [BRIDGE, {"verb": "file.write", "args": {}}])
    for damaged in (path.read_text(), path.read_text()[:-30], "[]"):
        path.write_text(damaged)
        items, problems = resident_nets.declared(["R1"])
        assert items == []
        assert [name for name, _ in problems] == [str(path)]
        assert ("forwarding", PUT_BACK) in resident_repair.repair(counted=False)
    assert world.done == 3


def test_the_log_is_bounded(disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JOURNAL_STREAM", raising=False)
    monkeypatch.setattr(resident_log, "_MOST_BYTES", 500)
    for number in range(100):
        resident_log.say(f"line {number}\nand more")
    sizes = [path.stat().st_size for path in disk.glob("agent.log*")]
    assert len(sizes) == 2
    assert max(sizes) < 600
    assert "\nand" not in (disk / "agent.log").read_text()


def test_the_program_is_one_text_that_knows_its_run() -> None:
    text = bundle.resident("@RUN@")
    assert len(text) < 60_000
    assert text.count("@RUN@") == 1
    compile(text, "wslnet-agent", "exec")
    assert json.dumps(text)
