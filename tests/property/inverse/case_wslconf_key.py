"""Files of /etc/wsl.conf in any shape, and a key that is set, changed or removed."""

from __future__ import annotations

import base64

from hypothesis import strategies as st

from wslnet.model.linux_facts import LinuxFacts, Persistence
from wslnet.resources.wslconf_key import WslConfKey

from .line_files import files

RESOURCE = WslConfKey
LINES = st.lists(
    st.sampled_from(
        [
            "[boot]", "[network]", "[NETWORK] # c", "", "# mine", "systemd=true", "command = a; b",
            "generateResolvConf = false  # why", 'hostname="x # y"', "bad line", "[interop]",
            "enabled=false",
        ]
    ),
    max_size=9,
)  # fmt: skip
CONTENTS = files(LINES)


def _state(content: bytes | None) -> LinuxFacts:
    text = None if content is None else base64.b64encode(content).decode()
    return LinuxFacts(persistence=Persistence(wsl_conf=text))


KEYS = st.sampled_from(["boot.systemd", "network.generateResolvConf", "network.hostname", "interop.enabled"])
VALUES = st.sampled_from([None, "true", "false"])
WISHES = st.builds(WslConfKey, st.just("wsl"), KEYS, VALUES, st.just("law"))
CASES = st.tuples(st.builds(_state, CONTENTS), WISHES)
