"""Cards that are up, down, or not there."""

from __future__ import annotations

from hypothesis import strategies as st

from wslnet.model.linux_facts import LinuxFacts
from wslnet.model.linux_network import Link
from wslnet.resources.raised_link import RaisedLink

RESOURCE = RaisedLink
LINKS = st.lists(
    st.builds(Link, st.just(2), st.sampled_from(["eth0", "eth1", "virbr0"]), up=st.booleans()),
    max_size=3,
    unique_by=lambda one: one.name,
)
STATES = LINKS.map(lambda links: LinuxFacts(links=tuple(links)))
CASES = st.tuples(
    STATES, st.builds(RaisedLink, st.just("wsl"), st.sampled_from(["eth0", "eth1"]), st.just("law"))
)
