"""The mirrored guest after events in orders that nobody recorded, judged by the rules of wsl-guest-facts 2.

Cards come in any order, go, come back, are renumbered, lose their cable or get another metric; after each
event rules, tables, routes, flags, neighbours, sysctls and chains are those that the facts give for the cards
that are there.
"""

from __future__ import annotations

import ipaddress
import json
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from wslnet_lab.fabric import links
from wslnet_lab.fabric.guest import events, mirrored
from wslnet_lab.fabric.guest.service import Guest
from wslnet_lab.fabric.model import Nic, PortBlock
from wslnet_lab.fabric.netns import Namespace

if TYPE_CHECKING:
    from tests.lab.fabric.conftest import World

pytestmark = pytest.mark.lab

BLOCK = PortBlock()
LOOPBACK = "loopback0"
NEXT_HOP = "169.254.73.249"
FAR_MAC = "00:11:22:33:44:55"
CARDS = (
    Nic("wifi", "a4:c3:f0:11:22:33", ("192.168.1.50/24", "2001:db8:1::50/64"), "192.168.1.1", 35),
    Nic("ethernet", "e8:6a:64:aa:bb:cc", ("10.20.0.77/16",), "10.20.0.1", 25),
    Nic("vpn", "02:00:4c:4f:4f:50", ("10.99.0.5/32",), None, 1, mtu=1400),
)
# No two cards with the same one: what the service then does with two default routes is not known.
METRICS = {"wifi": (0, 7, 51), "ethernet": (6, 25, 52), "vpn": (3, 8)}


class Mirror:
    """A guest and the cards that it has, by their name in it, in the order in which they came."""

    def __init__(self, guest: str, far: str) -> None:
        self.guest = Guest(guest)
        self.far = far
        self.cards: dict[str, Nic] = {}
        self.linked = False
        self.plug(LOOPBACK, "00:15:5d:00:00:01")
        self.guest.apply(
            events.Boot("10.255.255.254"),
            events.SetupIpv6(),
            events.GlobalFilter(),
            events.Card(LOOPBACK),
            events.Loopback(LOOPBACK),
        )

    def plug(self, device: str, mac: str) -> None:
        with Namespace(self.guest.namespace) as ns, Namespace(self.far) as far:
            links.lay_cable(far, f"pc-{device}", ns, Nic(device, mac))
            far.netlink("link", "set", index=far.require(f"pc-{device}"), state="up")

    def add(self, nic: Nic) -> None:
        device = next(name for n in range(9) if (name := f"eth{n}") not in self.cards)
        self.plug(device, nic.mac)
        self.guest.apply(*mirrored.add_card(nic, device, BLOCK))
        self.linked = True
        self.cards[device] = nic

    def remove(self, device: str) -> None:
        self.guest.apply(events.CardFilter(device, None))
        with Namespace(self.guest.namespace) as ns:
            links.remove(ns, device)
        del self.cards[device]

    def change(self, device: str, after: Nic) -> None:
        self.guest.apply(*mirrored.changes(self.cards[device], after, device))
        self.cards[device] = after

    def asked(self, *words: str) -> Any:
        with Namespace(self.guest.namespace) as ns:
            return json.loads(ns.run(["ip", "-j", *words]) or "[]")


def demand_rules(mirror: Mirror) -> None:
    shown = [
        (one["priority"], one.get("iif"), one.get("ipproto"), one["table"])
        for one in mirror.asked("-4", "rule")
    ]
    delivery = [(0, dev, proto, "local") for dev in (LOOPBACK, *mirror.cards) for proto in ("tcp", "udp")]
    tables = [(1, None, proto, table) for table in ("127", "128") for proto in ("tcp", "udp")]
    assert shown == [*delivery, *tables, (2, None, None, "local"), *END]
    assert [one["priority"] for one in mirror.asked("-6", "rule")] == [0, 32766]


END = [(32766, None, None, "main"), (32767, None, None, "default")]


def demand_tables(mirror: Mirror) -> None:
    (loopback,) = mirror.asked("-4", "route", "show", "table", "127")
    assert (loopback["dst"], loopback["gateway"], loopback["dev"]) == ("127.0.0.1", NEXT_HOP, LOOPBACK)
    assert loopback["prefsrc"] == "127.0.0.1"
    assert "onlink" in loopback["flags"]
    everywhere = mirror.asked("-4", "route", "show", "table", "all", "dev", LOOPBACK)
    assert [(one["dst"], one["table"]) for one in everywhere] == [("127.0.0.1", "127")]
    wanted = []
    for device, nic in mirror.cards.items():
        if not nic.connected:
            continue
        metric = max(nic.metric, 1)
        networks = [ipaddress.ip_interface(text).network for text in nic.addresses if ":" not in text]
        wanted += [(device, str(one), None, 256 + metric) for one in networks if one.prefixlen < 32]
        if nic.gateway is not None:
            wanted += [(device, nic.gateway, None, metric), (device, "default", nic.gateway, metric)]
    main = mirror.asked("-4", "route")
    shown = [(one["dev"], one["dst"], one.get("gateway"), one["metric"]) for one in main]
    assert sorted(shown, key=str) == sorted(wanted, key=str)
    assert all(one["protocol"] == "kernel" for one in main)
    assert all("onlink" in one["flags"] for one in main if one["dst"] == "default")


