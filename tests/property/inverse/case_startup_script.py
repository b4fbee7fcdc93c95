"""Start-up scripts of the local Group Policy: none, ours, somebody else's, in any order."""

from __future__ import annotations

from hypothesis import strategies as st

from wslnet.model.windows_facts import Boot, BootPlace, WindowsFacts
from wslnet.resources.startup_script import PolicyStartupScript
from wslnet_win_agent.boot.startup_script import StartupScript

RESOURCE = PolicyStartupScript
PLACE = BootPlace("C:\\x", "C:\\")
SCRIPTS = [StartupScript("a.exe", "-x"), StartupScript("a.exe", "-y"), StartupScript("b.cmd", "now")]
STATES = st.lists(st.sampled_from(SCRIPTS), unique=True).map(
    lambda found: WindowsFacts(boot=Boot("BOX\\me", "S-1-5-21-1", (), PLACE, PLACE, tuple(found)))
)
CASES = st.tuples(
    STATES,
    st.builds(
        PolicyStartupScript,
        st.just("windows"),
        st.just("a.exe"),
        st.sampled_from(["-x", "-y"]),
        st.just("law"),
        st.booleans(),
    ),
)
