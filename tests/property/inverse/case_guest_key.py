"""authorized_keys of a guest: none, empty, with lines of others, ours among them, no end to the last line."""

from __future__ import annotations

import base64

from hypothesis import strategies as st

from wslnet.model.guest_facts import GuestAccount, GuestKeys
from wslnet.model.linux_facts import LinuxFacts
from wslnet.resources.guest_key import COMMENT, GuestKey

RESOURCE = GuestKey
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIP3U"
OURS = f"{KEY} {COMMENT}"
OTHERS = st.lists(
    st.sampled_from(["ssh-rsa AAAAB3 owner@pc", "# note", "", "ssh-ed25519 AAAAX wslnet"]), max_size=3
)


def _content(others: list[str], ended: bool) -> str:  # noqa: FBT001 - drawn
    return "".join(f"{one}\n" for one in others) if ended else "\n".join(others)


WITHOUT = st.none() | st.builds(_content, OTHERS, st.booleans())
# Taken out, it comes back at the end: where among the lines a key stands means nothing to sshd.
WITH = st.builds(lambda others: _content([*others, OURS], ended=True), OTHERS)


def _state(content: str | None, folder: bool, problem: str | None) -> LinuxFacts:  # noqa: FBT001 - drawn
    text = None if content is None else base64.b64encode(content.encode()).decode()
    accounts = (
        GuestAccount("root", 0, 0, "/root/.ssh", folder_exists=folder or text is not None, content=text),
        GuestAccount("debian", 1000, 1000, "/home/debian/.ssh", folder_exists=False),
    )
    return LinuxFacts(guest_keys=(GuestKeys("vm1", problem, (), accounts), GuestKeys("vm2", "no agent")))


PROBLEMS = st.sampled_from([None, None, None, "not connected"])
ADDED = st.tuples(
    st.builds(_state, WITHOUT | WITH, st.booleans(), PROBLEMS),
    st.builds(
        GuestKey, st.just("wsl"), st.sampled_from(["vm1", "vm1", "vm2"]), st.sampled_from(["root", "nobody"]),
        st.just(KEY), st.just("law"),
    ),
)  # fmt: skip
TAKEN = st.tuples(
    st.builds(_state, WITHOUT | WITH, st.booleans(), PROBLEMS),
    st.just(GuestKey("wsl", "vm1", "root", KEY, "law", present=False)),
)
CASES = ADDED | TAKEN
