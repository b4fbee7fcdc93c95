"""`.wslconfig` in any shape: comments, duplicates, odd case, no last line end, absent."""

from __future__ import annotations

import base64

from hypothesis import strategies as st

from wslnet.model.windows_facts import WindowsFacts
from wslnet.model.windows_wsl import WslConfigFile
from wslnet.resources.wslconfig_keys import WslConfigKeys

from .line_files import files

RESOURCE = WslConfigKeys
LINES = st.lists(
    st.sampled_from(
        [
            "[wsl2]", "[experimental]", "[WSL2]", "", "# note", "networkingMode=nat",
            "NETWORKINGMODE = mirrored", "memory=8GB  # why", "kernel=C:\\\\k", "hostAddressLoopback=true",
            "bad line", "[general]", "vmSwitch=LAN", "dhcp=false # by hand",
        ]
    ),
    max_size=9,
)  # fmt: skip
CONTENTS = files(LINES, st.sampled_from([b"", b"\xef\xbb\xbf"]))
STATES = CONTENTS.map(
    lambda content: WindowsFacts(
        wslconfig=WslConfigFile(
            "C:\\Users\\me\\.wslconfig",
            exists=content is not None,
            content=None if content is None else base64.b64encode(content).decode(),
        )
    )
)
BOOLEANS = st.sampled_from(["true", "false"])
VALUES = st.fixed_dictionaries(
    {},
    optional={
        "wsl2.networkingMode": st.sampled_from(["mirrored", "nat"]),
        "wsl2.firewall": BOOLEANS,
        "experimental.hostAddressLoopback": BOOLEANS,
    },
).filter(bool)
GONE = st.sampled_from([(), ("wsl2.vmSwitch",), ("wsl2.vmSwitch", "wsl2.dhcp"), ("wsl2.memory",)])
CASES = st.tuples(STATES, st.builds(WslConfigKeys, st.just("windows"), VALUES, st.just("law"), gone=GONE))
