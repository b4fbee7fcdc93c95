"""What is installed on which machine, and what of a plan a machine keeps."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from wslnet.model.change import Op
from wslnet.model.linux_facts import DiskFiles, LinuxFacts, Owned, OwnedItem, Persistence
from wslnet.model.machine import Inventory, Kind, Machine
from wslnet.model.snapshot import Snapshot
from wslnet.profiles.persistence import kept, persisters, starters, with_kept
from wslnet.resources.kept_thing import KeptThing
from wslnet.resources.persistent_file import PersistentFile
from wslnet.resources.static_route import StaticRoute
from wslnet.resources.sysctl import Sysctl

FORWARDING = Sysctl("vm1", "net.ipv4.ip_forward", "1", "law")
ROUTE = StaticRoute("vm1", "10.0.0.0/8", "192.168.122.1", "eth0", "law")


def seen(kind: Kind = Kind.VM, **persistence: Any) -> Snapshot:
    inventory = Inventory(Path("wslnet.toml"), Path("state"), {"vm1": Machine("vm1", kind)})
    facts = LinuxFacts(
        files=DiskFiles(),
        owned=Owned(),
        persistence=Persistence(**persistence),
        routes=(),
        sysctls={"net.ipv4.ip_forward": "1"},
    )
    return Snapshot(inventory, {"vm1": facts})


def with_agent(snapshot: Snapshot, *items: OwnedItem) -> Snapshot:
    facts = snapshot.linux("vm1")
    assert facts is not None
    return replace(snapshot, facts={"vm1": replace(facts, owned=Owned(agent=True, items=items))})


@pytest.mark.row("S0-26", "S0-27", "S0-28")
@pytest.mark.parametrize(
    ("kind", "found", "expected"),
    [
        (
            Kind.VM,
            {"systemd": True, "ifupdown": True},
            ["enabled wslnet-agent.service", "wslnet-agent.service"],
        ),
        (Kind.WSL, {"systemd": True}, ["enabled wslnet-agent.service", "wslnet-agent.service"]),
        (Kind.WSL, {"ifupdown": True}, ["wsl.conf boot.command"]),
        (Kind.VM, {"ifupdown": True}, ["if-up.d/wslnet"]),
        (Kind.VM, {"networkmanager": True}, ["dispatcher.d/50-wslnet"]),
        (Kind.VM, {"libvirt": "9.0.0"}, ["hooks/network.d/wslnet"]),
        (Kind.VM, {"libvirt": "4.0.0"}, ["hooks/network"]),
        (Kind.VM, {"libvirt": ""}, ["hooks/network.d/wslnet"]),
        (Kind.VM, {}, []),
    ],
)
def test_what_calls_the_agent_is_as_found(kind: Kind, found: dict[str, Any], expected: list[str]) -> None:
    names = [one.name for one in persisters(seen(kind, **found), "vm1")]
    assert names[0] == "file /usr/local/sbin/wslnet-agent"
    assert len(names) == 1 + len(expected)
    assert all(any(name.endswith(end) for name in names) for end in expected)


def test_a_machine_that_nothing_starts_is_told() -> None:
    facts = seen().linux("vm1")
    assert facts is not None
    assert starters(facts, is_wsl=False) == ()
    assert starters(facts, is_wsl=True) == ("wsl.conf [boot] command",)


def test_plans_are_as_they_were_where_nothing_is_installed() -> None:
    assert with_kept(seen(), (FORWARDING, ROUTE)) == (FORWARDING, ROUTE)


def test_what_is_set_up_later_is_kept_in_the_same_plan() -> None:
    snapshot = with_agent(seen())
    found = with_kept(snapshot, (FORWARDING, ROUTE))
    assert [one.name for one in found[2:]] == [f"kept {FORWARDING.name}", f"kept {ROUTE.name}"]
    (change,) = found[3].diff(snapshot.facts["vm1"])
    assert change.do.args["do"] == {"verb": "route.add", "args": ROUTE.keep(LinuxFacts()).args}


def test_at_install_only_what_stands_is_kept() -> None:
    snapshot = seen()
    assert [one.subject for one in kept(snapshot, (FORWARDING, ROUTE), only_true=True)] == [FORWARDING.name]


def test_a_next_hop_that_moved_changes_the_item() -> None:
    old = StaticRoute("vm1", "10.0.0.0/8", "192.168.122.9", "eth0", "law").keep(LinuxFacts())
    item = OwnedItem(ROUTE.name, "R1", old.to_json())
    snapshot = with_agent(seen(), item)
    (thing,) = [one for one in with_kept(snapshot, (ROUTE,)) if isinstance(one, KeptThing)]
    (change,) = thing.diff(snapshot.facts["vm1"])
    assert change.undo == Op("owned.restore", {"name": ROUTE.name, "entry": item.to_json()})


@pytest.mark.skipif(sys.platform != "linux", reason="the agent runs on Linux")
def test_without_its_mark_the_program_and_the_hook_do_nothing(tmp_path: Path) -> None:
    files = [one for one in persisters(seen(libvirt="9.0.0"), "vm1") if isinstance(one, PersistentFile)]
    for one in files:
        path = tmp_path / Path(one.path).name
        path.write_bytes(one.content.replace(b"@RUN@", b"20990101T000000-000000Z"))
        path.chmod(0o755)
        done = subprocess.run(
            [path, "default", "started"], capture_output=True, timeout=30, check=False, input=b""
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b""), one.path


@pytest.mark.skipif(not os.access("/usr/bin/systemd-analyze", os.X_OK), reason="needs systemd-analyze")
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    (unit,) = [
        one
        for one in persisters(seen(systemd=True), "vm1")
        if one.name.endswith(".service") and isinstance(one, PersistentFile)
    ]
    file = tmp_path / "wslnet-agent.service"
    text = unit.content.decode().replace("@RUN@", "R1").replace("/usr/local/sbin/wslnet-agent", "/bin/true")
    file.write_text(text)
    done = subprocess.run(
        ["/usr/bin/systemd-analyze", "verify", "--man=no", str(file)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert str(file) not in done.stderr, done.stderr
