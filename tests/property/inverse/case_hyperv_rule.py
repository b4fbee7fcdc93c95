"""Hyper-V rules: ours as declared, ours altered by hand, and those of others."""

from __future__ import annotations

from hypothesis import strategies as st

from wslnet.model.allow import Allow
from wslnet.model.windows_facts import HyperVRule, WindowsFacts
from wslnet.resources.hyperv_rule import WSL_CREATOR, HyperVAllowRule

from .windows_model import firewall_with

RESOURCE = HyperVAllowRule
SOURCES = st.sampled_from([(), ("172.24.21.0/24",), ("Any",), ("10.0.0.0/8", "172.24.21.0/24")])
PROFILES = st.sampled_from([(), ("Private", "Domain"), ("Any",)])
RULES = st.builds(
    HyperVRule,
    name=st.sampled_from(["wslnet-allow-tcp-8080", "wslnet-allow-udp-53", "{WSL-ICMP}"]),
    display_name=st.sampled_from(["wslnet: tcp/8080 into WSL", "by hand"]),
    direction=st.sampled_from(["Inbound", "Outbound"]),
    action=st.sampled_from(["Allow", "Block"]),
    enabled=st.booleans(),
    protocol=st.sampled_from(["TCP", "6", "UDP"]),
    local_ports=st.sampled_from([("8080",), ("8080", "8081"), ()]),
    remote_addresses=SOURCES,
    profiles=PROFILES,
    creator=st.just(WSL_CREATOR),
)
STATES = st.lists(RULES, max_size=3, unique_by=lambda rule: rule.name).map(
    lambda rules: WindowsFacts(hyperv_firewall=firewall_with(None, tuple(rules)))
)
RESOURCES = st.builds(
    HyperVAllowRule,
    st.just("windows"),
    st.sampled_from([Allow("tcp", 8080), Allow("udp", 53, "lan")]),
    SOURCES.filter(lambda one: one != ("Any",)),
    PROFILES.filter(lambda one: one != ("Any",)),
    st.just("law"),
    present=st.booleans(),
)
CASES = st.tuples(STATES, RESOURCES)
