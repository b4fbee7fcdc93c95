"""What a machine keeps: nothing, other things, the same by an earlier run, with what stood there before."""

from __future__ import annotations

from hypothesis import strategies as st

from wslnet.model.change import Op
from wslnet.model.linux_facts import LinuxFacts, Owned, OwnedItem
from wslnet.resources.kept_thing import KeptThing

RESOURCE = KeptThing
NAMES = st.sampled_from(["route 192.168.124.0/24", "sysctl net.ipv4.ip_forward", "forward a -> b"])
RUNS = st.sampled_from(["20250101T000000-000000Z", "20250202T000000-000000Z"])
DOS = st.sampled_from(
    [
        Op("sysctl.set", {"key": "net.ipv4.ip_forward", "value": "1"}),
        Op("rule.insert", {"chain": "FORWARD", "spec": ("-j", "ACCEPT"), "position": 1}),
    ]
)
JSON = st.one_of(st.none(), DOS.map(lambda op: {"verb": op.verb, "args": dict(op.args)}))
BEFORE = st.one_of(st.none(), st.builds(lambda run, do: {"run": run, "do": do}, RUNS, JSON))
ITEMS = st.lists(st.builds(OwnedItem, NAMES, RUNS, JSON, BEFORE), max_size=3, unique_by=lambda one: one.name)


def _state(items: list[OwnedItem], agent: bool, problem: str | None) -> LinuxFacts:  # noqa: FBT001 - drawn
    return LinuxFacts(owned=Owned(agent, tuple(items), problem))


STATES = st.builds(_state, ITEMS, st.booleans(), st.sampled_from([None, None, None, "damaged"]))
THINGS = st.builds(
    KeptThing, st.just("vm1"), NAMES, DOS | st.none(), st.just("law"), agent_comes=st.booleans()
)
CASES = st.tuples(STATES, THINGS)
