"""Networks whose DHCP keeps addresses for cards: ours, the same card's, another's, in one half or both."""

from __future__ import annotations

from hypothesis import strategies as st

from wslnet.model.guest_facts import LibvirtNetwork, PinnedLease
from wslnet.model.linux_facts import LinuxFacts
from wslnet.resources.lease_pin import LeasePin

RESOURCE = LeasePin
MAC, ADDRESS = "52:54:00:fc:38:e0", "192.168.122.191"
HOSTS = st.lists(
    st.sampled_from(
        [
            PinnedLease(MAC, ADDRESS),
            PinnedLease("52:54:00:00:00:01", "192.168.122.7"),
            PinnedLease("52:54:00:00:00:02", "192.168.122.8"),
            PinnedLease(MAC, "192.168.122.9"),
        ]
    ),
    max_size=3,
    unique=True,
).map(tuple)
NETWORKS = st.builds(
    LibvirtNetwork, st.sampled_from(["default", "office"]), st.booleans(), hosts=HOSTS, live_hosts=HOSTS
)
STATES = st.lists(NETWORKS, max_size=2, unique_by=lambda one: one.name).map(
    lambda found: LinuxFacts(networks=tuple(found))
)
CASES = st.tuples(STATES, st.just(LeasePin("wsl", "default", MAC, ADDRESS, "law")))
