"""The lab's parts that need neither root nor namespaces: data, framing, texts, refusals."""

from __future__ import annotations

import ipaddress
import json
import os
import signal
import socket
import subprocess
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from wslnet_lab import calls, cli, control, faults, inventory, netns, wsl_conf
from wslnet_lab.errors import LabError, NotRunning, UsageError
from wslnet_lab.paths import LabPaths
from wslnet_lab.processes import Process, in_namespaces
from wslnet_lab.socks import SocksProxy
from wslnet_lab.standins import programs, virsh
from wslnet_lab.topology.read import names, read
from wslnet_lab.windows_adapters import adapters_of_boot

if TYPE_CHECKING:
    from collections.abc import Callable

SEED = read("seed")


def test_every_topology_hangs_together() -> None:
    for name in names():
        topology = read(name)
        macs = [nic.mac for machine in topology.machines.values() for nic in [machine.nic] if nic]
        assert len(set(macs)) == len(macs)
        order = list(topology.machines)
        for machine in topology.machines.values():
            if machine.parent is not None:
                assert order.index(machine.parent) < order.index(machine.name)
            if machine.kind == "vm" and machine.parent is not None and machine.nic is not None:
                parent = topology.machines[machine.parent]
                bridges = {net.bridge.bridge: net.bridge.address for net in parent.networks}
                bridges |= {
                    each.nic.device: each.nic.addresses[0]
                    for each in parent.adapters
                    if each.kind == "default-switch"
                }
                subnet = ipaddress.ip_interface(bridges[machine.bridge]).network
                assert ipaddress.ip_interface(machine.nic.addresses[0]) in subnet
            assert "-" not in machine.name  # `wl-LAB-MACHINE` must not be ambiguous


def test_an_unknown_topology_is_told_with_what_there_is() -> None:
    with pytest.raises(UsageError, match=r"no topology 'x'; there is .*seed"):
        read("x")


def test_the_subtree_has_the_deepest_last() -> None:
    assert [each.name for each in SEED.subtree("windows")] == ["windows", "wsl", "vm1", "vm2"]
    assert [each.name for each in SEED.children("vm1")] == ["vm2"]
    with pytest.raises(LookupError):
        SEED.one("vm2")  # type: ignore[arg-type]


def test_the_inventory_is_toml_with_the_contract_keys() -> None:
    paths = LabPaths.of("one")
    document = tomllib.loads(inventory.render(paths, SEED, "socks5h://127.0.0.1:4711"))
    machines = document["machines"]
    assert list(machines) == ["lan", "windows", "wsl", "vm1", "vm2"]
    assert machines["windows"] == {
        "kind": "windows",
        "address": "127.0.0.1",
        "port": 5985,
        "user": "owner",
        "secret": {"command": ["cat", str(paths.password)]},
        "proxy": "socks5h://127.0.0.1:4711",
    }
    assert machines["wsl"]["parent"] == "windows"
    assert "address" not in machines["wsl"]
    assert machines["vm2"]["address"] == "192.168.124.91"
    assert machines["lan"]["proxy"] == "socks5h://127.0.0.1:4711"
    assert document["wish"]["mode"] == "mirrored"
    assert ["wsl", "vm2"] in document["wish"]["reach"]
    assert set(document) == {"schema_version", "state", "machines", "wish"}


@pytest.mark.parametrize("name", ["", "Lab", "a" * 25, "a/b", "a_b", "..", "a\n"])
def test_bad_lab_names_are_refused(name: str) -> None:
    with pytest.raises(UsageError):
        LabPaths.of(name)


