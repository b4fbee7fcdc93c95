"""What a machine keeps, taken away as a whole."""

from __future__ import annotations

from hypothesis import strategies as st

from wslnet.model.linux_facts import LinuxFacts, Owned
from wslnet.resources.nothing_kept import NothingKept

from .case_kept_thing import ITEMS

RESOURCE = NothingKept
STATES = st.builds(lambda items, agent: LinuxFacts(owned=Owned(agent, tuple(items))), ITEMS, st.booleans())
CASES = st.tuples(STATES, st.builds(NothingKept, st.just("vm1"), st.just("law")))
