"""Docker's settings in any shape: none, empty, foreign keys, odd blanks, no JSON at all."""

from __future__ import annotations

import base64

from hypothesis import strategies as st

from wslnet.model.linux_facts import ContainerEngine, LinuxFacts
from wslnet.resources.daemon_json import DaemonJson

RESOURCE = DaemonJson
CONTENTS = st.sampled_from(
    [
        None,
        b"",
        b"{}",
        b"{",
        b"[]",
        b'{"iptables": true}',
        b'{ "log-driver":"json-file" ,\r\n  "iptables" :true}\n',
        b'{\n\t"dns": ["1.1.1.1"],\n\t"deep": {"iptables": 1}\n}',
        b'{"iptables": false, "userland-proxy": true}',
        b"\xff",
    ]
)
STATES = CONTENTS.map(
    lambda content: LinuxFacts(
        engines=(
            ContainerEngine(
                "docker", "26.1.5", None if content is None else base64.b64encode(content).decode()
            ),
        )
    )
)
VALUES = st.sampled_from([{"iptables": False}, {"iptables": False, "userland-proxy": True}])
CASES = st.tuples(
    STATES, st.builds(DaemonJson, st.just("wsl"), VALUES, st.just("law"), restart=st.booleans())
)
