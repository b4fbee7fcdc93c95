"""Dynamic ports of Windows: where they should be, moved down, of one protocol only, not told."""

from __future__ import annotations

from hypothesis import strategies as st

from wslnet.model.windows_facts import PortRanges, WindowsFacts
from wslnet.resources.dynamic_ports import DynamicPorts

RESOURCE = DynamicPorts
PROTOCOLS = st.sampled_from(["tcp", "udp"])
RANGES = st.sampled_from([(49152, 65535), (1024, 65535), (10000, 60000)])
STATES = st.builds(
    lambda tcp, udp: WindowsFacts(
        port_ranges=(PortRanges("tcp", dynamic=tcp), PortRanges("udp", dynamic=udp))
    ),
    st.none() | RANGES,
    st.none() | RANGES,
)
CASES = st.tuples(
    STATES,
    st.builds(
        lambda proto, ports: DynamicPorts("windows", proto, ports[0], ports[1], "law"),
        PROTOCOLS,
        RANGES,
    ),
)
