"""Routes of WSL to two prefixes, with ours beside them or not."""

from __future__ import annotations

from hypothesis import strategies as st

from wslnet.model.linux_facts import LinuxFacts
from wslnet.model.linux_network import Route
from wslnet.resources.source_route import SourceRoute
from wslnet.resources.static_route import OWN_PROTOCOL

RESOURCE = SourceRoute
PREFIXES = st.sampled_from(["10.9.0.0/24", "172.24.21.0/24"])
CARDS = st.sampled_from(["eth0", "eth1"])
SOURCES = st.sampled_from(["10.9.0.50", "10.9.0.51"])
_LEAST = 256
WSLS = st.builds(Route, st.just(4), PREFIXES, dev=CARDS, proto=st.just(2), metric=st.integers(_LEAST, 300))
OURS = st.builds(
    Route, st.just(4), PREFIXES, dev=CARDS, src=SOURCES, proto=st.just(OWN_PROTOCOL), metric=st.integers(1, 3)
)
STATES = st.lists(st.one_of(WSLS, OURS), max_size=5, unique_by=lambda one: (one.dst, one.metric)).map(
    lambda routes: LinuxFacts(routes=tuple(routes))
)
# The kernel knows a route by destination and metric: another card's has another metric.
WISHES = st.builds(SourceRoute, st.just("wsl"), PREFIXES, CARDS, SOURCES, st.integers(4, 9), st.just("law"))
CASES = st.tuples(STATES, WISHES)
