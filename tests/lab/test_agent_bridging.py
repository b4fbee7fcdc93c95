"""The agent's ops for bridges, taps and cards in a kernel of their own: exact, repeatable, and back again."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from wslnet.model.change import Op

from .agent_bench import Netns, agent_in, run, wire_up

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.transport.agent_client import AgentClient

pytestmark = pytest.mark.lab

BRIDGE = {"name": "br0", "mac": "52:54:00:01:02:03", "net": "br0", "addresses": [], "settings": {}}
THERE = Op("uplink.move", {"source": "eth0", "target": "br0", "port": "eth0"})
BACK = Op("uplink.move", {"source": "br0", "target": "eth0", "port": None})
# What people, DHCP clients and mirrored mode put on a card.
ADDRESSES = (
    ["address", "add", "10.9.1.7/24", "brd", "10.9.1.255", "dev", "eth0", "label", "eth0:alias"],
    ["address", "add", "10.9.1.8/24", "dev", "eth0"],
    ["address", "add", "10.20.0.1/32", "dev", "eth0", "noprefixroute", "scope", "link"],
    ["address", "add", "10.21.0.1/24", "dev", "eth0", "valid_lft", "4000", "preferred_lft", "3000"],
    ["address", "add", "fd00:9::7/64", "dev", "eth0", "nodad"],
)
ROUTES = (
    ["route", "add", "default", "via", "10.9.1.1", "dev", "eth0", "metric", "100", "proto", "static"],
    ["route", "add", "10.30.0.0/16", "via", "10.9.1.1", "dev", "eth0", "src", "10.9.1.8"],
    ["route", "add", "10.31.0.0/16", "via", "10.99.0.1", "dev", "eth0", "onlink", "metric", "7"],
    ["route", "add", "10.32.0.0/16", "dev", "eth0", "table", "119"],
    ["-6", "route", "add", "fd00:30::/64", "via", "fd00:9::1", "dev", "eth0"],
)


LINKS = ("eth0", "virbr0")
HALF = ("default", "via", "10.9.1.1", "dev", "br0", "metric", "100", "proto", "static")


@pytest.fixture
def host() -> Iterator[Netns]:
    host, other = Netns(), Netns()
    try:
        wire_up(host, "eth0", "10.9.1.2/24", other, "eth0", "10.9.1.1/24")
        for command in (*ADDRESSES, *ROUTES):
            host.exec("ip", *command)
        yield host
    finally:
        host.remove()
        other.remove()


def addresses(host: Netns, link: str) -> list[dict[str, Any]]:
    """All of a link's addresses but its own of IPv6; lifetimes without the seconds that pass."""
    (shown,) = json.loads(host.exec("ip", "-j", "address", "show", "dev", link))
    found = [one for one in shown["addr_info"] if one["scope"] != "link" or one["family"] == "inet"]
    for one in found:
        for key in ("valid_life_time", "preferred_life_time"):
            one[key] = (one[key] + 50) // 100
        one["label"] = one.get("label", "").replace(link, "LINK")
    return sorted(found, key=lambda one: str(one["local"]))


def routes(host: Netns, link: str) -> list[str]:
    shown = [
        line
        for family in ("-4", "-6")
        for line in host.exec("ip", family, "-N", "route", "show", "table", "all").splitlines()
    ]
    mine = [line for line in shown if f"dev {link} " in line and not re.search("fe80::|ff00::", line)]
    return sorted(" ".join(line.replace(f"dev {link}", "dev LINK").split()) for line in mine)


def done(agent: AgentClient, *ops: Op) -> None:
    assert [result.message for result in agent.run(ops) if not result.ok] == []


def test_all_that_a_card_has_goes_to_the_bridge_and_back(host: Netns) -> None:
    before = addresses(host, "eth0"), routes(host, "eth0")
    assert len(before[0]) == 6
    with agent_in(host) as agent:
        done(agent, Op("bridge.add", BRIDGE), THERE)
        assert (addresses(host, "br0"), addresses(host, "eth0")) == (before[0], [])
        assert routes(host, "br0") == before[1]
        assert routes(host, "eth0") == []
        (card,) = json.loads(host.exec("ip", "-j", "link", "show", "dev", "eth0"))
        assert card["master"] == "br0"
        host.exec("ping", "-n", "-c", "1", "-W", "2", "10.9.1.1")
        done(agent, THERE)
        assert addresses(host, "br0") == before[0]
        done(agent, BACK)
        assert (addresses(host, "eth0"), routes(host, "eth0")) == before
        assert addresses(host, "br0") == []
        done(agent, BACK)
        assert (addresses(host, "eth0"), routes(host, "eth0")) == before
        done(agent, Op("bridge.delete", {"name": "br0", "net": "br0"}))
    assert host.exec("ip", "-j", "link", "show", "type", "bridge").strip() in {"[]", ""}