@pytest.mark.parametrize("command", ["up", "down", "status", "log", "exec vm1 true", "break", "reboot wsl"])
def test_without_root_it_is_one_line_and_exit_13(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    result = CliRunner().invoke(cli.lab, command.split())
    assert result.exit_code == 13
    assert result.output.count("\n") == 1
    assert "root" in result.output


def test_what_is_no_fault_is_refused_with_those_there_are() -> None:
    for name in ("winrm-401", "wslconfig-locked", "sshd-refused:wsl", "vm-off:vm2"):
        faults.check(name, SEED)
    for name in ("winrm-402", "sshd-refused:windows", "vm-off:wsl", "vm-off"):
        with pytest.raises(UsageError, match="there is"):
            faults.check(name, SEED)


def test_control_answers_errors_with_their_codes(tmp_path: Path) -> None:
    def refuse() -> None:
        raise UsageError("no such thing")

    def add(a: int, b: int = 1) -> int:
        return a + b

    server = control.Server(tmp_path / "c.sock", {"add": add, "refuse": refuse})
    try:
        ask = tmp_path / "c.sock"
        assert control.call(ask, "add", {"a": 1, "b": 2}, timeout_s=5) == 3
        with pytest.raises(UsageError, match="no such thing"):
            control.call(ask, "refuse", {}, timeout_s=5)
        with pytest.raises(UsageError, match="no method 'subtract'"):
            control.call(ask, "subtract", {}, timeout_s=5)
        with pytest.raises(LabError, match="TypeError") as caught:
            control.call(ask, "add", {"c": 1}, timeout_s=5)
        assert caught.value.code == "failed"
    finally:
        server.shutdown()
        server.server_close()
    with pytest.raises(NotRunning):
        control.call(tmp_path / "c.sock", "add", {"a": 1}, timeout_s=5)


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> SocksProxy:
    """A proxy that dials from this process' own namespace."""

    def run_here(_name: str, act: Callable[[], socket.socket]) -> socket.socket:
        return act()

    monkeypatch.setattr(netns, "run_in", run_here)
    return SocksProxy("nowhere")


def greet(proxy: SocksProxy, request: bytes) -> tuple[socket.socket, bytes]:
    client = socket.create_connection(("127.0.0.1", proxy.port), timeout=5)
    client.sendall(b"\x05\x01\x00")
    assert client.recv(2) == b"\x05\x00"
    client.sendall(request)
    return client, client.recv(10)


def test_socks_connects_carries_and_closes_each_way(proxy: SocksProxy) -> None:
    with proxy, socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1].to_bytes(2, "big")
        # An address spelt as a name is what socks5h clients send for numbers.
        client, reply = greet(proxy, b"\x05\x01\x00\x03\x09127.0.0.1" + port)
        assert reply[:2] == b"\x05\x00"
        far, _ = server.accept()
        with client, far:
            client.sendall(b"ping")
            client.shutdown(socket.SHUT_WR)
            assert far.recv(10) == b"ping"
            assert far.recv(10) == b""
            far.sendall(b"pong")
            far.close()
            assert client.recv(10) == b"pong"
            assert client.recv(10) == b""
        proxy.shutdown()


@pytest.mark.parametrize(
    ("request_bytes", "reply"),
    [
        (b"\x05\x02\x00\x01\x7f\x00\x00\x01\x00\x09", 7),  # BIND
        (b"\x05\x01\x00\x03\x04name\x00\x16", 4),  # a name that nobody here looks up
        (b"\x05\x01\x00\x09", 8),  # no such address type
        (b"\x05\x01\x00\x01\x7f\x00\x00\x01\x00\x01", 5),  # refused
    ],
)
def test_socks_refuses_with_the_right_reply(proxy: SocksProxy, request_bytes: bytes, reply: int) -> None:
    with proxy:
        client, answer = greet(proxy, request_bytes)
        with client:
            assert answer[:2] == bytes((5, reply))
        proxy.shutdown()


def test_socks_wants_no_authentication(proxy: SocksProxy) -> None:
    with proxy, socket.create_connection(("127.0.0.1", proxy.port), timeout=5) as client:
        client.sendall(b"\x05\x01\x02")
        assert client.recv(2) == b"\x05\xff"
        proxy.shutdown()


def test_a_process_is_not_mistaken_for_a_later_one() -> None:
    child = subprocess.Popen(["sleep", "60"])
    process = Process.of(child.pid)
    assert process.alive()
    assert not Process(child.pid, process.started - 1).alive()
    Process(child.pid, process.started - 1).signal(signal.SIGKILL)
    assert process.alive()
    process.signal(signal.SIGKILL)
    assert process.wait_end(5)  # a zombie has ended
    child.wait()
    with pytest.raises(ProcessLookupError):
        Process.of(child.pid)


