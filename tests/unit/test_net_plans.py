"""`net create` and `net destroy` up to the plan: what is refused, what is chosen, what is put back."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from wslnet.app.virtual_net import NetWish, prepare_create, prepare_destroy
from wslnet.errors import InputError, PlanRefused, Unsupported
from wslnet.model.change import Action, Change, Op, OpResult, Risk
from wslnet.model.linux_facts import DiskFile, DiskFiles, LinuxFacts, WslInfo
from wslnet.model.linux_network import Address, Bridging, Device, Firewall, Link, Route
from wslnet.model.machine import Inventory, Kind, Machine, Wish
from wslnet.model.virtual_net import NetMode
from wslnet.model.windows_facts import WindowsAddress, WindowsFacts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wslnet.app.setup import Prepared

NFT = "iptables-nft"
FORWARD = "net.ipv4.ip_forward"
EMPTY = "*filter\n:FORWARD ACCEPT [0:0]\nCOMMIT\n*nat\n:POSTROUTING ACCEPT [0:0]\nCOMMIT\n"
DOCKER = EMPTY.replace(
    ":FORWARD ACCEPT [0:0]\n", ":FORWARD DROP [0:0]\n:DOCKER-USER - [0:0]\n-A FORWARD -j DOCKER-USER\n"
)
CARD = Link(2, "enp1s0", "52:54:00:fc:38:e0", 1500, up=True, carrier=True)
VM = LinuxFacts(
    links=(CARD,),
    addresses=(Address("enp1s0", 4, "192.168.122.191", 24, flags=("permanent",)),),
    routes=(Route(4, "default", "192.168.122.1", "enp1s0", metric=100),),
    sysctls={FORWARD: "0", "net.ipv4.conf.enp1s0.forwarding": "0"},
    firewall=Firewall({NFT: {"4": EMPTY}}, NFT),
    bridging=Bridging(),
    files=DiskFiles(missing=("/etc/wslnet",)),
)
MACHINES = {
    "windows": Machine("windows", Kind.WINDOWS),
    "wsl": Machine("wsl", Kind.WSL, "windows", distro="Debian"),
    "vm1": Machine("vm1", Kind.VM, "wsl", address="192.168.122.191"),
    "lan": Machine("lan", Kind.PEER, address="172.24.21.50"),
}
INVENTORY = Inventory(Path("wslnet.toml"), Path("state"), MACHINES, Wish("nat", ()))


class Answers:
    """A fleet whose machines answer with these facts."""

    def __init__(self, **facts: LinuxFacts | WindowsFacts) -> None:
        self.inventory = INVENTORY
        wsl = LinuxFacts(addresses=(Address("virbr0", 4, "192.168.122.1", 24),), routes=())
        windows = WindowsFacts(addresses=(WindowsAddress(12, "LAN", 4, "172.24.21.109", 24),), routes=())
        self.facts: dict[str, Any] = {"windows": windows, "wsl": wsl, "vm1": VM, **facts}

    def execute(self, machine: str, ops: Sequence[Op], *, deadline_s: float) -> tuple[OpResult, ...]:
        assert deadline_s > 0
        assert [op.verb for op in ops] == ["facts"]
        return (OpResult(msgspec.to_builtins(self.facts[machine])),)


def create(mode: str = "nat", facts: LinuxFacts = VM, **wish: Any) -> Prepared:
    machine = wish.pop("machine", "vm1")
    wanted = NetWish(machine, wish.pop("name", "gefyra0"), NetMode(mode), **wish)
    return prepare_create(Answers(**{machine: facts}), wanted, lambda *_: None)


def changes(prepared: Prepared) -> dict[str, Change]:
    return {change.resource: change for change in prepared.plan.changes}


def after(prepared: Prepared, facts: LinuxFacts) -> LinuxFacts:
    """The machine with the net's file on it, as the first run left it."""
    ops = [change.do for change in prepared.plan.changes if change.do.verb == "file.write"]
    content = base64.b64decode(str(ops[0].args["content"])).replace(b"@RUN@", b"R-1")
    file = DiskFile(str(ops[0].args["path"]), 0o644, 0, 0, base64.b64encode(content).decode())
    return replace(facts, files=DiskFiles(found=(file,), confirmed=("R-1",)))


