"""Cards with the address, with another one, without any; and a machine whose start is not known."""

from __future__ import annotations

from hypothesis import strategies as st

from wslnet.model.linux_facts import Identity, LinuxFacts
from wslnet.model.linux_network import Address, Link
from wslnet.resources.copied_address import CopiedAddress

RESOURCE = CopiedAddress
CARDS = st.sampled_from(["eth0", "eth1"])
TEXTS = st.sampled_from(["172.24.21.109", "10.31.9.174"])
ADDRESSES = st.lists(
    st.builds(Address, CARDS, st.just(4), TEXTS, st.just(24)), max_size=2, unique_by=lambda one: one.address
)
IDENTITY = Identity("wsl", "6.6", "b0075", "3.11", 0)
STATES = st.builds(
    lambda links, addresses, identity: LinuxFacts(
        identity=identity,
        links=tuple(Link(at, name, up=True) for at, name in enumerate(links, 2)),
        addresses=tuple(addresses),
    ),
    st.lists(CARDS, max_size=2, unique=True),
    ADDRESSES,
    st.sampled_from([IDENTITY, IDENTITY, None]),
)
CASES = st.tuples(STATES, st.builds(CopiedAddress, st.just("wsl"), CARDS, TEXTS, st.just(24), st.just("law")))
