"""The agent over a real sshd: what it costs on the wire, nested machines, rights, and what goes wrong."""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from wslnet.errors import (
    AuthenticationFailed,
    DeadlineExceeded,
    HostKeyMismatch,
    HostKeyUnknown,
    NeedsElevation,
    Unreachable,
    Unsupported,
)
from wslnet.transport.pins import Pins
from wslnet.transport.pipe import after
from wslnet.transport.ssh import SshTarget, open_ssh
from wslnet.transport.ssh_agent import AgentPipe

from .agent_bench import Netns, Sshd, run, wire_up

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from wslnet.transport.ssh import SshConnection

pytestmark = pytest.mark.lab

ALL = (
    "identity", "links", "addresses", "routes", "rules", "neighbours", "sysctls", "firewall", "listeners",
    "domains", "wsl",
)  # fmt: skip
MOST_TURNS = 12
MOST_BYTES = 25_000

SUDO = """#!/usr/bin/python3
# sudo as it behaves: -n fails without asking; -S reads its password byte by byte, three times at most.
import os, sys
words = sys.argv[1:]
log = open("/usr/local/bin/log", "a")
if words == ["-V"]:
    sys.exit(0)
command = words[words.index("--") + 1:]
if "-n" in words:
    log.write("quiet\\n")
    if not os.path.exists("/usr/local/bin/free"):
        sys.exit("sudo: a password is required")
elif "-S" in words:
    prompt = words[words.index("-p") + 1]
    sys.stderr.write("We trust you have received the usual lecture.\\n")
    for attempt in range(3):
        sys.stderr.write(prompt)
        sys.stderr.flush()
        said = b""
        while not said.endswith(b"\\n"):
            byte = os.read(0, 1)
            if not byte:
                sys.exit("sudo: no password was provided")
            said += byte
        log.write("asked %r\\n" % said)
        log.flush()
        if said == b"opensesame\\n":
            break
        sys.stderr.write("Sorry, try again.\\n")
    else:
        sys.exit("sudo: 3 incorrect password attempts")
log.close()
os.execvp(command[0], command)
"""


@pytest.fixture
def machine() -> Iterator[Netns]:
    namespace = Netns()
    yield namespace
    namespace.remove()


@pytest.fixture
def sshd(machine: Netns, tmp_path: Path) -> Iterator[Sshd]:
    server = Sshd(tmp_path / "sshd", machine)
    yield server
    server.close()


@pytest.fixture
def pins(tmp_path: Path) -> Pins:
    return Pins(tmp_path / "state" / "known_hosts")


def target(server: Sshd, user: str = "root", **more: object) -> SshTarget:
    return SshTarget("vm1", "127.0.0.1", user, server.port, server.key, **more)


def connect(server: Sshd, pins: Pins, user: str = "root", **more: object) -> SshConnection:
    return open_ssh(target(server, user, **more), pins, enroll=True)


