"""The canonical snapshot sees every kind of change that is made by hand, and nothing where there is none."""

from __future__ import annotations

import json
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .canonical.snapshot import differences, take

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.lab

# How the name of a part that changes begins, the machine, how it is changed, how back.
BY_COMMAND = {
    "link": ("wsl links", "wsl", "ip link add odd0 type bridge", "ip link del odd0"),
    "link-down": ("vm1 links", "vm1", "ip link set virbr1 down", "ip link set virbr1 up"),
    "mtu": ("vm2 links", "vm2", "ip link set ens3 mtu 1400", "ip link set ens3 mtu 1500"),
    "address": (
        "vm1 addresses virbr0", "vm1",
        "ip address add 10.9.9.9/32 dev virbr0", "ip address del 10.9.9.9/32 dev virbr0",
    ),
    "address-6": (
        "wsl addresses virbr0", "wsl",
        "ip address add fd00::9/128 dev virbr0", "ip address del fd00::9/128 dev virbr0",
    ),
    "route": (
        "wsl routes 4", "wsl",
        "ip route add 10.8.0.0/16 via 192.168.122.191", "ip route del 10.8.0.0/16 via 192.168.122.191",
    ),
    "route-protocol": (
        "lan routes 4", "lan",
        "ip route add 10.8.0.0/16 dev lo proto 119", "ip route del 10.8.0.0/16",
    ),
    "route-table": (
        "vm1 routes 4", "vm1",
        "ip route add blackhole 10.8.0.0/16 table 119", "ip route del 10.8.0.0/16 table 119",
    ),
    "route-local": (
        "vm2 routes 4", "vm2",
        "ip route add local 10.7.7.7 dev lo", "ip route del local 10.7.7.7 dev lo table local",
    ),
    "route-6": (
        "wsl routes 6", "wsl", "ip -6 route add fd01::/64 dev virbr0", "ip -6 route del fd01::/64 dev virbr0",
    ),
    "rule": ("gw rules 4", "gw", "ip rule add fwmark 1 table 119", "ip rule del fwmark 1 table 119"),
    "rule-6": ("wsl rules 6", "wsl", "ip -6 rule add prio 9 table 119", "ip -6 rule del prio 9 table 119"),
    "iptables": (
        "vm1 iptables-nft-save filter FORWARD", "vm1",
        "iptables -I FORWARD -m comment --comment odd -j ACCEPT",
        "iptables -D FORWARD -m comment --comment odd -j ACCEPT",
    ),
    "policy": (
        "vm1 iptables-nft-save filter FORWARD", "vm1",
        "iptables -P FORWARD DROP", "iptables -P FORWARD ACCEPT",
    ),
    "chain": ("vm2 iptables-nft-save filter ODD", "vm2", "iptables -N ODD", "iptables -X ODD"),
    "ip6tables": (
        "wsl ip6tables-nft-save filter INPUT", "wsl",
        "ip6tables -A INPUT -p 50 -j DROP", "ip6tables -D INPUT 1",
    ),
    "legacy": (
        "wsl iptables-legacy-save filter INPUT", "wsl",
        "iptables-legacy -A INPUT -p 50 -j DROP", "iptables-legacy -D INPUT 1",
    ),
    "nft-table": ("vm2 nft inet odd", "vm2", "nft add table inet odd", "nft delete table inet odd"),
    "nft-set": (
        "windows nft inet windows set forwarding4", "windows",
        "nft add element inet windows forwarding4 { lo }",
        "nft delete element inet windows forwarding4 { lo }",
    ),
    "forwarding": (
        "lan sysctl net.ipv4.", "lan", "sysctl -w net.ipv4.ip_forward=1", "sysctl -w net.ipv4.ip_forward=0",
    ),
    "rp-filter": (
        "wsl sysctl net.ipv4.conf.virbr0.rp_filter", "wsl",
        "sysctl -w net.ipv4.conf.virbr0.rp_filter=1", "sysctl -w net.ipv4.conf.virbr0.rp_filter=0",
    ),
    "forwarding-6": (
        "vm2 sysctl net.ipv6.conf.", "vm2",
        "sysctl -w net.ipv6.conf.all.forwarding=1", "sysctl -w net.ipv6.conf.all.forwarding=0",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def still(story_lab: Any) -> Any:
    """The lab at rest, and its snapshot."""
    return story_lab, take(story_lab)


def seen(still: Any, machine: str) -> list[str]:
    lab, before = still
    return differences(before.of(machine), take(lab, machine))


@pytest.mark.parametrize("kind", BY_COMMAND)
def test_a_change_of_the_network_is_seen(still: Any, kind: str) -> None:
    lab, _ = still
    part, machine, change, back = BY_COMMAND[kind]

    def outside(command: str) -> None:
        done = lab.outside(machine, command.split())
        assert done.returncode == 0, done.stderr

    outside(change)
    try:
        found = seen(still, machine)
    finally:
        outside(back)
    assert [one for one in found if one.startswith(part)], found
    assert seen(still, machine) == []


def test_the_order_of_rules_counts(still: Any) -> None:
    lab, _ = still
    rule = lab.outside("vm1", ["iptables", "-S", "FORWARD", "1"]).stdout.split()[2:]
    lab.outside("vm1", ["iptables", "-D", "FORWARD", "1"])
    try:
        lab.outside("vm1", ["iptables", "-I", "FORWARD", "2", *rule])
        assert [one.partition("\n")[0] for one in seen(still, "vm1")] == [
            "vm1 iptables-nft-save filter FORWARD",
            "vm1 nft ip filter FORWARD",
        ]
    finally:
        lab.outside("vm1", ["iptables", "-D", "FORWARD", "2"])
        lab.outside("vm1", ["iptables", "-I", "FORWARD", "1", *rule])
    assert seen(still, "vm1") == []


@contextmanager
def kept(file: Path) -> Iterator[None]:
    """Whatever is done to a file is taken back."""
    status, content = file.stat(), file.read_bytes()
    try:
        yield
    finally:
        file.write_bytes(content)
        file.chmod(status.st_mode & 0o7777)


def test_bytes_mode_and_owner_of_files_count(still: Any) -> None:
    lab, _ = still
    file = lab.root("vm1") / "etc" / "hosts"
    with kept(file):
        file.write_bytes(file.read_bytes() + b"\n")
        assert [one.partition("\n")[0] for one in seen(still, "vm1")] == ["vm1 file /etc/hosts"]
    with kept(file):
        file.chmod(0o600)
        assert "-rw-------" in seen(still, "vm1")[0]
    inside = ["chown", "7:7", "/etc/hosts"]
    assert lab.run("vm1", inside).returncode == 0
    assert " 7:7 " in seen(still, "vm1")[0]
    lab.run("vm1", ["chown", "0:0", "/etc/hosts"])
    assert seen(still, "vm1") == []


@pytest.mark.parametrize(
    "name", ["/etc/systemd/network/odd.network", "/usr/local/bin/odd", "/run/odd", "/run/wslnet/guard.json"]
)
def test_a_new_file_and_one_that_is_gone_are_seen(still: Any, name: str) -> None:
    lab, _ = still
    folder = str(Path(name).parent)
    there = lab.run("vm1", ["test", "-d", folder]).returncode == 0
    lab.run("vm1", ["mkdir", "-p", folder])
    lab.run("vm1", ["touch", name])
    assert f"vm1 file {name}" in {one.partition("\n")[0] for one in seen(still, "vm1")}
    lab.run("vm1", ["rm", "-r", name if there else folder])
    if not there and folder.startswith("/etc"):
        lab.run("vm1", ["rmdir", str(Path(folder).parent)])
    assert seen(still, "vm1") == []


def test_a_file_of_the_bare_system_that_is_deleted_is_seen(still: Any) -> None:
    lab, _ = still
    assert lab.run("vm2", ["mv", "/etc/passwd", "/run/passwd"]).returncode == 0
    try:
        assert {one.partition("\n")[0] for one in seen(still, "vm2")} == {
            "vm2 file /etc/passwd",
            "vm2 file /run/passwd",
        }
    finally:
        outside = f"/proc/{_init(lab, 'vm2')}/root"
        subprocess.run(["cp", "-a", f"{outside}/run/passwd", f"{outside}/etc/passwd"], check=True, timeout=10)
        Path(f"{outside}/run/passwd").unlink()
    assert seen(still, "vm2") == []


def _init(lab: Any, machine: str) -> int:
    state = json.loads((lab.inventory.parent / "state.json").read_text(encoding="utf-8"))
    pid: int = state["machines"][machine]["init"]["pid"]
    return pid


def test_what_wslnet_writes_on_windows_is_seen(still: Any) -> None:
    lab, _ = still
    folder = lab.inventory.parent / "windows"
    changes = {
        "firewall rules odd": ("firewall", lambda data: data["rules"].update(odd={"Enabled": 1})),
        "firewall settings {WSL}": (
            "firewall",
            lambda data: data["settings"].update({"{WSL}": {"DefaultInboundAction": 2}}),
        ),
        "tasks \\wslnet\\odd": ("tasks", lambda data: data.update({"\\wslnet\\odd": {"xml": "<Task/>"}})),
        "network interfaces": ("network", lambda data: data["interfaces"].update(odd={"Forwarding": 1})),
        "boot hyperv_active rules odd": (
            "boot",
            lambda data: data["hyperv_active"]["rules"].update(odd={"Enabled": 1}),
        ),
        "services iphlpsvc": ("services", lambda data: data["iphlpsvc"].update(state="Stopped")),
        "acl c:\\users\\owner": ("acl", lambda data: data.update({"c:\\users\\owner": {"owner": "S-1-1-0"}})),
    }
    for part, (state, change) in changes.items():
        file = folder / f"{state}.json"
        with kept(file):
            data = json.loads(file.read_text(encoding="utf-8"))
            change(data)
            file.write_text(json.dumps(data), encoding="utf-8")
            assert [one.partition("\n")[0] for one in seen(still, "windows")] == [f"windows {part}"]
    config = lab.root("windows") / "Users" / "owner" / ".wslconfig"
    with kept(config):
        config.write_bytes(config.read_bytes().replace(b"\n", b"\r\n"))
        assert [one.partition("\n")[0] for one in seen(still, "windows")] == [
            "windows file C:/Users/owner/.wslconfig"
        ]
    assert seen(still, "windows") == []


def test_a_port_proxy_is_seen_in_the_registry_and_as_a_listener(still: Any) -> None:
    lab, _ = still
    words = ["netsh.exe", "interface", "portproxy"]
    more = ["listenport=8022", "connectport=22", "connectaddress=127.0.0.1"]
    lab.run("windows", [*words, "add", "v4tov4", *more])
    found = seen(still, "windows")
    lab.run("windows", [*words, "delete", "v4tov4", "listenport=8022"])
    assert any(one.startswith("windows registry") and "PortProxy" in one for one in found), found
    assert any(one.startswith("windows listeners") and ":8022" in one for one in found), found
    # The empty key stays, as on Windows.
    assert [one for one in seen(still, "windows") if "PortProxy" not in one] == []


def test_a_look_and_packets_change_nothing(still: Any) -> None:
    lab, _ = still
    before = take(lab)
    assert lab.pings("wsl", "192.168.122.191")
    for program in ("iptables", "ip6tables", "iptables-legacy"):
        for table in ("filter", "nat", "mangle", "raw"):
            lab.outside("vm2", [program, "-t", table, "-L", "-n"])
    # Iptables before 1.8.8 makes all of a table's chains to list one; newer ones with the first rule.
    lab.outside("vm2", ["iptables", "-t", "raw", "-A", "OUTPUT", "-j", "ACCEPT"])
    lab.outside("vm2", ["iptables", "-t", "raw", "-D", "OUTPUT", "1"])
    assert "chain OUTPUT" in lab.outside("vm2", ["nft", "list", "ruleset"]).stdout
    assert differences(before, take(lab)) == []


def test_a_machine_that_went_off_is_seen(still: Any) -> None:
    lab, _ = still
    assert lab.run("vm1", ["virsh", "destroy", "vm2"]).returncode == 0
    assert "vm2 state\n  -running\n  +off" in seen(still, "vm2")
    assert lab.run("vm1", ["virsh", "start", "vm2"]).returncode == 0
