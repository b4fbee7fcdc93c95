"""The constrained endpoint: not there, there with some files, unregistered, or open to others."""

from __future__ import annotations

import base64

from hypothesis import strategies as st

from wslnet.model.windows_facts import Endpoint, EndpointFile, WindowsFacts
from wslnet.resources.endpoint import ConstrainedEndpoint

RESOURCE = ConstrainedEndpoint
FILES = st.dictionaries(
    st.sampled_from(["wslnet.pssc", "WslnetEndpoint.psm1"]), st.binary(max_size=4), min_size=1
)
SETS = st.none() | FILES.map(lambda held: tuple(sorted(held.items())))


def _state(files: tuple[tuple[str, bytes], ...] | None) -> WindowsFacts:
    rows = tuple(EndpointFile(path, base64.b64encode(content).decode()) for path, content in files or ())
    return WindowsFacts(endpoint=Endpoint(registered=files is not None, files=rows))


CASES = st.tuples(SETS.map(_state), st.builds(ConstrainedEndpoint, st.just("windows"), SETS, st.just("law")))
