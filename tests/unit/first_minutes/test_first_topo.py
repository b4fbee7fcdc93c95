"""The picture of note 000 from stored facts, in the shape of the contract, as Mermaid, as a tree."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import jsonschema
import pytest

from wslnet.cli.render_topo import mermaid, tree
from wslnet.engine.draw import draw

if TYPE_CHECKING:
    from collections.abc import Callable

    from wslnet.model.snapshot import Snapshot

    Make = Callable[..., Snapshot]

END = {"type": "object", "required": ["machine", "interface"]}
SHAPE = {
    "type": "object",
    "required": ["schema_version", "machines", "links"],
    "properties": {
        "machines": {
            "type": "array",
            "items": {"type": "object", "required": ["name", "kind", "parent", "interfaces"]},
        },
        "links": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["a", "b", "kind"],
                "properties": {"a": END, "b": END, "kind": {"type": "string"}},
            },
        },
    },
}


def edges(snapshot: Snapshot) -> set[tuple[str, str, str]]:
    return {
        (f"{one.a.machine}.{one.a.interface}", str(one.kind), f"{one.b.machine}.{one.b.interface}")
        for one in draw(snapshot).links
    }


BELOW = {
    ("wsl.virbr0", "bridge", "wsl.vnet0"),
    ("wsl.vnet0", "tap", "vm1.enp1s0"),
    ("vm1.enp1s0", "nat", "vm1.virbr0"),
    ("vm1.virbr0", "bridge", "vm1.vnet0"),
    ("vm1.vnet0", "tap", "vm2.ens3"),
}


@pytest.mark.row("S0-44", "S0-46")
def test_mirrored_is_the_picture_of_the_note(stored: Make) -> None:
    found = edges(stored("mirrored"))
    assert found >= BELOW
    assert ("external.172.24.21.254", "lan", "windows.以太网") in found
    assert ("windows.以太网", "mirror", "wsl.eth1") in found
    assert ("windows.ctEAO-10", "mirror", "wsl.eth0") in found
    assert ("wsl.eth1", "nat", "wsl.virbr0") in found


def test_nat_hangs_on_windows_own_adapter(stored: Make) -> None:
    found = edges(stored("nat"))
    assert found >= BELOW
    assert ("windows.vEthernet (WSL (Hyper-V firewall))", "wsl-nat", "wsl.eth0") in found
    assert not [edge for edge in found if edge[1] == "mirror"]


@pytest.mark.parametrize("name", ["mirrored", "nat"])
def test_json_has_the_shape_of_the_contract_and_every_end_exists(stored: Make, name: str) -> None:
    document = json.loads(json.dumps(draw(stored(name)).to_json()))
    jsonschema.validate(document, SHAPE)
    there = {(one["name"], port["name"]) for one in document["machines"] for port in one["interfaces"]}
    for link in document["links"]:
        assert (link["a"]["machine"], link["a"]["interface"]) in there
        assert (link["b"]["machine"], link["b"]["interface"]) in there


def test_unused_parts_are_marked(stored: Make) -> None:
    nodes = {node.name: node for node in draw(stored("mirrored")).machines}
    used = {one.name for one in nodes["windows"].interfaces if one.used}
    assert used == {"以太网"}
    assert "VMware Network Adapter VMnet8 (vmware, unused)" in "\n".join(mermaid(draw(stored("mirrored"))))


@pytest.mark.row("S0-44")
def test_mermaid_says_what_the_note_says(stored: Make) -> None:
    lines = list(mermaid(draw(stored("mirrored"))))
    assert lines[0] == "graph TD"
    text = "\n".join(lines)
    for word in (
        '["wsl (wsl, mirrored)"]', "|NAT via MASQUERADE|", "|Bridge to TAP|", "|Data frame to VM|",
        "default gateway 172.24.21.254", "以太网 (uplink)<br>172.24.21.109/24", "MAC: fe:54:00:fc:38:e0",
    ):  # fmt: skip
        assert word in text
    assert text.count("subgraph ") == text.count("\n    end") == 6


def test_mermaid_names_only_nodes_that_it_made(stored: Make) -> None:
    lines = list(mermaid(draw(stored("nat"))))
    made = {match[1] for line in lines if (match := re.match(r"\s+(m\d+_i\d+)\[", line))}
    drawn = [re.findall(r"m\d+_i\d+", line) for line in lines if "-->" in line]
    assert drawn
    assert {name for pair in drawn for name in pair} <= made


@pytest.mark.parametrize(
    "bad", ['"]; click m0 "javascript:x"', "<script>", "a|b`c#d&e", "x\nend\n%%", "\x1b[2J"]
)
def test_a_name_cannot_leave_its_label(stored: Make, bad: str) -> None:
    adapters = [{"index": 2, "name": bad, "status": "Up", "mac": "1c:83:41:cf:a8:7c"}]
    lines = list(mermaid(draw(stored("mirrored", {"facts": {"windows": {"adapters": adapters}}}))))
    shape = re.compile(
        r'graph TD| {4}subgraph m\d+\["[^"<`]*"\]| {4}end| {4}classDef unused .*'
        r'| {8}m\d+_i\d+\["([^"<`]|<br>)*"\](:::unused)?| {4}m\d+_i\d+ -->(\|[A-Za-z ]+\|)? m\d+_i\d+'
    )
    assert [line for line in lines if not shape.fullmatch(line)] == []
    assert not any("\x1b" in line for line in lines)


def test_a_vm_that_was_not_seen_is_drawn_from_its_parent(stored: Make) -> None:
    graph = draw(stored("mirrored", unseen=("vm1", "vm2")))
    assert ("wsl.vnet0", "tap", "vm1.nic") in edges(stored("mirrored", unseen=("vm1", "vm2")))
    vm1 = next(node for node in graph.machines if node.name == "vm1")
    assert (vm1.seen, vm1.interfaces[0].mac) == (False, "52:54:00:fc:38:e0")
    assert "vm1 (vm, not seen)" in "\n".join(tree(graph))


def test_nothing_seen_at_all_is_still_a_picture(stored: Make) -> None:
    graph = draw(stored("nat", unseen=("lan", "windows", "wsl", "vm1", "vm2")))
    assert graph.links == ()
    assert len(list(tree(graph))) == 10
    assert next(iter(mermaid(graph))) == "graph TD"


def test_the_tree_is_ascii_but_for_names(stored: Make) -> None:
    lines = list(tree(draw(stored("mirrored"))))
    assert "      `- vm2 (vm)" in lines
    drawn = "".join(lines).replace("以太网", "")
    assert drawn.isascii()
    last = next(line for line in lines if "ens3" in line)
    assert last.endswith("Data frame to VM <- vm1 vnet0")
