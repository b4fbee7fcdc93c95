"""A NetworkManager that was told of some nets, or none at all."""

from __future__ import annotations

from hypothesis import strategies as st

from wslnet.model.linux_facts import LinuxFacts
from wslnet.model.linux_network import Bridging
from wslnet.resources.unmanaged_links import UnmanagedLinks

RESOURCE = UnmanagedLinks
TOLD = st.none() | st.lists(st.sampled_from(["odd0", "even0"]), max_size=2, unique=True).map(
    lambda names: tuple(sorted(names))
)
STATES = TOLD.map(lambda names: LinuxFacts(bridging=Bridging(unmanaged=names)))
LINKS = ("eth0", "odd0")
WISHES = st.booleans().map(lambda present: UnmanagedLinks("host", "odd0", LINKS, "law", present))
CASES = st.tuples(STATES, WISHES)