@pytest.mark.row("S4-33")
@pytest.mark.parametrize(
    ("wish", "word"),
    [
        ({"name": "a-name-too-long-0"}, "17 characters"),
        ({"name": "0net"}, "a letter first"),
        ({"name": "br/0"}, "a letter first"),
        ({"name": "thirteen-long", "taps": 3}, "16 characters"),
        ({"tap": ("QemuTap0", "QemuTap0")}, "twice"),
        ({"tap": ("gefyra0",)}, "twice"),
        ({"tap": ("a",), "taps": 2}, "--taps 2"),
        ({"taps": 99}, "at most"),
    ],
)
def test_names_that_linux_or_a_second_guest_would_not_take(wish: dict[str, Any], word: str) -> None:
    with pytest.raises(InputError, match=word):
        create(**wish)


@pytest.mark.row("S4-05", "S4-03")
def test_every_tap_has_its_own_name_and_macs_which_are_always_the_same() -> None:
    first, second = create(taps=8), create(taps=8)
    assert [one.do.to_json() for one in first.plan.changes] == [
        one.do.to_json() for one in second.plan.changes
    ]
    taps = [one.do.args for name, one in changes(first).items() if name.startswith("tap ")]
    assert len({args["name"] for args in taps}) == len({args["mac"] for args in taps}) == 8
    assert {args["master"] for args in taps} == {"gefyra0"}
    other = [one.do.args for name, one in changes(create(name="gefyra1", taps=8)).items() if "tap " in name]
    assert not {args["mac"] for args in taps} & {args["mac"] for args in other}


@pytest.mark.row("S4-09")
@pytest.mark.parametrize(
    ("subnet", "who"),
    [("172.24.21.0/24", "windows"), ("192.168.122.0/24", "wsl|vm1"), ("192.168.0.0/16", "used already")],
)
def test_a_subnet_that_anybody_uses_is_refused(subnet: str, who: str) -> None:
    with pytest.raises(InputError, match=who) as refused:
        create(subnet=subnet)
    assert "192.168.223.0/24 is free" in str(refused.value.hint)


@pytest.mark.row("S4-12", "S4-13", "S4-14")
def test_a_nat_net_hides_its_own_subnet_alone_and_remembers_what_was() -> None:
    plan = changes(create("nat"))
    rule = plan["masquerade 192.168.223.0/24"].do.args
    assert rule["spec"][:5] == ("-s", "192.168.223.0/24", "!", "-d", "192.168.223.0/24")
    assert "-o" not in rule["spec"]
    assert plan["sysctl net.ipv4.ip_forward"].undo is not None
    written = base64.b64decode(str(plan["file /etc/wslnet/net-gefyra0.json"].do.args["content"]))
    document = msgspec.json.decode(written)
    assert document["kept"] == {"sysctls": {FORWARD: "0"}}
    assert [op["verb"] for op in document["ops"]] == ["bridge.add", "sysctl.set", "rule.insert"]
    named = changes(create("nat", uplink="enp1s0"))["masquerade 192.168.223.0/24"].do.args
    assert named["spec"][5:7] == ("-o", "enp1s0")
    with pytest.raises(InputError, match="no link 'enp2s0'"):
        create("nat", uplink="enp2s0")


@pytest.mark.row("S2-08")
def test_docker_s_drop_is_passed_where_the_guests_need_it() -> None:
    sysctls = {**(VM.sysctls or {}), "net.bridge.bridge-nf-call-iptables": "1"}
    facts = replace(VM, firewall=Firewall({NFT: {"4": DOCKER}}, NFT), sysctls=sysctls)
    nat = [one for one in create("nat", facts).plan.changes if one.resource.startswith("forward ")]
    assert [one.resource for one in nat] == [
        "forward gefyra0 inside",
        "forward gefyra0 out",
        "forward gefyra0 back",
    ]
    assert {one.do.args["chain"] for one in nat} == {"DOCKER-USER"}
    assert "RELATED,ESTABLISHED" in nat[2].do.args["spec"]
    private = [one for one in create("private", facts).plan.changes if one.resource.startswith("forward ")]
    assert [one.resource for one in private] == ["forward gefyra0 inside"]


