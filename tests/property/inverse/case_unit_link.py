"""A unit that is enabled or not, in a folder that is there or not."""

from __future__ import annotations

from hypothesis import strategies as st

from wslnet.model.linux_facts import Enabled, LinuxFacts, Persistence
from wslnet.resources.unit_link import UnitLink

RESOURCE = UnitLink
LINKS = st.sampled_from(
    [Enabled(unit=False, folder=False), Enabled(unit=False, folder=True), Enabled(unit=True, folder=True)]
)
STATES = st.builds(lambda link: LinuxFacts(persistence=Persistence(systemd=True, enabled=link)), LINKS)
CASES = st.tuples(STATES, st.builds(UnitLink, st.just("vm1"), st.just("law"), st.booleans()))
