"""Routes of ours and of others, to the same destination and elsewhere, by any metric."""

from __future__ import annotations

from hypothesis import strategies as st

from wslnet.model.linux_facts import LinuxFacts
from wslnet.model.linux_network import Route
from wslnet.resources.static_route import OWN_PROTOCOL, StaticRoute

RESOURCE = StaticRoute
DSTS = st.sampled_from(["192.168.124.0/24", "10.0.0.0/8", "default"])
VIAS = st.sampled_from(["192.168.122.191", "192.168.122.7"])
DEVS = st.sampled_from(["eth0", "eth1"])
ROUTES = st.builds(
    Route,
    family=st.just(4),
    dst=DSTS,
    via=VIAS,
    dev=DEVS,
    table=st.sampled_from([254, 100]),
    proto=st.sampled_from([OWN_PROTOCOL, OWN_PROTOCOL, 3, 16]),
    metric=st.sampled_from([0, 0, 100]),
    src=st.sampled_from([None, None, "192.168.122.1"]),
    flags=st.sampled_from([(), (), ("onlink",), ("linkdown",)]),
)
STATES = st.lists(ROUTES, max_size=4, unique_by=lambda one: (one.dst, one.table, one.metric)).map(
    lambda routes: LinuxFacts(routes=tuple(sorted(routes, key=lambda one: one.metric)))
)
RESOURCES = st.builds(StaticRoute, st.just("host"), st.just("192.168.124.0/24"), VIAS, DEVS, st.just("law"))
CASES = st.tuples(STATES, RESOURCES)
