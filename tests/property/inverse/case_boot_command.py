"""Files of /etc/wsl.conf: none, with comments, with a command of ours or of somebody else."""

from __future__ import annotations

import base64

from hypothesis import strategies as st

from wslnet.model.linux_facts import LinuxFacts, Persistence
from wslnet.resources.boot_command import BootCommand

RESOURCE = BootCommand
COMMAND = "/usr/local/sbin/wslnet-agent watch"
FILES = st.sampled_from(
    [
        None,
        b"",
        b"# mine\r\n[boot]\r\nsystemd=false\r\n",
        b"[user]\ndefault=wujing",
        f"[boot]\ncommand={COMMAND}\n[user]\ndefault=wujing\n".encode(),
        b"[boot]\ncommand = service docker start\n",
        f"[boot]\ncommand = service docker start; {COMMAND} --background\n".encode(),
    ]
)


def _state(content: bytes | None) -> LinuxFacts:
    text = None if content is None else base64.b64encode(content).decode()
    return LinuxFacts(persistence=Persistence(wsl_conf=text))


WISHES = st.builds(BootCommand, st.just("wsl"), st.just(COMMAND), st.just("law"), st.booleans())
CASES = st.tuples(st.builds(_state, FILES), WISHES)
