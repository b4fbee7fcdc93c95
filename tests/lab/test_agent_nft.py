"""Single rules in chains of nftables: put in place, found by their words, undone by a guard alone."""

from __future__ import annotations

import json
import os
import signal
import time
from typing import TYPE_CHECKING

import pytest

from wslnet.errors import AgentError
from wslnet.model.change import Op

from .agent_bench import Netns, agent_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from wslnet.transport.agent_client import AgentClient

pytestmark = pytest.mark.lab

RULESET = """
table inet t {
    set lab { type ipv4_addr; flags interval; elements = { 10.1.0.0/16, 10.3.0.0/16 } }
    chain own { type filter hook forward priority 0; policy accept;
        iifname "a" counter drop
        ip saddr @lab meta l4proto { tcp, udp } th dport 53 counter accept comment "dns # of; lab"
        iifname "a" counter drop
        counter reject with icmpx admin-prohibited
    }
}
"""
CHAIN = {"family": "inet", "table": "t", "chain": "own"}
ACCEPT = 'ip saddr 192.168.122.0/24 ip daddr 192.168.124.0/24 counter accept comment "wslnet:a->b"'
LIST = ("nft", "list", "chain", "inet", "t", "own")


@pytest.fixture
def machine() -> Iterator[Netns]:
    net = Netns()
    net.exec("nft", "-f", "-", stdin=RULESET)
    yield net
    net.remove()


@pytest.fixture
def agent(machine: Netns) -> Iterator[AgentClient]:
    with agent_in(machine) as client:
        yield client


def code(agent: AgentClient, verb: str, **args: object) -> str:
    with pytest.raises(AgentError) as caught:
        agent.call(verb, **args)
    return caught.value.op_code


@pytest.mark.parametrize("position", [1, 2, 4, 5])
def test_inserted_at_its_place_and_deleted_by_its_words(
    agent: AgentClient, machine: Netns, position: int
) -> None:
    before = machine.exec(*LIST)
    assert agent.call("nft.insert", **CHAIN, rule=ACCEPT, position=position) == {}
    rules = [line for line in machine.exec(*LIST).splitlines() if line.startswith("\t\t")][1:]
    assert "wslnet:a->b" in rules[position - 1]
    assert agent.call("nft.delete", **CHAIN, rule=ACCEPT) == {}
    assert machine.exec(*LIST) == before


def test_every_rule_goes_and_comes_back_by_the_words_that_nft_prints(
    agent: AgentClient, machine: Netns
) -> None:
    stateless = ("nft", "-s", *LIST[1:])
    before = machine.exec(*stateless)
    rules = [line.strip() for line in before.splitlines() if line.startswith("\t\t")][1:]
    assert len(rules) == 4
    for number, rule in enumerate(rules, start=1):
        first = rules.index(rule) + 1
        agent.call("nft.delete", **CHAIN, rule=rule)
        assert len(machine.exec(*stateless).splitlines()) == len(before.splitlines()) - 1
        agent.call("nft.insert", **CHAIN, rule=rule, position=first)
        assert machine.exec(*stateless) == before, number


def test_refusals_have_their_codes(agent: AgentClient, machine: Netns) -> None:
    before = machine.exec("nft", "list", "ruleset")
    assert code(agent, "nft.delete", **CHAIN, rule=ACCEPT) == "not-found"
    assert code(agent, "nft.delete", **{**CHAIN, "chain": "none"}, rule=ACCEPT) == "not-found"
    assert code(agent, "nft.insert", **{**CHAIN, "table": "none"}, rule=ACCEPT, position=1) == "not-found"
    assert code(agent, "nft.insert", **CHAIN, rule=ACCEPT, position=6) == "not-found"
    assert code(agent, "nft.insert", **CHAIN, rule=ACCEPT, position=0) == "not-found"
    assert code(agent, "nft.insert", **CHAIN, rule="no such words", position=1) == "failed"
    for rule in ("accept; flush ruleset", "accept\nflush ruleset", 'accept comment "a', "accept # x", "a \\"):
        assert code(agent, "nft.insert", **CHAIN, rule=rule, position=1) == "bad-op"
    for name in ("t; flush ruleset", "-f", "a b", ""):
        assert code(agent, "nft.insert", **{**CHAIN, "table": name}, rule="accept", position=1) == "bad-op"
    assert code(agent, "nft.insert", **{**CHAIN, "family": "all"}, rule="accept", position=1) == "bad-op"
    assert machine.exec("nft", "list", "ruleset") == before


@pytest.mark.timeout(60)
@pytest.mark.parametrize("dies", [False, True])
def test_a_guard_takes_it_back_and_so_does_the_agent_that_finds_it_dead(
    machine: Netns, tmp_path: Path, *, dies: bool
) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    script = f'mount --bind {folder} /run && exec "$@"'
    prefix = ("unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh")
    before = machine.exec("nft", "-s", *LIST[1:])
    undo = [{"verb": "nft.delete", "args": {**CHAIN, "rule": ACCEPT}}]
    arm = Op("guard.arm", {"run": "r", "token": "t", "deadline_s": 1.0, "undo": undo})
    insert = Op("nft.insert", {**CHAIN, "rule": ACCEPT, "position": 1})
    with agent_in(machine, prefix=prefix) as client:
        assert [one.ok for one in client.run([arm, insert])] == [True, True]
        if dies:
            os.kill(json.loads((folder / "wslnet" / "guard.json").read_text())["pid"], signal.SIGKILL)
    until = time.monotonic() + 20
    while not dies and machine.exec("nft", "-s", *LIST[1:]) != before:
        assert time.monotonic() < until
        time.sleep(0.1)
    time.sleep(1.0 if dies else 0.0)
    with agent_in(machine, prefix=prefix) as client:
        told = client.call("guard.disarm", run="r", token="t")
        assert isinstance(told, dict)
        assert (told["state"], told["done"]) == ("fired", [{"verb": "nft.delete", "error": None}])
    assert machine.exec("nft", "-s", *LIST[1:]) == before


def test_a_rule_that_somebody_has_put_back_is_not_put_back_again(agent: AgentClient, machine: Netns) -> None:
    twice = 'iifname "a" counter drop'
    assert code(agent, "nft.insert", **CHAIN, rule=twice, position=1, equal=1) == "exists"
    assert agent.call("nft.insert", **CHAIN, rule=twice, position=1, equal=2) == {}
    for backend in ("iptables-nft", "iptables-legacy"):
        spec = ["!", "-s", "10.0.0.0/8", "-m", "comment", "--comment", "two words", "-j", "DROP"]
        rule = {"backend": backend, "family": 4, "table": "filter", "chain": "FORWARD", "spec": spec}
        assert agent.call("rule.insert", **rule, position=1, equal=0) == {}
        assert code(agent, "rule.insert", **rule, position=1, equal=0) == "exists"
        assert agent.call("rule.insert", **rule, position=1, equal=1) == {}
        assert machine.exec(backend, "-S", "FORWARD").count("two words") == 2
