"""portproxy rules: ours at WSL's address of now and of before, other people's, other listeners, IPv6."""

from __future__ import annotations

from hypothesis import strategies as st

from wslnet.model.windows_facts import PortProxy, WindowsFacts
from wslnet.resources.port_proxy import PortProxyRule

RESOURCE = PortProxyRule
LISTENS = st.sampled_from(["0.0.0.0", "127.0.0.1", "*"])
PORTS = st.sampled_from([2222, 8080])
TARGETS = st.sampled_from(["172.23.102.37", "172.23.99.9"])
FOUND = st.builds(PortProxy, st.sampled_from(["v4tov4", "v4tov6"]), LISTENS, PORTS, TARGETS, PORTS)
STATES = st.lists(
    FOUND, max_size=4, unique_by=lambda one: (one.family, one.listen_address, one.listen_port)
).map(lambda rules: WindowsFacts(portproxy=tuple(rules)))
RESOURCES = st.builds(
    PortProxyRule,
    st.just("windows"),
    LISTENS,
    PORTS,
    TARGETS,
    PORTS,
    st.just("law"),
    moves=st.booleans(),
    present=st.booleans(),
)
CASES = st.tuples(STATES, RESOURCES)
