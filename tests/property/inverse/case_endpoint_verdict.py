"""What is kept of a probe of the endpoint's local use: nothing, or a file with some bytes."""

from __future__ import annotations

import base64

from hypothesis import strategies as st

from wslnet.model.windows_facts import Endpoint, LocalUse, WindowsFacts
from wslnet.resources.endpoint_verdict import EndpointVerdict

RESOURCE = EndpointVerdict
CONTENTS = st.none() | st.binary(min_size=1, max_size=4)


def _state(content: bytes | None) -> WindowsFacts:
    held = None if content is None else base64.b64encode(content).decode()
    return WindowsFacts(endpoint=Endpoint(registered=True, local=LocalUse("", "", held)))


CASES = st.tuples(
    CONTENTS.map(_state), st.builds(EndpointVerdict, st.just("windows"), CONTENTS, st.just("law"))
)
