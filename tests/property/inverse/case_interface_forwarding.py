"""Interfaces of both families, forwarding or not."""

from __future__ import annotations

from hypothesis import strategies as st

from wslnet.model.windows_facts import Interface, WindowsFacts
from wslnet.resources.interface_forwarding import InterfaceForwarding

RESOURCE = InterfaceForwarding
INTERFACES = st.builds(
    Interface,
    index=st.sampled_from([7, 12]),
    alias=st.just("vEthernet (WSL)"),
    family=st.sampled_from([4, 6]),
    forwarding=st.booleans(),
)
STATES = st.lists(INTERFACES, max_size=4, unique_by=lambda one: (one.index, one.family)).map(
    lambda found: WindowsFacts(interfaces=tuple(found))
)
RESOURCES = st.builds(
    InterfaceForwarding,
    st.just("windows"),
    st.sampled_from([7, 12]),
    st.just("vEthernet (WSL)"),
    st.just("law"),
    st.sampled_from([4, 6]),
    st.booleans(),
)
CASES = st.tuples(STATES, RESOURCES)
