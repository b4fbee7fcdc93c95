"""Facts of a machine, read in a namespace of its own and held against what `ip` and the tools say."""

from __future__ import annotations

import json
import re
import shutil
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from wslnet.model.linux_facts import LinuxFacts

from .agent_bench import Netns, agent_in, pythons, wire_up

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.lab

ALL = (
    "identity", "links", "addresses", "routes", "rules", "neighbours", "sysctls", "firewall", "listeners",
    "domains", "wsl",
)  # fmt: skip


HOPS = "nexthop via 192.168.122.1 dev eth0 nexthop via 192.168.124.7 dev virbr0 onlink"


@pytest.fixture(scope="module")
def machine() -> Iterator[Netns]:
    """A machine with a bridge, two wires, odd routes and rules, and both firewalls."""
    here, there = Netns(), Netns()
    try:
        wire_up(here, "eth0", "192.168.122.191/24", there, "eth0", "192.168.122.1/24")
        wire_up(here, "eth1.5", "fd00:5::2/64", there, "eth1", "fd00:5::1/64")
        for command in (
            "ip link add virbr0 type bridge",
            "ip address add 192.168.124.1/24 dev virbr0",
            "ip link set virbr0 up",
            "ip link add vnet0 type veth peer name vnet0p",
            "ip link set vnet0 master virbr0",
            "ip address add 10.0.0.1 peer 10.0.0.2/32 dev eth0 noprefixroute",
            "ip route add default via 192.168.122.1 dev eth0 proto static metric 100",
            "ip route add 10.9.0.0/16 via 192.168.122.1 proto 119",
            f"ip route add 10.10.0.0/16 {HOPS}",
            "ip route add blackhole 10.11.0.0/16",
            "ip route add 127.0.0.1 via 169.254.73.249 dev eth0 onlink table 127",
            "ip route add 10.12.0.0/16 via inet6 fe80::1 dev eth0",
            "ip -6 route add fd00:9::/64 via fd00:5::1 metric 7",
            "ip rule add priority 1 ipproto tcp lookup 127",
            "ip rule add priority 5 iif eth0 fwmark 0x10/0xff from 10.0.0.0/8 to 10.1.0.0/16 lookup 300",
            "ip -6 rule add priority 9 oif eth0 blackhole",
            "ip neighbour add 169.254.73.249 lladdr 00:11:22:33:44:55 dev eth0 nud permanent",
            "iptables-nft -A FORWARD -o virbr0 -j REJECT -m comment --comment wslnet:test",
            "iptables-legacy -t nat -A POSTROUTING -s 192.168.124.0/24 -j MASQUERADE",
            "ip6tables-nft -A INPUT -p tcp --dport 9 -j DROP",
            "sysctl -qw net.ipv4.conf.virbr0.route_localnet=1 net.ipv6.conf.eth1/5.accept_ra=0",
        ):
            here.exec(*command.split())
        yield here
    finally:
        here.remove()
        there.remove()


@pytest.fixture(scope="module")
def facts(machine: Netns) -> dict[str, Any]:
    with agent_in(machine) as agent:
        return agent.facts(ALL)


def ip_json(machine: Netns, *arguments: str) -> list[dict[str, object]]:
    return json.loads(machine.exec("ip", "-j", "-d", "-N", *arguments))


def test_the_answer_has_the_shape_of_the_model_and_nothing_failed(facts: dict[str, Any]) -> None:
    assert "errors" not in facts
    typed = msgspec.convert(facts, LinuxFacts)
    assert typed.domains is None
    assert typed.wsl is None


def test_identity_says_who_answers(facts: dict[str, Any]) -> None:
    identity = facts["identity"]
    assert identity["uid"] == 0
    assert identity["hostname"] == socket.gethostname()
    assert identity["boot_id"] == Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    assert identity["os_id"]


@pytest.mark.row("S0-09")
def test_links_equal_what_ip_shows(machine: Netns, facts: dict[str, Any]) -> None:
    expected = [
        {
            "index": link["ifindex"],
            "name": link["ifname"],
            "mac": link.get("address"),
            "mtu": link["mtu"],
            "up": "UP" in link["flags"],
            "kind": link.get("linkinfo", {}).get("info_kind"),
            "master": link.get("master"),
            "qdisc": link["qdisc"],
        }
        for link in ip_json(machine, "link")
    ]
    ours = [{key: link[key] for key in expected[0]} for link in facts["links"]]
    assert ours == expected
    flags = {
        link["ifname"]: set(link["flags"]) - {"NO-CARRIER", "M-DOWN"} for link in ip_json(machine, "link")
    }
    assert {link["name"]: set(link["flags"]) - {"RUNNING"} for link in facts["links"]} == flags
    carriers = {link["name"]: link["carrier"] for link in facts["links"]}
    assert carriers["eth0"]
    assert not carriers["vnet0p"]


