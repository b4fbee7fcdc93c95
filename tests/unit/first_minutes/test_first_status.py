"""What status tells, from snapshots of the lab in both modes; text and JSON carry the same facts."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from wslnet.app.status import configured_mode
from wslnet.cli.output import printable
from wslnet.cli.render_status import render, render_versions
from wslnet.engine.overview import overview, overview_needs
from wslnet.model.linux_facts import LinuxFacts
from wslnet.model.windows_facts import WindowsFacts
from wslnet.model.windows_wsl import WslVersions

if TYPE_CHECKING:
    from collections.abc import Callable

    from wslnet.model.snapshot import Snapshot

    Make = Callable[..., Snapshot]

HOSTS = ["10.246.28.220", "10.246.117.145", *(f"21.40.82.{last}" for last in range(130, 160))]


def text_of(snapshot: Snapshot) -> list[str]:
    return list(render(overview(snapshot, configured_mode(snapshot))))


def block(lines: list[str], head: str) -> list[str]:
    begin = lines.index(head)
    end = next((place for place in range(begin, len(lines)) if not lines[place]), len(lines))
    return lines[begin:end]


@pytest.mark.row("S0-10", "S0-15")
def test_mirrored(stored: Make) -> None:
    lines = text_of(stored("mirrored"))
    assert lines[0] == "wsl: mode mirrored (measured)"
    windows = block(lines, "windows (windows)")
    assert "  adapter: 以太网: uplink, Up" in windows
    assert "  adapter: ctEAO-10: vpn, Up" in windows
    assert "  adapter: WLAN: disconnected, Disconnected" in windows
    wsl = block(lines, "wsl (wsl in windows)")
    place = wsl.index("  link: eth1: veth, up")
    assert "172.24.21.109/24" in wsl[place + 1]
    assert "noprefixroute" in wsl[place + 1]
    assert wsl[place + 2] == "    mirrors the Windows adapter 以太网 (told by mac and address)"
    assert "  bridge: virbr0: vnet0" in wsl
    assert "  vm: vm1, running" in wsl
    assert any(line.startswith("  note: 10.255.255.254 ") for line in wsl)
    assert any(line.startswith("  note: 169.254.73.249 ") for line in wsl)


def test_nat(stored: Make) -> None:
    lines = text_of(stored("nat"))
    assert lines[0] == "wsl: mode nat (measured)"
    assert lines[1] == "  asked for: .wslconfig says nat, the inventory says mirrored"
    assert not any("mirrors the Windows adapter" in line for line in lines)
    assert any("  route: default via 172.23.96.1 dev eth0" in line for line in lines)


@pytest.mark.row("S0-09")
def test_every_link_is_told_with_mtu_qdisc_state_and_mac(stored: Make) -> None:
    whole = stored("mirrored")
    facts = whole.linux("wsl")
    assert facts is not None
    links = [replace(one, qdisc="mq" if one.name == "eth1" else "noqueue") for one in facts.links or ()]
    whole = replace(whole, facts={**whole.facts, "wsl": replace(facts, links=tuple(links))})
    (wsl,) = (one for one in overview(whole).machines if one.name == "wsl")
    told = {one.name: (one.mtu, one.qdisc, one.status, one.mac) for one in wsl.links}
    assert set(told) == {"lo", "loopback0", *(f"eth{number}" for number in range(5)), "virbr0", "vnet0"}
    assert told["eth1"] == (1500, "mq", "up", "1c:83:41:cf:a8:7c")
    assert told["lo"] == (65536, "noqueue", "up", None)
    assert told["vnet0"][3] == "fe:54:00:fc:38:e0"
    assert any("mac 1c:83:41:cf:a8:7c, mtu 1500, qdisc mq" in line for line in text_of(whole))


@pytest.mark.row("S3-05")
def test_distros_are_told_with_state_version_and_default(stored: Make) -> None:
    distros = [
        {"name": "Debian", "state": "Running", "version": 2, "default": True},
        {"name": "旧", "state": "Stopped", "version": 1, "default": False},
    ]
    lines = text_of(stored("mirrored", {"facts": {"windows": {"wsl": {"distros": distros}}}}))
    assert [line for line in lines if line.startswith("  distro:")] == [
        "  distro: Debian, Running, WSL 2, default",
        "  distro: 旧, Stopped, WSL 1",
    ]


@pytest.mark.row("S0-16")
def test_dozens_of_routes_of_a_vpn_are_one_line(stored: Make) -> None:
    own = [{"family": 4, "dst": "default", "via": "172.24.21.254", "dev": "eth1", "metric": 25}]
    vpn = [{"family": 4, "dst": dst, "via": "169.254.1.1", "dev": "eth0", "metric": 1} for dst in HOSTS]
    lines = text_of(stored("mirrored", {"facts": {"wsl": {"routes": own + vpn}}}))
    wsl = block(lines, "wsl (wsl in windows)")
    assert [line for line in wsl if line.startswith("  route:")] == [
        "  route: default via 172.24.21.254 dev eth1 metric 25",
        f"  route: 32 destinations via 169.254.1.1 dev eth0 metric 1: {HOSTS[0]} … {HOSTS[-1]}",
    ]
    assert any(line.startswith("  note: 169.254.1.1 next hop of a VPN driver") for line in wsl)


def test_json_has_every_destination_and_the_same_facts(stored: Make) -> None:
    vpn = [{"family": 4, "dst": dst, "via": "169.254.1.1", "dev": "eth0", "metric": 1} for dst in HOSTS]
    picture = overview(stored("mirrored", {"facts": {"wsl": {"routes": vpn}}}))
    document: dict[str, Any] = json.loads(json.dumps(picture.to_json()))
    assert document["schema_version"] == 1
    machines = {one["name"]: one for one in document["machines"]}
    assert machines["wsl"]["routes"][0]["destinations"] == HOSTS
    assert {link["name"]: link["mirrors"] for link in machines["wsl"]["links"]}["eth0"] == "ctEAO-10"
    told = " ".join(render(picture))
    for machine in document["machines"]:
        for link in machine["links"]:
            assert all(text in told for text in (link["name"], link["role"], *link["addresses"]))


def test_what_is_not_seen_says_why_and_the_rest_is_told(stored: Make) -> None:
    lines = text_of(stored("mirrored", unseen=("wsl", "vm1", "vm2")))
    assert lines[0] == "wsl: mode mirrored (measured)"
    assert block(lines, "vm1 (vm in wsl)")[1] == "  not seen: vm1 does not answer"


def test_a_stopped_wsl(stored: Make) -> None:
    patch = {"facts": {"windows": {"wsl": {"running": False, "mode": None, "address": None}}}}
    assert text_of(stored("nat", patch, unseen=("wsl", "vm1", "vm2")))[0] == "wsl: not running"


def test_a_vm_that_the_inventory_lacks_is_said(stored: Make) -> None:
    patch = {"facts": {"vm1": {"domains": [{"name": "win10", "state": "running"}]}}}
    lines = text_of(stored("mirrored", patch))
    assert "  vm: win10, running (not in the inventory: `wslnet init` finds it)" in lines


def test_hostile_names_cannot_reach_the_terminal_as_codes(stored: Make) -> None:
    patch = {"facts": {"windows": {"adapters": [{"index": 2, "name": "\x1b[2Jx\u202e", "status": "Up"}]}}}
    told = "\n".join(printable(line) for line in text_of(stored("mirrored", patch)))
    assert "\x1b" not in told
    assert "\u202e" not in told


def test_needs_are_facts_that_exist(stored: Make) -> None:
    for name, needs in overview_needs(stored("nat").inventory).items():
        known = WindowsFacts if name == "windows" else LinuxFacts
        assert needs <= set(known.__dataclass_fields__)


@pytest.mark.row("S3-04")
def test_the_seven_versions_are_told_in_order() -> None:
    found = WslVersions("2.6.1.0", "6.6.87.2-1", "1.0.66", "1.2.6353", "1.611.1", "10.0.26100.1", None)
    assert list(render_versions(found)) == [
        "WSL: 2.6.1.0",
        "kernel: 6.6.87.2-1",
        "WSLg: 1.0.66",
        "MSRDC: 1.2.6353",
        "Direct3D: 1.611.1",
        "DXCore: 10.0.26100.1",
        "Windows: not known",
    ]
