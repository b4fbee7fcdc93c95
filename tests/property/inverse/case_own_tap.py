"""Taps of ours, of others and altered, of several owners."""

from __future__ import annotations

from hypothesis import strategies as st

from wslnet.model.linux_facts import LinuxFacts
from wslnet.model.linux_network import Bridging, Device, Link
from wslnet.resources.own_tap import OwnTap

RESOURCE = OwnTap
MAC = "fe:54:00:01:02:03"


def _state(kind: str | None, alias: str | None, owner: str | None, master: str | None) -> LinuxFacts:
    if kind is None:
        return LinuxFacts(links=(), bridging=Bridging())
    link = Link(3, "odd-t0", MAC, up=True, kind=kind, master=master)
    return LinuxFacts(links=(link,), bridging=Bridging((Device("odd-t0", alias, owner),)))


OWNERS = st.sampled_from([None, "1000", "1001"])
STATES = st.builds(
    _state,
    st.sampled_from([None, None, "tun", "tun", "veth"]),
    st.sampled_from(["wslnet:odd0", "wslnet:odd0", "wslnet:even0", None]),
    OWNERS,
    st.sampled_from(["odd0", "odd0", "virbr0", None]),
)


def _wish(found: LinuxFacts, owner: str | None, present: bool) -> tuple[LinuxFacts, OwnTap]:  # noqa: FBT001 - drawn
    # What is taken away is declared as it was made.
    made = found.device("odd-t0").owner if not present else owner
    return found, OwnTap("host", "odd-t0", MAC, "odd0", "odd0", "law", made, present)


CASES = st.builds(_wish, STATES, OWNERS, st.booleans()).filter(
    # One that somebody unplugged is taken away all the same; it comes back where it was declared.
    lambda drawn: drawn[1].present or all(one.master == "odd0" for one in drawn[0].links)
)
