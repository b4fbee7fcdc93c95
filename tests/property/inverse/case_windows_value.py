"""The two numbers of the registry without which there is no mirrored mode: absent, as wished, otherwise."""

from __future__ import annotations

from hypothesis import strategies as st

from wslnet.model.windows_facts import Registry, WindowsFacts
from wslnet.resources.windows_value import FIREWALL_DISABLE, IPV6_COMPONENTS, WindowsValue

RESOURCE = WindowsValue
NUMBERS = st.none() | st.sampled_from([0, 1, 0x20, 0xFF])
STATES = st.builds(Registry, NUMBERS, NUMBERS).map(lambda found: WindowsFacts(registry=found))
CASES = st.tuples(
    STATES,
    st.builds(
        WindowsValue,
        st.just("windows"),
        st.sampled_from([IPV6_COMPONENTS, FIREWALL_DISABLE]),
        NUMBERS,
        st.just("law"),
    ),
)
