"""Deleting rules by their words: what goes, what comes back where, what is refused."""

from __future__ import annotations

import pytest

from wslnet.errors import PlanRefused
from wslnet.model.linux_facts import LinuxFacts
from wslnet.model.linux_network import Firewall
from wslnet.netfilter.rules import Place, rule_id
from wslnet.netfilter.ruleset import parse_save
from wslnet.resources.absent_rule import AbsentRule

FORWARD = Place("iptables-nft", "ip", "filter", "FORWARD")
# Blocks of an old libvirt that were saved and added again (seen in the field).
TWICE = ["-i a -j ACCEPT", "-o b -j REJECT", "-i b -j REJECT", "-j X", "-o b -j REJECT", "-i b -j REJECT"]


def facts(rules: list[str], nft: str = "") -> LinuxFacts:
    body = "".join(f"-A FORWARD {rule}\n" for rule in rules)
    saved = f"*filter\n:FORWARD ACCEPT [0:0]\n:X - [0:0]\n{body}COMMIT\n"
    return LinuxFacts(firewall=Firewall({"iptables-nft": {"4": saved}}, "iptables-nft", nft))


def test_each_goes_back_to_the_place_that_it_had() -> None:
    rejects = [text for text in TWICE if "REJECT" in text]
    resources = [
        AbsentRule("vm1", FORWARD, text, "", rejects[index + 1 :].count(text), tuple(rejects[:index]))
        for index, text in enumerate(rejects)
    ]
    assert len({one.name for one in resources}) == 4
    changes = [change for one in resources for change in one.diff(facts(TWICE))]
    rules = list(TWICE)
    for change in changes:
        spec = " ".join(change.do.args["spec"])  # type: ignore[arg-type]
        rules.remove(spec)
    assert rules == ["-i a -j ACCEPT", "-j X"]
    assert [change for one in resources for change in one.diff(facts(rules))] == []
    for change in reversed(changes):
        assert change.undo is not None
        position = change.undo.args["position"]
        assert isinstance(position, int)
        assert 1 <= position <= len(rules) + 1
        rules.insert(position - 1, " ".join(change.undo.args["spec"]))  # type: ignore[arg-type]
    assert rules == TWICE


LIBVIRT = "table ip t {\n\tflags owner\n\n\tchain c {\n\t\tmeta l4proto udp # xt_udp counter accept\n\t}\n}\n"


def test_what_could_not_come_back_is_refused() -> None:
    place = Place("nft", "ip", "t", "c")
    wanted = AbsentRule("vm1", place, "meta l4proto udp # xt_udp counter accept", "")
    with pytest.raises(PlanRefused, match="nobody else change it"):
        wanted.diff(facts([], LIBVIRT))
    with pytest.raises(PlanRefused, match="could not be put back"):
        wanted.diff(facts([], LIBVIRT.replace("\tflags owner\n", "")))


def test_an_id_stays_when_others_come_and_go() -> None:
    def ids(rules: list[str]) -> set[str]:
        found = facts(rules).firewall
        assert found is not None
        chain = parse_save(found.backends["iptables-nft"]["4"])["filter"].chains["FORWARD"]
        return {rule_id(FORWARD, rule.text) for rule in chain.rules}

    assert ids(["-i a -j DROP"]) < ids(["-i x -j ACCEPT", "-i a -j DROP"])
    assert rule_id(FORWARD, "-j X") != rule_id(Place("iptables-legacy", "ip", "filter", "FORWARD"), "-j X")
