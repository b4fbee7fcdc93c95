"""The undo law against real kernels: routes, rules and switches of a namespace, in many random states."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from wslnet.errors import PlanRefused
from wslnet.model.linux_facts import LinuxFacts
from wslnet.resources.forward_accept import ForwardAccept
from wslnet.resources.static_route import OWN_PROTOCOL, StaticRoute
from wslnet.resources.sysctl import Sysctl

from .agent_bench import Netns, agent_in, wire_up

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from wslnet.model.change import Change, Op
    from wslnet.transport.agent_client import AgentClient

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
        rule = list(chance.choice(ACCEPTS).spec) if ours else chance.choice(FOREIGN_RULES).split()
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


def diffs(resources: list[Any], seen: LinuxFacts) -> list[Change]:
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
            for kind in {type(change) for change in resources}:
                campaign("undo inverse in a namespace", 1, kind.__name__)
