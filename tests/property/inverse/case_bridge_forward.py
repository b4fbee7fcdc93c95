"""The FORWARD chains of `case_forward_accept`, asked about the guests of a bridge."""

from __future__ import annotations

from hypothesis import strategies as st

from wslnet.resources.bridge_forward import BridgeForward, Way

from .case_forward_accept import STATES

RESOURCE = BridgeForward
WISHES = st.builds(
    BridgeForward,
    st.just("host"),
    st.just("odd0"),
    st.sampled_from(["192.168.223.0/24", "192.168.122.0/24"]),
    st.sampled_from(["eth0", "virbr0"]),
    st.sampled_from(Way),
    st.just("wslnet:net:odd0"),
    st.just("law"),
)
CASES = st.tuples(STATES, WISHES)