def test_a_cold_gather_stays_within_its_budget(
    sshd: Sshd, pins: Pins, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(20):
        sshd.namespace.exec("iptables-nft", "-A", "FORWARD", "-d", f"192.168.{number}.0/24", "-j", "ACCEPT")
        sshd.namespace.exec("ip", "route", "add", "blackhole", f"10.{number}.0.0/16")
    with connect(sshd, pins) as connection, connection.open_agent() as agent:
        assert agent.facts(ALL)["identity"]["uid"] == 0
        (count,) = sshd.counts
        cold = (count.turns, count.total)
        agent.facts(ALL)
        warm = (count.turns - cold[0], count.total - cold[1])
    with capsys.disabled():
        # Tracked numbers of every run.
        sys.stdout.write(
            f"\ncold gather: {cold[0]} turns, {cold[1]} bytes; warm: {warm[0]} turn, {warm[1]} bytes\n"
        )
    assert cold[0] <= MOST_TURNS
    assert cold[1] <= MOST_BYTES
    assert warm[0] == 1


def test_probes_and_listeners_fit_into_the_same_budget(sshd: Sshd, pins: Pins) -> None:
    probe = {"proto": "icmp", "dst": "127.0.0.1"}
    with connect(sshd, pins) as connection, connection.open_agent() as agent:
        agent.facts(ALL)
        port = agent.call("listen", proto="tcp", address="127.0.0.1", port=0, text="hello")["port"]
        agent.call("probes", probes=[probe])
        agent.call("unlisten", proto="tcp", port=port)
        (count,) = sshd.counts
        assert count.turns <= MOST_TURNS
        assert count.total <= MOST_BYTES


def test_three_machines_in_one_another_by_their_parents_connections(tmp_path: Path, pins: Pins) -> None:
    """wsl - vm1 - vm2 - vm3: nobody but the parent has a route to its child."""
    spaces = [Netns() for _ in range(4)]
    servers: list[Sshd] = []
    try:
        for depth in range(3):
            wire_up(
                spaces[depth],
                f"down{depth}",
                f"10.0.{depth}.1/24",
                spaces[depth + 1],
                "up0",
                f"10.0.{depth}.2/24",
            )
        servers = [Sshd(tmp_path / f"sshd{depth}", space) for depth, space in enumerate(spaces)]
        for depth in range(3):
            servers[depth + 1].listen(f"10.0.{depth}.2", 22)
        connection = open_ssh(
            SshTarget("m0", "127.0.0.1", "root", servers[0].port, servers[0].key), pins, enroll=True
        )
        opened = [connection]
        for depth in range(1, 4):
            inner = SshTarget(f"m{depth}", f"10.0.{depth - 1}.2", "root", 22, servers[depth].key)
            opened.append(open_ssh(inner, pins, opened[-1], enroll=True))
        for depth, one in enumerate(opened):
            with one.open_agent() as agent:
                found = {(a["link"], a["address"]) for a in agent.facts(["addresses"])["addresses"]}
            assert (("up0", f"10.0.{depth - 1}.2") in found) is (depth > 0)
        away = SshTarget("m9", "10.0.2.99", "root", 22, servers[3].key)
        closed = SshTarget("m9", "10.0.2.2", "root", 23, servers[3].key)
        with pytest.raises(Unreachable, match=r"m2: it cannot reach m9 at 10\.0\.2\.2:23 \(Connect failed\)"):
            open_ssh(closed, pins, opened[2])
        with pytest.raises(Unreachable, match="m2: it cannot reach m9"):
            open_ssh(away, pins, opened[2], timeout_s=1)
        assert opened[2].alive
        for one in reversed(opened):
            one.close()
        assert not opened[2].alive
    finally:
        for server in servers:
            server.close()
        for space in spaces:
            space.remove()


def test_a_parent_that_forbids_forwarding_says_so(machine: Netns, tmp_path: Path, pins: Pins) -> None:
    server = Sshd(tmp_path / "sshd", machine, options="AllowTcpForwarding no")
    try:
        with connect(server, pins) as connection, pytest.raises(Unreachable, match=r"prohibited"):
            open_ssh(SshTarget("vm2", "127.0.0.1", "root", 22, server.key), pins, connection)
    finally:
        server.close()


class TestHostKeys:
    def test_an_unknown_key_is_refused_and_nothing_is_pinned(self, sshd: Sshd, pins: Pins) -> None:
        with pytest.raises(HostKeyUnknown, match="vm1: no host key is pinned"):
            open_ssh(target(sshd), pins)
        assert not pins.file.exists()

    def test_a_pinned_key_is_accepted_and_another_one_is_not(
        self, sshd: Sshd, pins: Pins, tmp_path: Path, machine: Netns
    ) -> None:
        connect(sshd, pins).close()
        open_ssh(target(sshd), pins).close()
        before = pins.file.read_bytes()
        other = Sshd(tmp_path / "other", machine)
        try:
            moved = SshTarget("vm1", "127.0.0.1", "root", other.port, other.key)
            with pytest.raises(HostKeyMismatch, match="vm1: it shows another ssh-ed25519 host key"):
                open_ssh(moved, pins, enroll=True)
            assert b"Accepted" not in (other.folder / "log").read_bytes()
        finally:
            other.close()
        assert pins.file.read_bytes() == before

    def test_the_pinned_kind_is_asked_for_where_the_server_has_several(
        self, machine: Netns, tmp_path: Path, pins: Pins
    ) -> None:
        ecdsa, rsa = tmp_path / "ecdsa", tmp_path / "rsa"
        run("ssh-keygen", "-q", "-t", "ecdsa", "-N", "", "-f", str(ecdsa))
        run("ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", str(rsa))
        server = Sshd(tmp_path / "sshd", machine, options=f"HostKey {ecdsa}\nHostKey {rsa}")
        try:
            for key in (ecdsa, rsa):
                kind, text, *_ = key.with_suffix(".pub").read_text().split()
                pins.file.parent.mkdir(exist_ok=True)
                pins.file.write_text(f"vm1 {kind} {text}\n")
                open_ssh(target(server), pins).close()
        finally:
            server.close()

    def test_openssh_reads_the_same_file(self, sshd: Sshd, pins: Pins) -> None:
        connect(sshd, pins).close()
        options = (
            "StrictHostKeyChecking=yes",
            "HostKeyAlias=vm1",
            f"UserKnownHostsFile={pins.file}",
            "BatchMode=yes",
        )
        argv = [word for option in options for word in ("-o", option)]
        shown = run(
            "ssh", *argv, "-i", str(sshd.key), "-p", str(sshd.port), "root@127.0.0.1", "echo", "there"
        )
        assert shown == "there\n"


class TestRights:
    @pytest.fixture
    def sudo(self, sshd: Sshd) -> Sshd:
        (sshd.tools / "sudo").write_text(SUDO)
        (sshd.tools / "sudo").chmod(0o755)
        return sshd

    @staticmethod
    def log(server: Sshd) -> list[str]:
        return (server.tools / "log").read_text().splitlines()

    def test_quiet_sudo_costs_no_turn(self, sudo: Sshd, pins: Pins) -> None:
        (sudo.tools / "free").touch()
        with connect(sudo, pins, "plain") as connection, connection.open_agent() as agent:
            assert agent.facts(["identity"])["identity"]["uid"] == 4242
        assert self.log(sudo) == ["quiet"]
        assert sudo.counts[0].turns <= MOST_TURNS

    def test_the_password_goes_to_sudo_when_it_asks(self, sudo: Sshd, pins: Pins) -> None:
        asked = []
        with connect(sudo, pins, "plain", secret=lambda: asked.append(1) or "opensesame") as connection:
            for _ in range(2):
                with connection.open_agent() as agent:
                    assert agent.facts(["identity"])["identity"]["uid"] == 4242
                    assert agent.facts(["links"])["links"]
        assert self.log(sudo) == ["quiet", r"asked b'opensesame\n'"] * 2
        assert asked == [1]

    def test_a_wrong_password_is_tried_once(self, sudo: Sshd, pins: Pins) -> None:
        with (
            connect(sudo, pins, "plain", secret=lambda: "wrong") as connection,
            connection.open_agent() as agent,
            pytest.raises(NeedsElevation, match="vm1: sudo refuses plain") as raised,
        ):
            agent.facts(["identity"])
        assert "wrong" not in raised.value.message
        assert self.log(sudo) == ["quiet", r"asked b'wrong\n'"]

    def test_no_password_no_sudo_and_no_wish_for_rights(self, sudo: Sshd, pins: Pins) -> None:
        with connect(sudo, pins, "plain") as connection:
            with (
                connection.open_agent() as agent,
                pytest.raises(NeedsElevation, match="sudo wants a password") as raised,
            ):
                agent.facts(["identity"])
            assert raised.value.exit_code == 13
            assert "\n" not in raised.value.message
            with connection.open_agent(elevate=False) as agent:
                assert agent.facts(["identity"])["identity"]["uid"] == 4242
            (sudo.tools / "sudo").unlink()
            with connection.open_agent() as agent, pytest.raises(NeedsElevation, match="there is no sudo"):
                agent.facts(["identity"])


@pytest.mark.parametrize("user", ["root", "plain"])
def test_without_python_the_package_is_named(machine: Netns, tmp_path: Path, pins: Pins, user: str) -> None:
    server = Sshd(tmp_path / "sshd", machine, path="/nowhere")
    for tool in ("cat", "sh"):
        (server.tools / tool).symlink_to(f"/bin/{tool}")
    try:
        with (
            connect(server, pins, user) as connection,
            connection.open_agent() as agent,
            pytest.raises(
                Unsupported, match=r"vm1: there is no python3 on it; install it there: apt install python3"
            ),
        ):
            agent.facts(["identity"])
    finally:
        server.close()


def test_login_scripts_may_talk_but_not_without_end(sshd: Sshd, pins: Pins) -> None:
    sshd.login.write_text("echo welcome to this machine; echo; echo last login: never\n")
    with connect(sshd, pins) as connection:
        with connection.open_agent() as agent:
            assert agent.facts(["identity"])["identity"]["uid"] == 0
        sshd.login.write_text("yes spam | head -c 200000\n")
        with (
            connection.open_agent() as agent,
            pytest.raises(Unreachable, match="vm1: its login scripts print too much"),
        ):
            agent.facts(["identity"])
        sshd.login.write_text("exec sleep 60\n")
        started = time.monotonic()
        with connection.open_agent() as agent, pytest.raises(DeadlineExceeded):
            agent.facts(["identity"], timeout_s=1)
        assert time.monotonic() - started < 5


def test_a_key_that_is_not_accepted(sshd: Sshd, pins: Pins, tmp_path: Path) -> None:
    run("ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", str(tmp_path / "foreign"))
    foreign = SshTarget("vm1", "127.0.0.1", "root", sshd.port, tmp_path / "foreign", lambda: "guess")
    with pytest.raises(AuthenticationFailed, match="refuses root with the key") as raised:
        open_ssh(foreign, pins, enroll=True)
    assert "guess" not in raised.value.message


@pytest.mark.parametrize("kind", ["rsa", "ecdsa", "ed25519"])
def test_keys_of_every_kind_and_with_a_passphrase(sshd: Sshd, pins: Pins, kind: str) -> None:
    file = sshd.folder / f"{kind}-key"
    run("ssh-keygen", "-q", "-t", kind, "-N", "open", "-f", str(file))
    with (sshd.folder / "id.pub").open("a") as allowed:
        allowed.write(file.with_name(f"{kind}-key.pub").read_text())
    with open_ssh(
        SshTarget("vm1", "127.0.0.1", "root", sshd.port, file, lambda: "open"), pins, enroll=True
    ) as there:
        assert there.alive


def test_an_agent_that_breaks_says_what_it_said_itself(sshd: Sshd, pins: Pins) -> None:
    with connect(sshd, pins) as connection:
        pipe = AgentPipe(connection)
        pipe.send(b"\xff\xff\xff\xff", after(10))
        with pytest.raises(Unreachable, match="vm1: its agent ended: wslnet agent: a frame announces"):
            pipe.recv(after(10))
        pipe.close()


def test_many_agents_share_one_connection(sshd: Sshd, pins: Pins) -> None:
    def ask(number: int) -> int:
        with connection.open_agent() as agent:
            port = agent.call("listen", proto="udp", address="127.0.0.1", port=2000 + number, text="x")[
                "port"
            ]
            agent.facts(ALL)
            return port

    with connect(sshd, pins) as connection, ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(8))) == list(range(2000, 2008))
    assert len(sshd.counts) == 1


def test_a_connection_that_dies_in_mid_request_is_told_in_time(sshd: Sshd, pins: Pins) -> None:
    probe = {"proto": "icmp", "dst": "203.0.113.9", "timeout_s": 30}
    sshd.namespace.exec("ip", "route", "add", "203.0.113.0/24", "dev", "lo")
    with connect(sshd, pins) as connection, connection.open_agent() as agent:
        agent.facts(["links"])
        sshd.cut()
        started = time.monotonic()
        with pytest.raises(Unreachable):
            agent.call("probes", probes=[probe])
        assert time.monotonic() - started < 10
        assert not agent.alive
        assert not connection.alive
