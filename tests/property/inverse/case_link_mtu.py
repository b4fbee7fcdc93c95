"""Cards of any MTU, or none of that name."""

from __future__ import annotations

from hypothesis import strategies as st

from wslnet.model.linux_facts import LinuxFacts
from wslnet.model.linux_network import Link
from wslnet.resources.link_mtu import LinkMtu

RESOURCE = LinkMtu
MTUS = st.sampled_from([0, 1280, 1400, 1500])
LINKS = st.lists(
    st.builds(Link, st.just(2), st.sampled_from(["eth0", "eth1", "virbr0"]), mtu=MTUS),
    max_size=3,
    unique_by=lambda one: one.name,
)
STATES = LINKS.map(lambda links: LinuxFacts(links=tuple(links)))
WISHES = st.builds(
    LinkMtu, st.just("wsl"), st.sampled_from(["eth0", "eth1"]), MTUS.filter(bool), st.just("law")
)
CASES = st.tuples(STATES, WISHES)
