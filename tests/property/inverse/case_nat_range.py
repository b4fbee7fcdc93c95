"""What WSL remembers of its NAT network: nothing, a range, half of one."""

from __future__ import annotations

from hypothesis import strategies as st

from wslnet.model.windows_facts import WindowsFacts
from wslnet.model.windows_wsl import NatOwner, WslNat
from wslnet.resources.nat_range import NatRange

RESOURCE = NatRange
NETWORKS = st.sampled_from(["172.23.96.0/20", "172.30.96.0/20"])
GATEWAYS = st.sampled_from(["172.23.96.1", "172.30.96.1"])
OWNERS = st.sampled_from([(), (NatOwner("S-1-5-21-1-2-3-1001", "172.23.102.37"),)])
STATES = st.builds(WslNat, st.none() | NETWORKS, st.none() | GATEWAYS, OWNERS).map(
    lambda found: WindowsFacts(wsl_nat=found)
)
CASES = st.tuples(STATES, st.builds(NatRange, st.just("windows"), NETWORKS, GATEWAYS, st.just("law")))