def test_processes_of_a_namespace_are_found_by_any_task() -> None:
    own = Path("/proc/self/ns/net").stat()
    assert os.getpid() in in_namespaces({(own.st_dev, own.st_ino)})
    assert in_namespaces({(own.st_dev, 1)}) == set()


def test_boot_command_is_read_as_wsl_does(tmp_path: Path) -> None:
    file = tmp_path / "wsl.conf"
    assert wsl_conf.value(file, "boot", "command") is None
    file.write_text('[network]\ncommand=no\n[BOOT]\n# c\nsystemd=true\ncommand = "a b"\ncommand=later\n')
    assert wsl_conf.value(file, "boot", "command") == "a b"
    assert wsl_conf.value(file, "boot", "systemd") == "true"
    assert wsl_conf.value(file, "automount", "command") is None


def test_virsh_prints_tables_as_libvirt_does() -> None:
    assert virsh.table(("Id", "Name", "State"), [("1", "vm1", "running")]) == (
        " Id   Name   State\n----------------------\n 1    vm1    running\n\n"
    )
    wanted = ["bin/virsh", "bin/wslinfo", "libexec/dnsmasq", "local/bin/docker"]
    assert sorted(programs(SEED.machines["wsl"])) == wanted
    assert list(programs(SEED.machines["vm2"])) == ["local/sbin/getty"]


def test_log_entries_are_read_and_shown_one_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = {
        "at": "now",
        "kind": "psrp",
        "identity": "owner",
        "commands": [{"name": "Get-NetRoute"}],
        "state": "Completed",
    }
    file = tmp_path / "calls.jsonl"
    file.write_text(json.dumps(entry) + "\n" + '{"at": "half')
    monkeypatch.setattr(LabPaths, "calls", file)
    assert calls.read(LabPaths.of("x")) == [entry]
    assert calls.line(entry) == "now  psrp  owner  Get-NetRoute  Completed"


def test_what_extends_a_topology_adds_to_it_and_leaves_it_as_it_is() -> None:
    found = read("nat-default-switch")
    assert list(found.machines) == [*SEED.machines, "hv1"]
    assert found.machines["windows"].adapters[:-1] == SEED.machines["windows"].adapters
    assert found.machines["windows"].settings.items() >= SEED.machines["windows"].settings.items()
    assert {**found.machines, "windows": None, "hv1": None} == {**SEED.machines, "windows": None, "hv1": None}
    assert found.wish.reach == (("wsl", "hv1"), ("hv1", "wsl"))
    assert read("nat-default-switch-zh-cn").wish == found.wish


def test_a_vm_of_hyper_v_itself_is_a_peer_of_the_inventory() -> None:
    paths = LabPaths.of("one")
    document = tomllib.loads(inventory.render(paths, read("nat-default-switch"), "socks5h://127.0.0.1:4711"))
    assert document["machines"]["hv1"] == {
        "kind": "peer",
        "address": "172.29.16.10",
        "user": "root",
        "key": str(paths.client_key),
        "proxy": "socks5h://127.0.0.1:4711",
    }


def test_each_boot_makes_the_adapters_of_virtual_switches_anew() -> None:
    windows = read("nat-default-switch-zh-cn").machines["windows"]
    boots = [adapters_of_boot(windows, boot) for boot in (1, 2, 3)]
    assert [one.guid for one in boots[0]] == [one.guid for one in windows.adapters]
    for place, adapter in enumerate(windows.adapters):
        anew = adapter.kind in {"wsl-nat", "fse", "default-switch"}
        assert len({boot[place].guid for boot in boots}) == (3 if anew else 1)
        assert len({boot[place].nic.index for boot in boots}) == (3 if anew else 1)
    assert boots[0][-1].name == boots[2][-1].name == "vEthernet (默认开关)"
    assert adapters_of_boot(SEED.machines["windows"], 1) == SEED.machines["windows"].adapters
