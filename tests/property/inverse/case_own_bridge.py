"""Bridges of ours, of others and altered, with and without ports."""

from __future__ import annotations

from hypothesis import strategies as st

from wslnet.model.linux_facts import LinuxFacts
from wslnet.model.linux_network import Address, Bridging, Device, Link
from wslnet.resources.own_bridge import OwnBridge

RESOURCE = OwnBridge
MAC, OTHER = "52:54:00:01:02:03", "52:54:00:09:09:09"
PORT = Link(7, "odd-t0", "fe:54:00:01:02:03", up=True, kind="tun", master="odd0")


def _state(kind: str | None, alias: str | None, mac: str, address: str | None, port: bool) -> LinuxFacts:  # noqa: FBT001 - drawn
    if kind is None:
        return LinuxFacts(links=(), addresses=(), bridging=Bridging())
    link = Link(3, "odd0", mac, up=True, kind=kind)
    addresses = () if address is None else (Address("odd0", 4, address, 24),)
    devices = () if alias is None else (Device("odd0", alias),)
    return LinuxFacts(
        links=(link, PORT) if port else (link,), addresses=addresses, bridging=Bridging(devices)
    )


STATES = st.builds(
    _state,
    st.sampled_from([None, None, "bridge", "bridge", "veth"]),
    st.sampled_from(["wslnet:odd0", "wslnet:odd0", "wslnet:even0", None]),
    st.sampled_from([MAC, MAC, OTHER]),
    st.sampled_from(["192.168.223.1", "192.168.223.1", None]),
    st.booleans(),
)
WISHES = st.builds(
    OwnBridge,
    st.just("host"),
    st.just("odd0"),
    st.just(MAC),
    st.just("odd0"),
    st.just("law"),
    st.just(("192.168.223.1/24",)),
    st.just((("net.ipv4.conf.odd0.forwarding", "0"),)),
    present=st.booleans(),
)
CASES = st.tuples(STATES, WISHES)