@pytest.mark.row("S4-07")
def test_who_has_no_way_out_keeps_none_when_another_net_gets_one() -> None:
    private = create("private")
    settings = changes(private)["bridge gefyra0"].do.args["settings"]
    assert settings["net.ipv4.conf.gefyra0.forwarding"] == "0"
    assert settings["net.ipv6.conf.gefyra0.disable_ipv6"] == "1"
    there = after(private, VM)
    there = replace(there, sysctls={**(VM.sysctls or {}), "net.ipv4.conf.gefyra0.forwarding": "0"})
    turned = changes(create("nat", there, name="gefyra1"))["sysctl net.ipv4.ip_forward"]
    assert turned.do.args["also"] == {"net.ipv4.conf.gefyra0.forwarding": "0"}


@pytest.mark.row("S2-16")
def test_wi_fi_is_not_bridged_and_the_reason_says_why() -> None:
    facts = replace(VM, bridging=Bridging((Device("enp1s0", wireless=True),)))
    with pytest.raises(Unsupported, match="Wi-Fi") as refused:
        create("l2", facts)
    assert refused.value.exit_code == 15
    assert "--mode nat" in str(refused.value.hint)


@pytest.mark.row("S2-15", "S4-25")
def test_ports_of_hyper_v_let_no_foreign_mac_through() -> None:
    with pytest.raises(Unsupported, match="WSL's own"):
        create("l2", replace(VM, wsl=WslInfo("mirrored")), machine="wsl")
    facts = replace(VM, bridging=Bridging((Device("enp1s0", driver="hv_netvsc"),)))
    with pytest.raises(Unsupported, match="MacAddressSpoofing"):
        create("l2", facts)
    assert "uplink enp1s0" in changes(create("l2", facts, mac_spoofing=True))


@pytest.mark.row("S2-03")
def test_a_card_without_carrier_has_no_lan_to_give() -> None:
    with pytest.raises(PlanRefused, match="no carrier"):
        create("l2", replace(VM, links=(replace(CARD, carrier=False),)))
    with pytest.raises(PlanRefused, match="port of br7"):
        create("l2", replace(VM, links=(replace(CARD, master="br7"),)))


@pytest.mark.row("S4-16", "S4-21")
def test_the_move_of_the_card_comes_last_alone_and_is_said_beforehand() -> None:
    prepared = create("l2", taps=1)
    assert any("under a guard" in note for note in prepared.plan.notes)
    last = prepared.plan.changes[-1]
    assert (last.resource, last.risk) == ("uplink enp1s0", Risk.CUTS_LINK)
    assert last.undo is not None
    assert (last.do.args["source"], last.undo.args["source"]) == ("enp1s0", "gefyra0")
    bridge = changes(prepared)["bridge gefyra0"].do.args
    assert (bridge["mac"], bridge["addresses"]) == (CARD.mac, ())
    assert changes(prepared)["tap gefyra0-t0"].do.args["master"] == "gefyra0"


@pytest.mark.row("S4-17", "S4-18", "S4-19")
def test_the_address_of_an_l2_bridge_is_kept_leased_or_given() -> None:
    leased = replace(VM, addresses=(Address("enp1s0", 4, "192.168.122.191", 24),))
    assert any("--addr dhcp" in note for note in create("l2", leased).plan.notes)
    with pytest.raises(InputError, match="isc-dhcp-client"):
        create("l2", leased, addr="dhcp")
    tools = replace(leased, bridging=Bridging(dhcp_tools=("dhclient",)))
    move = changes(create("l2", tools, addr="dhcp"))["uplink enp1s0"]
    assert move.undo is not None
    assert (move.do.args["client"], move.undo.args["release"]) == ("dhclient", True)
    served = replace(leased, bridging=Bridging((Device("enp1s0", dhcp="dhcpcd"),)))
    assert any("dhcpcd goes with them" in note for note in create("l2", served).plan.notes)
    with pytest.raises(InputError, match=r"192\.168\.122\.191/24 already"):
        create("l2", addr="192.168.223.1/24")
    bare = replace(VM, addresses=(), routes=())
    given = changes(create("l2", bare, uplink="enp1s0", addr="192.168.223.1/24"))["bridge gefyra0"]
    assert given.do.args["addresses"] == ("192.168.223.1/24",)
    with pytest.raises(InputError, match="length of the prefix"):
        create("l2", bare, uplink="enp1s0", addr="192.168.223.1")


