"""Rules of Windows' own firewall: ours as declared, ours altered by hand, those of others and of a policy."""

from __future__ import annotations

from hypothesis import strategies as st

from wslnet.model.allow import Allow
from wslnet.model.windows_facts import HostRule, WindowsFacts
from wslnet.resources.host_rule import HostAllowRule

RESOURCE = HostAllowRule
SERVICE = r"%SystemRoot%\System32\svchost.exe"
SOURCES = st.sampled_from([(), ("172.24.21.0/24",), ("10.0.0.0/8", "172.24.21.0/24")])
PROFILES = st.sampled_from([(), ("Private", "Domain"), ("Public",)])
PROGRAMS = st.sampled_from([None, SERVICE])
RULES = st.builds(
    HostRule,
    name=st.sampled_from(["wslnet-publish-tcp-2200", "wslnet-publish-udp-53", "FPS-ICMP4-ERQ-In"]),
    display_name=st.sampled_from(["wslnet: tcp/2200@lan of Windows", "by hand"]),
    action=st.sampled_from(["Allow", "Block"]),
    profiles=PROFILES,
    protocol=st.sampled_from(["tcp", "udp"]),
    local_ports=st.sampled_from([("2200",), ("2200", "2201"), ()]),
    remote_addresses=SOURCES,
    program=PROGRAMS,
    service=st.sampled_from([None, "iphlpsvc"]),
    source=st.sampled_from(["Local", "Local", "GroupPolicy"]),
)
STATES = st.lists(RULES, max_size=3, unique_by=lambda rule: (rule.name, rule.source)).map(
    lambda rules: WindowsFacts(host_rules=tuple(rules))
)
RESOURCES = st.builds(
    HostAllowRule,
    st.just("windows"),
    st.just("publish"),
    st.sampled_from([Allow("tcp", 2200, "lan"), Allow("udp", 53)]),
    SOURCES,
    PROFILES,
    st.just("law"),
    program=PROGRAMS,
    service=st.sampled_from([None, "iphlpsvc"]),
    present=st.booleans(),
)
CASES = st.tuples(STATES, RESOURCES)
