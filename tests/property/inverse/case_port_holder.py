"""Ports held and not held, and programs that have one already."""

from __future__ import annotations

from hypothesis import strategies as st

from wslnet.model.linux_facts import LinuxFacts
from wslnet.model.linux_network import HeldPort, Listener
from wslnet.resources.port_holder import PortHolder

RESOURCE = PortHolder
PROTOS = st.sampled_from(["tcp", "udp"])
PORTS = st.sampled_from([2222, 5353])
HELD = st.lists(st.builds(HeldPort, PROTOS, PORTS), unique=True, max_size=3)
LISTENERS = st.lists(
    st.builds(Listener, PROTOS, st.just(4), st.just("0.0.0.0"), PORTS, st.just("nginx")),
    max_size=1,
)
STATES = st.builds(
    lambda held, found: LinuxFacts(holders=tuple(held), listeners=tuple(found)), HELD, st.just([]) | LISTENERS
)
CASES = st.tuples(
    STATES, st.builds(PortHolder, st.just("wsl"), PROTOS, PORTS, st.just("law"), present=st.booleans())
)
