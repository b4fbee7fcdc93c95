"""Ways into a lab: SSH through the proxy, the control socket of Windows, virsh and wslinfo inside, faults."""

from __future__ import annotations

import base64
import contextlib
import json
import socket
import subprocess
import threading
import time
import tomllib
from typing import TYPE_CHECKING, Any

import paramiko
import pytest
import socks

from wslnet_lab.errors import LabError

from .conftest import RunningLab, wslnet

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.lab


def proxy_port(lab: RunningLab) -> int:
    inventory = tomllib.loads(lab.inventory.read_text())
    return int(inventory["machines"]["lan"]["proxy"].rpartition(":")[2])


def dial(lab: RunningLab, host: str, port: int) -> Any:
    return socks.create_connection(
        (host, port), timeout=10, proxy_type=socks.SOCKS5, proxy_addr="127.0.0.1", proxy_port=proxy_port(lab)
    )


@contextlib.contextmanager
def ssh(sock: Any, lab: RunningLab) -> Iterator[paramiko.SSHClient]:
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(paramiko.AutoAddPolicy())  # noqa: S507 - a lab of this test's own making
    key = tomllib.loads(lab.inventory.read_text())["machines"]["lan"]["key"]
    client.connect("lab", username="root", key_filename=key, sock=sock, timeout=10, look_for_keys=False)
    try:
        yield client
    finally:
        client.close()


def said(client: paramiko.SSHClient, command: str) -> str:
    _, out, _ = client.exec_command(command, timeout=10)
    return str(out.read().decode())


def test_ssh_through_the_proxy_and_on_through_each_machine(shared_lab: RunningLab) -> None:
    keys = set()
    with contextlib.ExitStack() as stack:
        sock = dial(shared_lab, "172.23.102.37", 22)
        for host, port, name in (
            ("192.168.122.191", 22, "wujing"),
            ("192.168.124.91", 22, "debian"),
            ("", 0, "debian"),
        ):
            client = stack.enter_context(ssh(sock, shared_lab))
            transport = client.get_transport()
            assert transport is not None
            keys.add(transport.get_remote_server_key().get_base64())
            assert said(client, "hostname").strip() == name
            if host:
                sock = transport.open_channel("direct-tcpip", (host, port), ("127.0.0.1", 0))
        assert said(client, "python3 -c 'import sys; print(sys.version_info[0])'").strip() == "3"
        assert "pyenv" not in said(client, "env")
    assert len(keys) == 3


def test_the_proxy_stands_on_windows_and_refuses_cleanly(shared_lab: RunningLab) -> None:
    with dial(shared_lab, "172.24.21.50", 22) as connection:
        assert connection.recv(4) == b"SSH-"
        peer = shared_lab.outside("lan", ["ss", "-Htn", "state", "established", "sport", "22"]).stdout
        assert "172.24.21.109" in peer
    with pytest.raises(socks.ProxyError, match="refused"):
        dial(shared_lab, "172.24.21.50", 9)
    with pytest.raises(socks.ProxyError, match="unreachable"):
        dial(shared_lab, "no-such-name", 22)


def test_the_proxy_keeps_the_other_direction_open_after_one_closes(shared_lab: RunningLab) -> None:
    echo = (
        "import socket; s = socket.create_server(('', 7777)); c, _ = s.accept(); data = b''\n"
        "while True:\n"
        "    part = c.recv(65536)\n"
        "    if not part: break\n"
        "    data += part\n"
        "c.sendall(b'%d' % len(data))\n"
    )
    server = subprocess.Popen(["ip", "netns", "exec", shared_lab.netns("lan"), "python3", "-c", echo])
    try:
        deadline = time.monotonic() + 10
        while not shared_lab.outside("lan", ["ss", "-Hltn", "sport", "7777"]).stdout:
            assert time.monotonic() < deadline
        with dial(shared_lab, "172.24.21.50", 7777) as connection:
            connection.sendall(b"x" * 1_000_000)
            connection.shutdown(socket.SHUT_WR)
            assert connection.recv(100) == b"1000000"
            assert connection.recv(100) == b""
    finally:
        server.kill()
        server.wait()


