"""The default inbound action: left to Windows, unset again, or set by an administrator."""

from __future__ import annotations

from hypothesis import strategies as st

from wslnet.model.windows_facts import WindowsFacts
from wslnet.resources.hyperv_setting import HyperVDefaultInbound

from .windows_model import UNSET, firewall_with

RESOURCE = HyperVDefaultInbound
STATES = st.sampled_from([None, UNSET, "Allow", "Block"]).map(
    lambda stored: WindowsFacts(hyperv_firewall=firewall_with(stored))
)
CASES = st.tuples(
    STATES,
    st.builds(HyperVDefaultInbound, st.just("windows"), st.sampled_from(["Allow", "Block"]), st.just("law")),
)
