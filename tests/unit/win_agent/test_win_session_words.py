"""Whose session it is, from `whoami`: whole SIDs in their own field, whatever stands around them."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from wslnet_win_agent.errors import WindowsAgentError
from wslnet_win_agent.facts.session import user_sid
from wslnet_win_agent.native import NativeResult

SID = "S-1-5-21-1004336348-1177238915-682003330-1001"


@dataclass
class Said:
    """A machine whose programs all say this."""

    text: bytes

    def run(self, _argv: tuple[str, ...], *, timeout_s: float, changes: bool = False) -> NativeResult:
        assert timeout_s > 0
        assert not changes
        return NativeResult(0, self.text, b"")

    def hold(self, argv: tuple[str, ...]) -> None:
        raise AssertionError(argv)


@pytest.mark.parametrize("user", ["pc\\ann", "pc\\änn".encode("cp850"), "s-1-5-18\\S-1-5-18"], ids=repr)
def test_the_sid_is_its_own_field(user: str | bytes) -> None:
    name = user if isinstance(user, bytes) else user.encode()
    assert user_sid(Said(b'"' + name + b'","' + SID.encode() + b'"\r\n')) == SID


def test_a_cut_line_tells_nothing() -> None:
    line = f'"pc\\ann","{SID}"\r\n'.encode()
    for end in range(len(line) - len('"\r\n') + 1):
        with pytest.raises(WindowsAgentError, match="does not say"):
            user_sid(Said(line[:end]))