def test_windows_adapters_routes_and_forwarding(shared_lab: RunningLab) -> None:
    adapters = {each["name"]: each for each in shared_lab.control("adapters")}
    ethernet = adapters["以太网"]
    assert ethernet["mac"] == "1c:83:41:cf:a8:7c"
    assert {"family": 4, "address": "172.24.21.109", "prefix": 24} in ethernet["addresses"]
    nat = adapters["vEthernet (WSL (Hyper-V firewall))"]
    assert nat["kind"] == "wsl-nat"
    assert nat["forwarding"] == {"4": False, "6": False}
    shared_lab.control("set_forwarding", index=nat["index"], family=4, enabled=True)
    again = {each["index"]: each for each in shared_lab.control("adapters")}[nat["index"]]
    assert again["forwarding"] == {"4": True, "6": False}
    shared_lab.control("set_forwarding", index=nat["index"], family=4, enabled=False)

    route = {
        "family": 4,
        "dst": "10.8.0.0/16",
        "via": "172.24.21.50",
        "index": ethernet["index"],
        "metric": 5,
    }
    shared_lab.control("route_add", **route)
    added = next(r for r in shared_lab.control("routes") if r["dst"] == "10.8.0.0/16")
    assert added["via"] == "172.24.21.50"
    shared_lab.control("route_delete", **route)
    assert not [r for r in shared_lab.control("routes") if r["dst"] == "10.8.0.0/16"]