def test_half_of_a_move_is_taken_back_whole(host: Netns) -> None:
    """As it lies there when the agent was killed between its first address and its last."""
    before = addresses(host, "eth0"), routes(host, "eth0")
    with agent_in(host) as agent:
        done(agent, Op("bridge.add", BRIDGE))
        host.exec("ip", "link", "set", "br0", "up")
        host.exec("ip", "address", "add", "10.9.1.2/24", "dev", "br0")
        host.exec("ip", "route", "replace", *HALF)
        done(agent, BACK, Op("bridge.delete", {"name": "br0", "net": "br0"}))
    assert (addresses(host, "eth0"), routes(host, "eth0")) == before


def test_a_bridge_that_holds_a_cards_addresses_is_not_deleted(host: Netns) -> None:
    """As when the move back has failed: with the bridge they would be nowhere."""
    before = addresses(host, "eth0"), routes(host, "eth0")
    delete = Op("bridge.delete", {"name": "br0", "net": "br0", "addresses": []})
    with agent_in(host) as agent:
        done(agent, Op("bridge.add", BRIDGE), THERE)
        (refused,) = agent.run([delete])
        assert (refused.code, "10.9.1.2/24" in refused.message) == ("not-permitted", True), refused
        done(agent, BACK, delete)
    assert (addresses(host, "eth0"), routes(host, "eth0")) == before


@pytest.mark.row("S0-50")
def test_a_bridge_keeps_what_is_its_own_when_a_card_leaves_it(host: Netns) -> None:
    host.exec("ip", "link", "add", "virbr0", "type", "bridge")
    host.exec("ip", "link", "set", "virbr0", "up")
    host.exec("ip", "address", "add", "192.168.122.1/24", "dev", "virbr0")
    host.exec("ip", "route", "add", "192.168.124.0/24", "via", "192.168.122.191")

    def state() -> list[Any]:
        # Whether somebody is on the bridge's wires is felt some time later.
        told = {link: [one.replace(" linkdown", "") for one in routes(host, link)] for link in LINKS}
        return [(addresses(host, link), sorted(told[link])) for link in LINKS]

    before = state()
    there = Op("uplink.move", {"source": "eth0", "target": "virbr0", "port": "eth0"})
    back = {"source": "virbr0", "target": "eth0", "port": None, "keep": ["192.168.122.1/24"]}
    with agent_in(host) as agent:
        done(agent, there)
        assert addresses(host, "eth0") == []
        host.exec("ping", "-n", "-c", "1", "-W", "2", "10.9.1.1")
        done(agent, Op("uplink.move", back))
    assert state() == before
    host.exec("ping", "-n", "-c", "1", "-W", "2", "10.9.1.1")


@pytest.mark.row("S0-13")
def test_a_card_is_mended_for_this_start_of_the_machine(host: Netns) -> None:
    where = {"link": "eth0", "address": "10.9.1.77", "prefix": 24}
    with agent_in(host) as agent:
        boot = agent.facts(["identity"])["identity"]["boot_id"]
        done(agent, Op("card.down", {"link": "eth0"}))
        assert "UP" not in json.loads(host.exec("ip", "-j", "link", "show", "dev", "eth0"))[0]["flags"]
        done(agent, Op("card.up", {"link": "eth0"}), Op("card.add_address", {**where, "boot": boot}))
        host.exec("ping", "-n", "-c", "1", "-W", "2", "-I", "10.9.1.77", "10.9.1.1")
        done(agent, Op("card.delete_address", {**where, "boot": boot}))
        codes = [
            agent.run([Op(verb, args)])[0].code
            for verb, args in (
                ("card.delete_address", {**where, "boot": boot}),
                ("card.add_address", {**where, "boot": "another start"}),
                ("card.up", {"link": "none"}),
            )
        ]
    assert codes == ["not-found", "not-permitted", "not-found"]