def test_addresses_equal_what_ip_shows(machine: Netns, facts: dict[str, Any]) -> None:
    expected = {
        (
            link["ifname"],
            4 if info["family"] == "inet" else 6,
            info["local"],
            info["prefixlen"],
            info["scope"],
        )
        for link in ip_json(machine, "address")
        for info in link["addr_info"]
    }
    scopes = {"0": "global", "253": "link", "254": "host"}
    expected = {(*rest, scopes.get(str(scope), scope)) for *rest, scope in expected}
    assert {
        tuple(a[k] for k in ("link", "family", "address", "prefix", "scope")) for a in facts["addresses"]
    } == expected
    odd = next(a for a in facts["addresses"] if a["address"] == "10.0.0.1")
    assert {"noprefixroute", "permanent"} <= set(odd["flags"])


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.row("S0-31")
def test_routes_equal_what_ip_shows(machine: Netns, facts: dict[str, Any], family: int) -> None:
    def key(route: dict[str, Any]) -> tuple[object, ...]:
        via = route.get("gateway") or route.get("via", {}).get("host")
        hops = route.get("nexthops", [])
        if hops:
            via = hops[0].get("gateway")
        return (
            route["dst"]
            if "/" in route["dst"] or route["dst"] == "default"
            else f"{route['dst']}/{32 if family == 4 else 128}",
            via,
            hops[0]["dev"] if hops else route.get("dev"),
            int(route.get("table", 254)),
            int(route["protocol"]),
            int(route.get("metric", 0)),
            route.get("prefsrc"),
            {"1": "unicast", "6": "blackhole"}.get(str(route["type"]), route["type"]),
        )

    shown = ip_json(machine, f"-{family}", "route", "show", "table", "all")
    expected = sorted(
        (key(route) for route in shown if str(route.get("table")) not in ("255", "local")), key=str
    )
    keys = ("dst", "via", "dev", "table", "proto", "metric", "src", "type")
    ours = sorted((tuple(r[k] for k in keys) for r in facts["routes"] if r["family"] == family), key=str)
    assert ours == expected


def test_special_routes_keep_what_makes_them_special(facts: dict[str, Any]) -> None:
    routes = {route["dst"]: route for route in facts["routes"] if route["family"] == 4}
    assert routes["10.9.0.0/16"]["proto"] == 119
    assert routes["10.11.0.0/16"]["type"] == "blackhole"
    assert routes["127.0.0.1/32"]["table"] == 127
    assert routes["127.0.0.1/32"]["flags"] == ["onlink"]
    assert routes["10.12.0.0/16"]["via"] == "fe80::1"
    assert [hop["via"] for hop in routes["10.10.0.0/16"]["hops"]] == ["192.168.122.1", "192.168.124.7"]
    assert routes["192.168.124.0/24"]["scope"] == "link"


def test_rules_come_in_the_kernels_order_with_all_their_selectors(facts: dict[str, Any]) -> None:
    rules = [rule for rule in facts["rules"] if rule["family"] == 4]
    assert [(rule["priority"], rule["table"]) for rule in rules] == [
        (0, 255),
        (1, 127),
        (5, 300),
        (32766, 254),
        (32767, 253),
    ]
    assert rules[1]["ipproto"] == socket.IPPROTO_TCP
    assert (rules[2]["iif"], rules[2]["fwmark"], rules[2]["fwmask"]) == ("eth0", 0x10, 0xFF)
    assert (rules[2]["src"], rules[2]["dst"]) == ("10.0.0.0/8", "10.1.0.0/16")
    last = next(rule for rule in facts["rules"] if rule["family"] == 6 and rule["priority"] == 9)
    assert (last["oif"], last["action"]) == ("eth0", "blackhole")


def test_neighbours_show_a_permanent_one(facts: dict[str, Any]) -> None:
    permanent = {"family": 4, "address": "169.254.73.249", "mac": "00:11:22:33:44:55", "state": "PERMANENT"}
    assert {"dev": "eth0", **permanent} in facts["neighbours"]


def test_sysctls_of_every_link_are_read_by_the_name_sysctl_uses(
    machine: Netns, facts: dict[str, Any]
) -> None:
    assert facts["sysctls"]["net.ipv4.conf.virbr0.route_localnet"] == "1"
    assert facts["sysctls"]["net.ipv6.conf.eth1/5.accept_ra"] == "0"
    for key, value in facts["sysctls"].items():
        if "eth1/5" in key or key.endswith("ip_forward"):
            assert machine.exec("sysctl", "-n", key).strip() == value


