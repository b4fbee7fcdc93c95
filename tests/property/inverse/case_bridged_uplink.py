"""A card with addresses and routes, and the bridge that takes them over or gives them back."""

from __future__ import annotations

from hypothesis import strategies as st

from wslnet.model.linux_facts import LinuxFacts
from wslnet.model.linux_network import Address, Link, Route
from wslnet.resources.bridged_uplink import BridgedUplink

RESOURCE = BridgedUplink
OWN = "192.168.7.1/24"
"""The bridge's, which stays on it."""

ADDRESSES = st.lists(st.sampled_from(["192.168.1.5", "192.168.1.6", "10.9.0.3"]), max_size=3, unique=True)
ROUTES = st.lists(st.sampled_from(["default", "10.8.0.0/16"]), max_size=2, unique=True)


def _state(addresses: list[str], routes: list[str], bridged: bool) -> LinuxFacts:  # noqa: FBT001 - drawn
    holder = "br0" if bridged else "eth0"
    return LinuxFacts(
        links=(
            Link(2, "eth0", "52:54:00:01:01:01", up=True, master="br0" if bridged else None),
            Link(3, "br0", "52:54:00:01:01:01", up=True, kind="bridge"),
        ),
        addresses=(
            *(Address(holder, 4, one, 24) for one in addresses),
            Address("br0", 4, OWN.partition("/")[0], 24),
            Address("virbr0", 4, "192.168.122.1", 24),
        ),
        routes=(
            *(Route(4, one, "192.168.1.1", holder) for one in routes),
            Route(4, "192.168.7.0/24", None, "br0", proto=2),
            Route(4, "10.7.0.0/16", "192.168.7.9", "br0"),
            Route(4, "192.168.122.0/24", None, "virbr0", proto=2),
        ),
    )


WISHES = st.builds(BridgedUplink, st.just("host"), st.just("eth0"), st.just("br0"), st.just("law"),
                   keep=st.just((OWN,)), present=st.booleans())  # fmt: skip
CASES = st.tuples(st.builds(_state, ADDRESSES, ROUTES, st.booleans()), WISHES)
