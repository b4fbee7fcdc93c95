"""The data of the boot tasks: not there, there, and as somebody else could change it."""

from __future__ import annotations

import base64

from hypothesis import strategies as st

from wslnet.model.windows_facts import Boot, BootPlace, WindowsFacts
from wslnet.resources.boot_data import BootDataFile

RESOURCE = BootDataFile
SID = "S-1-5-21-1-2-3-1001"
PLACE = BootPlace("C:\\ProgramData\\wslnet\\boot.json", "C:\\ProgramData\\wslnet")
CONTENTS = st.none() | st.binary(max_size=6)


def _state(content: bytes | None) -> WindowsFacts:
    text = None if content is None else base64.b64encode(content).decode()
    data = BootPlace(PLACE.path, PLACE.folder, content is not None, (), text)
    return WindowsFacts(boot=Boot("BOX\\me", SID, (), PLACE, data))


CASES = st.tuples(
    CONTENTS.map(_state),
    st.builds(BootDataFile, st.just("windows"), CONTENTS, st.just(SID), st.just("law")),
)
