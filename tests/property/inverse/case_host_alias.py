"""Files of /etc/hosts in any shape, with and without our line, and names that come, change and go."""

from __future__ import annotations

import base64

from hypothesis import strategies as st

from wslnet.model.linux_facts import LinuxFacts, Persistence
from wslnet.resources.host_alias import HostAlias

from .line_files import files

RESOURCE = HostAlias
OURS = "172.23.96.1 windows.local  # wslnet: by `wslnet config hosts`"
LINES = st.lists(
    st.sampled_from(["127.0.0.1\tlocalhost", "", "# mine", "::1 localhost ip6-localhost", OURS]), max_size=6
)
CONTENTS = files(LINES)


def _state(content: bytes | None) -> LinuxFacts:
    text = None if content is None else base64.b64encode(content).decode()
    return LinuxFacts(persistence=Persistence(hosts=text))


NAMES = st.sampled_from([(), ("windows.local",), ("windows.local", "desktop")])
ADDRESSES = st.sampled_from(["172.23.96.1", "127.0.0.1"])
WISHES = st.builds(HostAlias, st.just("wsl"), NAMES, ADDRESSES, st.just("law"))
CASES = st.tuples(st.builds(_state, CONTENTS), WISHES)