def test_firewall_holds_both_back_ends_and_both_families(machine: Netns, facts: dict[str, Any]) -> None:
    firewall = facts["firewall"]
    assert '--comment "wslnet:test"' in firewall["backends"]["iptables-nft"]["4"]
    assert "--dport 9" in firewall["backends"]["iptables-nft"]["6"]
    legacy = firewall["backends"]["iptables-legacy"]["4"]
    assert re.search(r"^\[\d+:\d+\] -A POSTROUTING .*MASQUERADE", legacy, re.MULTILINE)
    assert "table ip filter" in firewall["nft"]
    uses_nft = "nf_tables" in machine.exec("iptables", "-V")
    assert firewall["default"] == ("iptables-nft" if uses_nft else "iptables-legacy")


def test_reading_makes_no_table() -> None:
    machine = Netns()
    try:
        with agent_in(machine) as agent:
            firewall = agent.facts(["firewall"])["firewall"]
        assert machine.exec("nft", "list", "ruleset") == ""
        assert firewall["nft"] == ""
    finally:
        machine.remove()


LEGACY = ("iptables", "iptables-save", "ip6tables", "ip6tables-save")


@pytest.mark.parametrize(
    ("tools", "backends", "default"),
    [
        ({"xtables-multi": LEGACY, "nft": ()}, {"iptables"}, "iptables"),
        (
            {"xtables-legacy-multi": ("iptables-legacy-save", *LEGACY), "nft": ()},
            {"iptables-legacy"},
            "iptables-legacy",
        ),
        ({"nft": ()}, set(), None),
    ],
    ids=["before 1.8", "legacy only", "nft only"],
)
def test_a_machine_with_fewer_tools(
    machine: Netns, tmp_path: Path, tools: dict[str, tuple[str, ...]], backends: set[str], default: str | None
) -> None:
    for program, names in tools.items():
        # The program of both tables is one file, whatever it is called.
        shutil.copy(
            Path("/usr/sbin") / program.replace("xtables-multi", "xtables-legacy-multi"), tmp_path / program
        )
        for name in names:
            (tmp_path / name).symlink_to(program)
    script = 'mount --bind "$0" /usr/sbin && exec "$@"'
    prefix = ("unshare", "--mount", "--propagation", "private", "sh", "-c", script, str(tmp_path))
    with agent_in(machine, prefix=prefix) as agent:
        firewall = agent.facts(["firewall"])["firewall"]
    assert set(firewall["backends"]) == backends
    assert firewall["default"] == default
    assert "table ip filter" in firewall["nft"]
    for backend in backends:
        assert "MASQUERADE" in firewall["backends"][backend]["4"]


def test_listeners_are_named_with_address_family_and_program(machine: Netns) -> None:
    child = machine.popen(
        "python3", "-c",
        "import socket,time\n"
        "a=socket.socket(); a.bind(('192.168.122.191',8080)); a.listen()\n"
        "b=socket.socket(socket.AF_INET6); b.bind(('::1',8081)); b.listen()\n"
        "c=socket.socket(type=socket.SOCK_DGRAM); c.bind(('0.0.0.0',53))\n"
        "time.sleep(60)",
    )  # fmt: skip
    try:
        until = time.monotonic() + 10
        with agent_in(machine) as agent:
            while len(found := agent.facts(["listeners"])["listeners"]) < 3:
                assert time.monotonic() < until
                time.sleep(0.05)
    finally:
        child.kill()
        child.wait(10)
    expected = [("tcp", 4, "192.168.122.191", 8080), ("tcp", 6, "::1", 8081), ("udp", 4, "0.0.0.0", 53)]
    assert [(one["proto"], one["family"], one["address"], one["port"]) for one in found] == expected
    assert all(one["process"].startswith("python") for one in found)


@pytest.mark.parametrize("python", pythons())
def test_every_python_at_hand_gives_the_same_facts(
    machine: Netns, facts: dict[str, Any], python: str
) -> None:
    stable = ("links", "addresses", "routes", "rules", "sysctls")
    with agent_in(machine, python=python) as agent:
        found = agent.facts(ALL)
    assert {name: found[name] for name in stable} == {name: facts[name] for name in stable}
    assert "errors" not in found
    # The saved rules carry the time of day.
    assert found["firewall"]["nft"] == facts["firewall"]["nft"]