def test_probe_and_listeners_are_those_of_windows(shared_lab: RunningLab) -> None:
    assert shared_lab.control("probe", proto="icmp", dst="172.24.21.50")["ok"] is True
    assert shared_lab.control("probe", proto="ssh", dst="172.24.21.50", port=22)["ok"] is True
    refused = shared_lab.control("probe", proto="tcp", dst="172.24.21.50", port=9)
    assert (refused["ok"], refused["detail"]) == (False, "Connection refused")
    server = subprocess.Popen(
        ["ip", "netns", "exec", shared_lab.netns("windows"), "python3", "-m", "http.server", "8123"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 10
        found: list[dict[str, Any]] = []
        while not found:
            assert time.monotonic() < deadline
            # A process that has just begun to listen may not be named yet.
            listeners = shared_lab.control("listeners")
            found = [each for each in listeners if each["port"] == 8123 and each["process"]]
        assert found[0] | {"pid": 0} == {
            "proto": "tcp",
            "family": 4,
            "address": "0.0.0.0",
            "port": 8123,
            "pid": 0,
            "process": "python3",
        }
    finally:
        server.kill()
        server.wait()


def test_wsl_exec_has_the_users_account_and_a_deadline(shared_lab: RunningLab) -> None:
    reply = shared_lab.control(
        "wsl_exec",
        argv=["sh", "-c", "id -un; pwd; cat; exit 3"],
        user="wujing",
        stdin=base64.b64encode(b"in").decode(),
    )
    assert reply["exit_code"] == 3
    assert base64.b64decode(reply["stdout"]) == b"wujing\n/home/wujing\nin"
    began = time.monotonic()
    with pytest.raises(LabError, match="longer than") as caught:
        shared_lab.control("wsl_exec", argv=["sleep", "60"], timeout_s=0.5)
    assert caught.value.code == "timed-out"
    assert time.monotonic() - began < 5
    assert "sleep 60" not in shared_lab.run("wsl", ["ps", "ax"]).stdout


def test_wsl_stop_ends_outsiders_and_vms_and_start_brings_only_wsl(seed_lab: RunningLab) -> None:
    outsider = subprocess.Popen(["ip", "netns", "exec", seed_lab.netns("wsl"), "sleep", "600"])
    try:
        seed_lab.control("wsl_stop", force=False)
        assert outsider.wait(timeout=5) != 0
    finally:
        outsider.kill()
        outsider.wait()
    assert seed_lab.control("wsl_state")["running"] is False
    states = {name: each["state"] for name, each in seed_lab.status()["machines"].items()}
    assert [states[each] for each in ("wsl", "vm1", "vm2")] == ["stopped"] * 3
    assert seed_lab.run("wsl", ["true"]).returncode == 20
    (seed_lab.root("wsl") / "etc/wsl.conf").write_text('[boot]\ncommand = "touch /run/booted"\n')
    answer = seed_lab.control("wsl_start", mode="nat", settings={}, address="172.23.99.7")
    assert answer == {"address": "172.23.99.7", "gateway": "172.23.96.1"}
    assert seed_lab.run("wsl", ["ls", "/run/booted"]).returncode == 0
    assert seed_lab.run("wsl", ["virsh", "list", "--all", "--name"]).stdout == "vm1\n\n"
    assert seed_lab.run("wsl", ["virsh", "domstate", "vm1"]).stdout == "shut off\n\n"
    assert seed_lab.run("wsl", ["virsh", "start", "vm1"]).returncode == 0
    assert seed_lab.pings("wsl", "192.168.122.191")


def test_virsh_and_wslinfo_speak_like_the_real_ones(shared_lab: RunningLab) -> None:
    run = shared_lab.run
    assert run("wsl", ["virsh", "list"]).stdout == (
        " Id   Name   State\n----------------------\n 1    vm1    running\n\n"
    )
    missing = run("wsl", ["virsh", "start", "vm9"])
    assert (missing.returncode, missing.stderr) == (1, "error: failed to get domain 'vm9'\n")
    active = run("wsl", ["virsh", "start", "vm1"])
    assert (active.returncode, active.stderr) == (1, "error: Domain is already active\n")
    assert run("wsl", ["wslinfo", "--networking-mode"]).stdout == "nat\n"
    assert run("wsl", ["wslinfo", "--version", "-n"]).stdout == "2.6.1.0"
    assert run("wsl", ["wslinfo", "--nonsense"]).returncode == 1
    # This host's own may be there; the stand-in is not.
    assert run("vm2", ["grep", "--quiet", "--text", "wslnet", "/usr/bin/virsh"]).returncode != 0


def test_faults_are_felt_and_taken_back(seed_lab: RunningLab) -> None:
    name = ["--name", seed_lab.name]
    done = wslnet("lab", "break", *name, "sshd-refused:vm1", "winrm-401", "--json")
    assert json.loads(done.stdout)["faults"] == ["sshd-refused:vm1", "winrm-401"]
    probe = ["python3", "-c", "import socket; socket.create_connection(('192.168.122.191', 22), 2)"]
    deadline = time.monotonic() + 5
    while seed_lab.run("wsl", probe).returncode == 0:
        assert time.monotonic() < deadline
    assert wslnet("lab", "break", *name, "vm-off:vm2").returncode == 0
    assert seed_lab.status()["machines"]["vm2"]["state"] == "stopped"
    assert wslnet("lab", "break", *name, "no-such-fault").returncode == 2
    assert wslnet("lab", "break", *name, "--clear").returncode == 0
    deadline = time.monotonic() + 5
    while seed_lab.run("wsl", probe).returncode != 0:
        assert time.monotonic() < deadline
    assert json.loads((seed_lab.inventory.parent / "faults.json").read_text()) == {"faults": []}


def test_a_reboot_of_windows_cuts_the_proxys_connections(seed_lab: RunningLab) -> None:
    held = dial(seed_lab, "172.24.21.50", 22)
    with held:
        assert held.recv(4) == b"SSH-"
        ended = threading.Event()

        def drain() -> None:
            with contextlib.suppress(OSError):
                while held.recv(4096):
                    pass
            ended.set()

        threading.Thread(target=drain, daemon=True).start()
        assert wslnet("lab", "reboot", "--name", seed_lab.name, "windows").returncode == 0
        assert ended.wait(timeout=5)
    with dial(seed_lab, "172.24.21.50", 22) as again:
        assert again.recv(4) == b"SSH-"