def demand_addresses(mirror: Mirror) -> None:
    for device, nic in mirror.cards.items():
        (link,) = mirror.asked("addr", "show", "dev", device)
        shown = {f"{one['local']}/{one['prefixlen']}": one for one in link["addr_info"]}
        assert set(shown) == (set(nic.addresses) if nic.connected else set())
        assert all(one["noprefixroute"] for one in shown.values())
        # What Windows says of a card without a cable is not known.
        assert link["mtu"] == nic.mtu or not nic.connected
        assert ("UP" in link["flags"]) is nic.connected
    (loopback,) = mirror.asked("addr", "show", "dev", LOOPBACK)
    assert loopback["addr_info"] == []
    fixed = [one for one in mirror.asked("neigh") if "PERMANENT" in one["state"]]
    assert [(one["dst"], one["dev"], one["lladdr"]) for one in fixed] == [(NEXT_HOP, LOOPBACK, FAR_MAC)]


def demand_filters(mirror: Mirror) -> None:
    with Namespace(mirror.guest.namespace) as ns:
        for family in ("ip", "ip6"):
            text = ns.run(["nft", "list", "chain", family, "nat", "WSLPOSTROUTING"])
            lines = [line.split() for line in text.splitlines() if "masquerade" in line]
            wanted = [(f'"{device}"', proto) for device in mirror.cards for proto in ("udp", "tcp")]
            assert [(line[1], line[2]) for line in lines] == wanted
            assert all(line[-1] == f":{BLOCK.first}-{BLOCK.last}" for line in lines)
            assert "meta mark set 0x00000001" in ns.run(
                ["nft", "list", "chain", family, "filter", "WSLOUTPUT"]
            )
        for device in (LOOPBACK, *mirror.cards):
            for key in ("accept_local", "route_localnet"):
                assert ns.read_sysctl(f"ipv4/conf/{device}/{key}") == "1"
        assert ns.read_sysctl("ipv4/conf/all/rp_filter") == "0"
        assert ns.read_sysctl("ipv4/conf/default/arp_filter") == ("1" if mirror.linked else "0")
        assert ns.read_sysctl("ipv4/ip_forward") == "0"
        assert ns.read_sysctl("ipv4/conf/default/route_localnet") == "0"


def demand_all(mirror: Mirror) -> None:
    demand_rules(mirror)
    demand_tables(mirror)
    demand_addresses(mirror)
    demand_filters(mirror)


def other(random: Random, nic: Nic) -> Nic:
    """The card with something else about it."""
    host = random.randrange(2, 250)
    if nic.gateway is None:
        renumbered = replace(nic, addresses=(f"10.99.0.{host}/32",))
    else:
        gateway = ipaddress.ip_address(nic.gateway)
        renumbered = replace(nic, addresses=(f"{gateway + host}/{random.choice((24, 16))}",))
    return random.choice(
        (
            renumbered,
            replace(renumbered, mtu=random.choice((1300, 1400, 1500))),
            replace(nic, metric=random.choice(METRICS[nic.device])),
            replace(nic, mtu=random.choice((1280, 1420))),
            replace(nic, connected=not nic.connected),
            replace(nic, addresses=(*nic.addresses, f"10.{host}.0.{host}/24")),
        )
    )


@pytest.mark.parametrize(
    "seed", [*range(4), *(pytest.param(seed, marks=pytest.mark.full) for seed in range(4, 60))]
)
def test_the_guest_is_what_the_facts_say_after_any_order_of_events(seed: int, empty: World) -> None:
    guest, far = empty.add("guest"), empty.add("far")
    empty.sysctl("far", "ipv6/conf/default/disable_ipv6", 1)
    random = Random(seed)  # noqa: S311 - cases, not secrets
    mirror = Mirror(guest, far)
    demand_all(mirror)
    waiting = list(CARDS)
    random.shuffle(waiting)
    for _ in range(14):
        kind = random.random()
        if waiting and (kind < 0.35 or not mirror.cards):
            mirror.add(waiting.pop())
        elif kind < 0.5:
            device = random.choice(list(mirror.cards))
            waiting.insert(0, replace(mirror.cards[device], connected=True))
            mirror.remove(device)
        else:
            device = random.choice(list(mirror.cards))
            mirror.change(device, other(random, mirror.cards[device]))
        demand_all(mirror)