@pytest.mark.row("S4-22", "S4-23")
def test_networkmanager_is_told_before_the_card_moves_and_after_it_is_back() -> None:
    told = create("l2", replace(VM, bridging=Bridging(unmanaged=()))).plan.changes
    assert [one.do.verb for one in told][-2:] == ["manager.leave", "uplink.move"]
    assert told[-2].do.args["devices"] == ("enp1s0", "gefyra0")
    assert "unmanaged links of gefyra0" not in changes(create("l2"))
    prepared = create("l2")
    moved = replace(
        after(prepared, VM),
        links=(replace(CARD, master="gefyra0"), Link(9, "gefyra0", CARD.mac, up=True, kind="bridge")),
        addresses=(Address("gefyra0", 4, "192.168.122.191", 24, flags=("permanent",)),),
        bridging=Bridging((Device("gefyra0", "wslnet:gefyra0"),), unmanaged=("gefyra0",)),
    )
    back = prepare_destroy(Answers(vm1=moved), "vm1", "gefyra0", lambda *_: None).plan.changes
    assert [one.do.verb for one in back][-3:] == ["uplink.move", "bridge.delete", "manager.return"]


@pytest.mark.row("S4-35", "S4-26", "S4-27")
def test_only_what_wslnet_made_for_the_net_is_taken_away() -> None:
    foreign = Link(9, "gefyra0", "52:54:00:00:00:09", up=True, kind="bridge")
    with pytest.raises(PlanRefused, match="not made by wslnet"):
        create(facts=replace(VM, links=(CARD, foreign)))
    with pytest.raises(InputError, match="has no net 'gefyra0'"):
        prepare_destroy(Answers(), "vm1", "gefyra0", lambda *_: None)
    prepared = create("routed", taps=1)
    made = changes(prepared)
    bridge = replace(foreign, mac=str(made["bridge gefyra0"].do.args["mac"]))
    tap = Link(10, "gefyra0-t0", str(made["tap gefyra0-t0"].do.args["mac"]), up=True, kind="tun")
    guest = Link(11, "vnet7", "fe:54:00:00:00:11", up=True, kind="tun", master="gefyra0")
    tags = Bridging((Device("gefyra0", "wslnet:gefyra0"), Device("gefyra0-t0", "wslnet:gefyra0")))
    there = replace(after(prepared, VM), links=(CARD, bridge, replace(tap, master="gefyra0")), bridging=tags)
    gone = prepare_destroy(Answers(vm1=there), "vm1", "gefyra0", lambda *_: None).plan.changes
    assert {one.action for one in gone} == {Action.REMOVE}
    assert [one.do.verb for one in gone] == ["marker.remove", "file.remove", "tap.delete", "bridge.delete"]
    with pytest.raises(PlanRefused, match="vnet7 is plugged into gefyra0"):
        prepare_destroy(
            Answers(vm1=replace(there, links=(*(there.links or ()), guest))),
            "vm1",
            "gefyra0",
            lambda *_: None,
        )


@pytest.mark.row("S4-34", "S4-32")
def test_the_same_wish_again_changes_nothing_and_another_one_is_refused() -> None:
    prepared = create("private")
    bridge = Link(
        9, "gefyra0", str(changes(prepared)["bridge gefyra0"].do.args["mac"]), up=True, kind="bridge"
    )
    there = replace(
        after(prepared, VM), links=(CARD, bridge), bridging=Bridging((Device("gefyra0", "wslnet:gefyra0"),))
    )
    assert create("private", there).plan.changes == ()
    with pytest.raises(PlanRefused, match="another one"):
        create("private", there, taps=1)
    with pytest.raises(PlanRefused, match="another one"):
        create("nat", there)
    lost = replace(there, links=(CARD,), bridging=Bridging())
    assert [one.do.verb for one in create("private", lost).plan.changes] == ["bridge.add"]
