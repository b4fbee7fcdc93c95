"""POSTROUTING chains of people, libvirt and Docker, with our rule in them or not."""

from __future__ import annotations

from hypothesis import strategies as st

from wslnet.model.linux_facts import LinuxFacts
from wslnet.model.linux_network import Firewall
from wslnet.resources.masquerade import Masquerade

from .linux_model import BACKEND

RESOURCE = Masquerade
SUBNET = "192.168.223.0/24"
RULES = st.sampled_from(
    [
        f"-s {SUBNET} ! -d {SUBNET} -m comment --comment wslnet:net:odd0 -j MASQUERADE",
        f"-s {SUBNET} ! -d {SUBNET} -m comment --comment wslnet:net:even0 -j MASQUERADE",
        "-s 192.168.122.0/24 -d 224.0.0.0/24 -j RETURN",
        "-s 172.17.0.0/16 ! -o docker0 -j MASQUERADE",
        "-j LIBVIRT_PRT",
    ]
)


def _saved(rules: list[str]) -> LinuxFacts:
    lines = ["*nat", ":POSTROUTING ACCEPT [0:0]", ":LIBVIRT_PRT - [0:0]"]
    text = "\n".join([*lines, *(f"-A POSTROUTING {rule}" for rule in rules), "COMMIT"])
    return LinuxFacts(firewall=Firewall({BACKEND: {"4": text}}, BACKEND))


STATES = st.lists(RULES, max_size=5).map(_saved)
WISHES = st.builds(
    Masquerade,
    st.just("host"),
    st.just(SUBNET),
    st.just("wslnet:net:odd0"),
    st.just("law"),
    st.sampled_from([None, "eth0"]),
)
CASES = st.tuples(STATES, WISHES)
