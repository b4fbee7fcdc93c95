"""Switches of a machine, the ones that turn others among them."""

from __future__ import annotations

from hypothesis import strategies as st

from wslnet.model.linux_facts import LinuxFacts
from wslnet.resources.sysctl import Sysctl

RESOURCE = Sysctl
BITS = st.sampled_from(["0", "1"])
KEYS = (
    "net.ipv4.ip_forward",
    "net.ipv4.conf.all.accept_redirects",
    "net.ipv4.conf.default.forwarding",
    "net.ipv4.conf.eth0.forwarding",
    "net.ipv4.conf.eth1/100.forwarding",
    "net.ipv4.conf.eth0.rp_filter",
    "net.ipv6.conf.eth0.forwarding",
)
# `all.forwarding` is the same switch as ip_forward.
STATES = st.dictionaries(st.sampled_from(KEYS), BITS).map(
    lambda values: LinuxFacts(
        sysctls=values | ({"net.ipv4.conf.all.forwarding": values[KEYS[0]]} if KEYS[0] in values else {})
    )
)
RESOURCES = st.builds(Sysctl, st.just("host"), st.sampled_from(KEYS), BITS, st.just("law"))
CASES = st.tuples(STATES, RESOURCES)
