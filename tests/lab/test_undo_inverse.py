"""The undo law where things are real: in a namespace's kernel, and on the lab's Windows, in random states."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from wslnet.app.inventory_file import load_inventory
from wslnet.engine.gather import gather
from wslnet.errors import PlanRefused
from wslnet.model.allow import Allow
from wslnet.model.linux_facts import LinuxFacts
from wslnet.netfilter.rules import Place
from wslnet.netfilter.view import IPTABLES_NFT, tables
from wslnet.profiles.boot import network_task
from wslnet.resources.absent_rule import AbsentRule
from wslnet.resources.boot_data import BootDataFile
from wslnet.resources.forward_accept import ForwardAccept
from wslnet.resources.hyperv_rule import HyperVAllowRule
from wslnet.resources.hyperv_setting import HyperVDefaultInbound
from wslnet.resources.interface_forwarding import InterfaceForwarding
from wslnet.resources.scheduled_task import ScheduledTask
from wslnet.resources.static_route import OWN_PROTOCOL, StaticRoute
from wslnet.resources.sysctl import Sysctl
from wslnet.resources.wslconfig_keys import WslConfigKeys
from wslnet.transport.connections import Connections

from .agent_bench import Netns, agent_in, wire_up
from .canonical.snapshot import differences, take

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from wslnet.model.change import Change, Op
    from wslnet.model.windows_facts import WindowsFacts
    from wslnet.transport.agent_client import AgentClient

    from .canonical.snapshot import Snapshot

pytestmark = pytest.mark.lab

SUBNET = "192.168.124.0/24"
VIAS = {"eth0": "192.168.122.191", "eth1": "10.9.0.2"}
FORWARD = "net.ipv4.ip_forward"
ACCEPTS = [
    ForwardAccept("host", "192.168.122.0/24", SUBNET, "eth0", "eth1", "law"),
    ForwardAccept("host", SUBNET, "192.168.122.0/24", "eth1", "eth0", "law"),
]
FOREIGN_RULES = [
    "-o eth1 -j REJECT --reject-with icmp-port-unreachable",
    "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
    "-s 192.168.122.0/24 -j ACCEPT",
    "-p tcp -m tcp --dport 22 -j DROP",
    "-j OTHERS",
]


@pytest.fixture
def host() -> Iterator[Netns]:
    spaces = [Netns(), Netns(), Netns()]
    try:
        for space, (link, via) in zip(spaces[1:], VIAS.items(), strict=True):
            mine = via.rpartition(".")[0] + ".1/24"
            wire_up(spaces[0], link, mine, space, link, f"{via}/24")
        spaces[0].exec("iptables", "-N", "OTHERS")
        yield spaces[0]
    finally:
        for space in spaces:
            space.remove()


def ours_of(accept: ForwardAccept) -> str:
    """The rule with which an accept is made, as it may stand anywhere after a while."""
    return f"-s {accept.src} -d {accept.dst} -m comment --comment {accept.comment} -j ACCEPT"


def randomize(host: Netns, chance: random.Random) -> None:
    """Any state that people, libvirt and older versions of wslnet could have left."""
    host.exec("ip", "route", "flush", "table", "main", "proto", "static")
    host.exec("ip", "route", "flush", "table", "main", "proto", str(OWN_PROTOCOL))
    host.exec("iptables", "-F", "FORWARD")
    host.exec("iptables", "-P", "FORWARD", chance.choice(["ACCEPT", "DROP"]))
    for metric in chance.sample(["0", "100"], chance.randint(0, 2)):
        link = chance.choice(list(VIAS))
        proto = chance.choice([str(OWN_PROTOCOL), str(OWN_PROTOCOL), "static"])
        source = ["src", "192.168.122.1"] if link == "eth0" and chance.random() < 0.2 else []
        route = [SUBNET, "via", VIAS[link], "dev", link, "proto", proto, "metric", metric]
        host.exec("ip", "route", "add", *route, *source)
    for _ in range(chance.randint(0, 5)):
        ours = chance.random() < 0.3
        rule = (ours_of(chance.choice(ACCEPTS)) if ours else chance.choice(FOREIGN_RULES)).split()
        host.exec("iptables", "-A", "FORWARD", *rule)
    host.exec("sysctl", "-qw", f"{FORWARD}={chance.randint(0, 1)}")
    for key in ("default.forwarding", "eth0.forwarding", "eth1.forwarding", "all.accept_redirects"):
        host.exec("sysctl", "-qw", f"net.ipv4.conf.{key}={chance.randint(0, 1)}")


def state(host: Netns) -> str:
    """What the kernel has: all routes, rules and switches, without what moves by itself."""
    rules = [line for line in host.exec("iptables-save").splitlines() if line[0] != "#"]
    kept = [line.partition(" [")[0] for line in rules]
    switches = host.exec("sysctl", "-a", "--pattern", r"^net\.ipv[46]\.(conf|ip_forward)")
    # A stable secret is read only once it is set, and route listings have no order within one destination.
    routes = sorted(host.exec("ip", "-N", "route", "show", "table", "all").splitlines())
    return "\n".join([*kept, *routes, switches])


def facts(agent: AgentClient) -> LinuxFacts:
    return msgspec.convert(agent.facts(["routes", "firewall", "sysctls"]), LinuxFacts)


def done(agent: AgentClient, ops: list[Op]) -> None:
    assert [result.message for result in agent.run(ops) if not result.ok] == []


def diffs(resources: list[Any], seen: LinuxFacts | WindowsFacts) -> list[Change]:
    found: list[Change] = []
    for one in list(resources):
        try:
            found += one.diff(seen)
        except PlanRefused:
            resources.remove(one)
    return found


@pytest.mark.timeout(300)
@pytest.mark.parametrize("count", [10, pytest.param(75, marks=pytest.mark.full)])
def test_undo_is_the_inverse_in_a_namespace(host: Netns, count: int, campaign: Callable[..., None]) -> None:
    with agent_in(host) as agent:
        for number in range(count):
            chance = random.Random(number)  # noqa: S311 - the same states every time
            randomize(host, chance)
            facts(agent)  # a look makes iptables' empty tables
            before = state(host)
            link = chance.choice(list(VIAS))
            resources: list[Any] = [
                StaticRoute("host", SUBNET, VIAS[link], link, "law"),
                Sysctl("host", FORWARD, str(chance.randint(0, 1)), "law"),
                *ACCEPTS,
            ]
            chance.shuffle(resources)
            changes = diffs(resources, facts(agent))
            done(agent, [change.do for change in changes])
            assert diffs(resources, facts(agent)) == [], number
            done(agent, [change.undo for change in reversed(changes) if change.undo is not None])
            assert state(host) == before, number
            stop = chance.randint(0, len(changes))
            done(agent, [change.do for change in changes[:stop]])
            done(agent, [change.undo for change in reversed(changes[:stop]) if change.undo is not None])
            assert state(host) == before, number
            less: list[Any] = one_rule_less(agent, chance)
            for change in diffs(less, facts(agent)):
                assert change.undo is not None
                done(agent, [change.do])
                assert state(host) != before, number
                done(agent, [change.undo])
                assert state(host) == before, number
            for kind in {type(one) for one in (*resources, *less)}:
                campaign("undo inverse in a namespace", 1, kind.__name__)


def one_rule_less(agent: AgentClient, chance: random.Random) -> list[AbsentRule]:
    """The wish that some rule of FORWARD is not there, or is there once less."""
    firewall = facts(agent).firewall
    assert firewall is not None
    table = next(each for each in tables(firewall) if (each.backend, each.name) == (IPTABLES_NFT, "filter"))
    listed = table.chains["FORWARD"].listed
    if not listed:
        return []
    text = chance.choice(listed).text
    left = sum(1 for rule in listed if rule.text == text) - 1
    return [AbsentRule("host", Place(IPTABLES_NFT, "ip", "filter", "FORWARD"), text, "law", left)]


WINDOWS_NEEDS = frozenset({"hyperv_firewall", "interfaces", "boot", "wslconfig"})


def windows_wishes(chance: random.Random, seen: WindowsFacts) -> list[Any]:
    """One of each resource of Windows, wanted at random."""
    assert seen.boot is not None
    one = chance.choice([face for face in seen.interfaces or () if face.alias.startswith("vEthernet")])
    sid = seen.boot.sid
    sources = chance.choice([(), ("172.24.21.0/24",)])
    keys = {"wsl2.networkingMode": ["mirrored", "nat"], "wsl2.dnsTunneling": ["true", "false"]}
    values = {key: chance.choice(some) for key, some in keys.items() if chance.random() < 0.6}
    content = chance.choice([None, b'{"kept": 1}', b'{"kept": 2}'])
    task = chance.choice([network_task(sid), replace(network_task(sid), arguments="an older one's")])
    wishes: list[Any] = [
        HyperVAllowRule("windows", Allow("tcp", chance.choice([8080, 8081])), sources, ("Private",), "law"),
        HyperVDefaultInbound("windows", chance.choice(["Allow", "Block"]), "law"),
        InterfaceForwarding("windows", one.index, one.alias, "law", one.family, chance.random() < 0.5),
        ScheduledTask("windows", task, "law", present=chance.random() < 0.7),
        BootDataFile("windows", content, sid, "law"),
        *([WslConfigKeys("windows", values, "law")] if values else []),
    ]
    return chance.sample(wishes, len(wishes))


def windows_facts(fleet: Connections) -> WindowsFacts:
    seen = gather(fleet, {"windows": WINDOWS_NEEDS}).windows
    assert seen is not None
    assert not seen.errors
    return seen


def windows_done(fleet: Connections, ops: list[Op]) -> None:
    for op in ops:
        (result,) = fleet.execute("windows", [op], deadline_s=60)
        assert result.ok, f"{op.verb}: {result.message}"


@pytest.mark.timeout(900)
@pytest.mark.parametrize("count", [1, pytest.param(50, marks=pytest.mark.full)])
def test_undo_is_the_inverse_on_windows(shared_lab: Any, count: int, campaign: Callable[..., None]) -> None:
    at_first = take(shared_lab)
    with Connections(load_inventory(shared_lab.inventory)) as fleet:
        for number in range(count):
            chance = random.Random(number)  # noqa: S311 - the same states every time
            # What the first wishes made is the state that the second ones find.
            pending: list[tuple[list[Change], Snapshot]] = []
            for _ in range(2):
                wishes = windows_wishes(chance, windows_facts(fleet))
                changes = diffs(wishes, windows_facts(fleet))
                pending.append((changes, take(shared_lab)))
                windows_done(fleet, [change.do for change in changes])
                assert diffs(wishes, windows_facts(fleet)) == [], number
                for change in changes:
                    campaign("undo inverse on Windows", 1, change.resource.partition(" ")[0])
            for changes, before in reversed(pending):
                windows_done(fleet, [change.undo for change in reversed(changes) if change.undo is not None])
                found = differences(before, take(shared_lab))
                assert not found, "\n".join([f"round {number}", *found])
    assert differences(at_first, take(shared_lab)) == []
