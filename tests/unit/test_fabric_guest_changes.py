"""What Windows sends to a mirrored guest when a card changes, as no recording has it (wsl-guest-facts 1)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from wslnet_lab.fabric.guest.events import AddressChange, LinkState, LoopbackRoute, RouteChange
from wslnet_lab.fabric.guest.mirrored import changes
from wslnet_lab.fabric.model import Nic, Route

DEVICE = "eth3"
CARD = Nic(
    "ethernet",
    "1c:83:41:cf:a8:7c",
    ("192.168.1.50/24", "192.168.1.51/24", "2001:db8::50/64"),
    gateway="192.168.1.1",
    metric=35,
    routes=(Route("10.0.0.0/8", "192.168.1.9", 40),),
)


def addresses(after: Nic, *, own: bool = False) -> list[tuple[str, str]]:
    found = changes(CARD, after, DEVICE, own=own)
    return [(one.change, one.address) for one in found if isinstance(one, AddressChange)]


def routes(after: Nic) -> list[tuple[str, str, int]]:
    found = changes(CARD, after, DEVICE)
    return [(one.change, one.dst, one.metric) for one in found if isinstance(one, RouteChange)]


@pytest.mark.parametrize("after", [replace(CARD, mtu=1300), replace(CARD, metric=5)], ids=["mtu", "metric"])
def test_another_mtu_or_metric_sends_the_link_and_all_addresses_again(after: Nic) -> None:
    found = changes(CARD, after, DEVICE)
    assert found[0] == LinkState(DEVICE, connected=True, mtu=after.mtu, mirrored=True)
    assert addresses(after) == [("Update", text) for text in CARD.addresses]


def test_another_metric_moves_every_route_of_the_card() -> None:
    found = routes(replace(CARD, metric=5))
    assert ("Remove", "0.0.0.0/0", 35) in found
    assert ("Remove", "192.168.1.0/24", 291) in found
    assert ("Add", "0.0.0.0/0", 5) in found
    assert ("Add", "192.168.1.0/24", 261) in found
    assert ("Update", "10.0.0.0/8", 40) in found
    assert max(at for at, one in enumerate(found) if one[0] == "Remove") < found.index(
        ("Add", "0.0.0.0/0", 5)
    )


def test_an_added_address_sends_all_of_them_again() -> None:
    after = replace(CARD, addresses=(*CARD.addresses, "192.168.1.52/24"))
    assert addresses(after) == [
        *(("Update", text) for text in CARD.addresses),
        ("Add", "192.168.1.52/24"),
    ]


def test_a_removed_address_leaves_the_others_alone() -> None:
    """Only an added one makes Windows send all again; routes come again with any change."""
    after = replace(CARD, addresses=CARD.addresses[1:])
    assert addresses(after) == [("Remove", "192.168.1.50/24")]
    assert {change for change, _, _ in routes(after)} == {"Update"}


def test_another_prefix_is_another_address() -> None:
    after = replace(CARD, addresses=("192.168.1.50/25", *CARD.addresses[1:]))
    assert addresses(after)[:2] == [("Remove", "192.168.1.50/24"), ("Add", "192.168.1.50/25")]
    assert ("Add", "192.168.1.0/25", 291) in routes(after)


def test_a_card_renumbered_with_another_mtu_keeps_no_old_address() -> None:
    after = replace(CARD, addresses=("10.9.0.5/16",), gateway="10.9.0.1", mtu=1400, routes=())
    assert addresses(after) == [
        *(("Remove", text) for text in CARD.addresses),
        ("Add", "10.9.0.5/16"),
    ]
    assert ("Remove", "0.0.0.0/0", 35) in routes(after)
    assert routes(after)[-1] == ("Add", "0.0.0.0/0", 35)


def test_host_addresses_follow_with_the_key_only() -> None:
    after = replace(CARD, addresses=("192.168.1.77/24",))
    with_key = [one for one in changes(CARD, after, DEVICE, own=True) if isinstance(one, LoopbackRoute)]
    assert [(one.change, one.address) for one in with_key] == [
        *(("Remove", text.partition("/")[0]) for text in CARD.addresses),
        ("Add", "192.168.1.77"),
    ]
    assert not any(isinstance(one, LoopbackRoute) for one in changes(CARD, after, DEVICE))


def test_the_smallest_metric_is_one() -> None:
    assert ("Add", "0.0.0.0/0", 1) in routes(replace(CARD, metric=0))


def test_no_change_sends_nothing() -> None:
    assert changes(CARD, CARD, DEVICE) == []
    down = replace(CARD, connected=False)
    assert changes(down, replace(down, mtu=1300), DEVICE) == []
