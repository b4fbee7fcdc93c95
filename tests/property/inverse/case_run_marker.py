"""Markers of some runs."""

from __future__ import annotations

from hypothesis import strategies as st

from wslnet.model.linux_facts import DiskFiles, LinuxFacts
from wslnet.resources.run_marker import AbsentMarker

RESOURCE = AbsentMarker
RUNS = ("20250101T000000-000000Z", "20250202T000000-000000Z")
STATES = st.lists(st.sampled_from(RUNS), max_size=2, unique=True).map(
    lambda runs: LinuxFacts(files=DiskFiles(confirmed=tuple(sorted(runs))))
)
CASES = st.tuples(STATES, st.builds(AbsentMarker, st.just("host"), st.sampled_from(RUNS), st.just("law")))
