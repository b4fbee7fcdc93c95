"""Files in the folders of a machine's start: of earlier runs with any mode and owner, and somebody else's."""

from __future__ import annotations

import base64

from hypothesis import strategies as st

from wslnet.model.linux_facts import DiskFile, DiskFiles, LinuxFacts
from wslnet.resources.persistent_file import Form, PersistentFile

RESOURCE = PersistentFile
HOOKS, UNITS, NETS = "/etc/libvirt/hooks/network.d", "/etc/systemd/system", "/etc/wslnet"
ABOVE = ("/etc/libvirt/hooks/network.d", "/etc/libvirt/hooks", "/etc/libvirt")
BODIES = st.sampled_from(["ip route add 192.168.124.0/24 via 192.168.122.191\n", "true\n", ""])


PATHS = {
    Form.SCRIPT: f"{HOOKS}/wslnet",
    Form.UNIT: f"{UNITS}/wslnet.service",
    Form.DECLARATION: f"{NETS}/net-odd.json",
    Form.PROGRAM: "/usr/local/sbin/wslnet-agent",
}


def _wish(form: Form, body: str, present: bool) -> PersistentFile:  # noqa: FBT001 - drawn
    return PersistentFile("vm1", PATHS[form], form, body, "law", present)


WISHES = st.builds(_wish, st.sampled_from(Form), BODIES, st.sampled_from([True, True, False]))


def _there(wish: PersistentFile, run: str, mode: int, owner: int, foreign: bool) -> DiskFile:  # noqa: FBT001 - drawn
    content = b"#!/bin/sh\n# mine\n" if foreign else wish.content.replace(b"@RUN@", run.encode())
    return DiskFile(wish.path, mode, owner, owner, base64.b64encode(content).decode())


FOUND = st.lists(
    st.builds(
        _there,
        WISHES,
        st.sampled_from(["20250101T000000-000000Z", "20250202T000000-000000Z"]),
        st.sampled_from([0o755, 0o644, 0o600]),
        st.sampled_from([0, 1000]),
        st.sampled_from([False, False, False, True]),
    ),
    max_size=2,
    unique_by=lambda one: one.path,
)


def _state(found: list[DiskFile], absent: int) -> LinuxFacts:
    hooks_there = any(one.path.startswith(HOOKS) for one in found)
    nets = () if any(one.path.startswith(NETS) for one in found) else (NETS,)
    return LinuxFacts(files=DiskFiles((*nets, *(() if hooks_there else ABOVE[:absent])), tuple(found)))


CASES = st.tuples(st.builds(_state, FOUND, st.integers(0, 3)), WISHES)
