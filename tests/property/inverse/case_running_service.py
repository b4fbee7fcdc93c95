"""A service of Windows in every state and with every start, as it is to run."""

from __future__ import annotations

from hypothesis import strategies as st

from wslnet.model.windows_facts import Service, WindowsFacts
from wslnet.resources.running_service import RunningService

RESOURCE = RunningService
STARTS = st.sampled_from(["Automatic", "Manual", "Disabled"])
RUNS = st.sampled_from(["Running", "Stopped"])
STATES = st.builds(
    lambda hns, shared: WindowsFacts(services=(Service("hns", *hns), Service("SharedAccess", *shared))),
    st.tuples(RUNS, STARTS),
    st.tuples(RUNS, STARTS),
)
CASES = st.tuples(
    STATES,
    st.builds(
        RunningService,
        st.just("windows"),
        st.sampled_from(["hns", "SharedAccess"]),
        st.sampled_from(["Automatic", "Manual"]),
        st.just("law"),
        restarts=st.booleans(),
    ),
)