def test_only_what_carries_the_alias_is_deleted(host: Netns) -> None:
    host.exec("ip", "link", "add", "theirs", "type", "bridge")
    with agent_in(host) as agent:
        codes = [
            agent.run([Op(verb, args)])[0].code
            for verb, args in (
                ("bridge.add", {**BRIDGE, "name": "theirs"}),
                ("bridge.delete", {"name": "theirs", "net": "theirs"}),
                ("bridge.delete", {"name": "none", "net": "none"}),
                ("bridge.add", {**BRIDGE, "name": "a-name-too-long-0"}),
                ("tap.add", {"name": "t0", "mac": "fe:54:00:01:02:03", "master": "none", "net": "br0"}),
                ("bridge.add", {**BRIDGE, "settings": {"net.ipv4.conf.br0.none": "1"}}),
            )
        ]
    assert codes == ["exists", "not-permitted", "not-found", "bad-op", "not-found", "not-found"]
    links = {one["ifname"] for one in json.loads(host.exec("ip", "-j", "link", "show"))}
    assert links == {"lo", "eth0", "theirs"}


@pytest.mark.row("S4-17", "S4-18")
def test_the_dhcp_client_goes_with_the_address(host: Netns, tmp_path: Path) -> None:
    """One that waits as a client does; it is found, ended and started by its command line."""
    (tmp_path / "dhclient").symlink_to(os.path.realpath(sys.executable))
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    code = "import time, sys; time.sleep(60)"
    client = subprocess.Popen(
        ["ip", "netns", "exec", host.name, "dhclient", "-S", "-c", code, "-pf", "/run/x.eth0.pid", "eth0"],
        env=environment,
    )
    try:
        with agent_in(host, env=environment) as agent:
            assert served(agent, "eth0") == "dhclient"
            done(agent, Op("bridge.add", BRIDGE), THERE)
            client.wait(5)
            assert (served(agent, "br0"), served(agent, "eth0")) == ("dhclient", None)
            assert b"/run/x.br0.pid" in command_lines(host)
            done(agent, BACK)
            assert (served(agent, "br0"), served(agent, "eth0")) == (None, "dhclient")
    finally:
        client.kill()
        client.wait(5)
        for process in processes(host):
            os.kill(int(process), signal.SIGKILL)


def served(agent: AgentClient, link: str) -> str | None:
    """The client of a link, as the fact says a moment after it was started."""
    time.sleep(0.5)
    bridging: Any = agent.facts(["bridging"])["bridging"]
    return next((one["dhcp"] for one in bridging["devices"] if one["name"] == link), None)


def command_lines(host: Netns) -> bytes:
    files = [Path("/proc", each, "cmdline") for each in processes(host)]
    return b"".join(file.read_bytes() for file in files)


def processes(host: Netns) -> list[str]:
    return run("ip", "netns", "pids", host.name).split()


@pytest.mark.row("S4-22", "S4-23")
def test_networkmanager_is_told_by_a_file_that_a_reboot_loses(host: Netns, tmp_path: Path) -> None:
    log = tmp_path / "log"
    tool = tmp_path / "nmcli"
    tool.write_text(f'#!/bin/sh\necho "$*" >> {log}\n', encoding="ascii")
    tool.chmod(0o755)
    volatile = tmp_path / "run"
    (volatile / "NetworkManager").mkdir(parents=True)
    script = f'mount --bind {volatile} /run && exec "$@"'
    prefix = ("unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh")
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    args = {"net": "br0", "devices": ["eth0", "br0"]}
    with agent_in(host, prefix=prefix, env=environment) as agent:
        done(agent, Op("manager.leave", args))
        told: Any = agent.facts(["bridging"])["bridging"]
        assert told["unmanaged"] == ["br0"]
        text = (volatile / "NetworkManager/conf.d/wslnet-br0.conf").read_text(encoding="ascii")
        assert "unmanaged-devices+=interface-name:eth0;interface-name:br0\n" in text
        done(agent, Op("manager.return", args))
        told = agent.facts(["bridging"])["bridging"]
        assert told["unmanaged"] == []
    assert log.read_text(encoding="ascii").splitlines() == ["general reload conf"] * 2
