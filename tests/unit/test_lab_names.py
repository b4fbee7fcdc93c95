"""Who answers names for the lab's Windows: questions and answers as on the wire."""

from __future__ import annotations

import socket
import struct

import pytest

from wslnet_lab.relay.names import answer

NAMES = {"lan.office.test": "172.24.21.50"}
HEADER = struct.Struct("!6H")
A, TXT = 1, 16


def question(name: str, kind: int = A, count: int = 1) -> bytes:
    labels = b"".join(bytes([len(one)]) + one.encode() for one in name.split("."))
    return HEADER.pack(0x4711, 0x0100, count, 0, 0, 0) + labels + b"\0" + struct.pack("!HH", kind, 1)


def test_an_address_is_told_with_the_question() -> None:
    asked = question("Lan.Office.test")
    said = answer(asked, NAMES)
    assert HEADER.unpack_from(said) == (0x4711, 0x8180, 1, 1, 0, 0)
    assert said[HEADER.size :].startswith(asked[HEADER.size :])
    assert socket.inet_ntoa(said[-4:]) == "172.24.21.50"
    assert said[-16:-4] == struct.pack("!HHHIH", 0xC00C, A, 1, 30, 4)


def test_a_known_name_has_no_other_records() -> None:
    said = answer(question("lan.office.test", TXT), NAMES)
    assert HEADER.unpack_from(said) == (0x4711, 0x8180, 1, 0, 0, 0)


def test_of_other_names_nobody_could_tell() -> None:
    assert HEADER.unpack_from(answer(question("deb.debian.org"), NAMES)) == (0x4711, 0x8182, 1, 0, 0, 0)


@pytest.mark.parametrize(
    "asked",
    [
        question("lan.office.test")[:-5],
        question("lan.office.test", count=2),
        HEADER.pack(0x4711, 0, 1, 0, 0, 0),
        HEADER.pack(0x4711, 0, 1, 0, 0, 0) + b"\3\xff\xff\xff\0\0\1\0\1",
    ],
    ids=["cut off", "two questions", "no question", "no ASCII"],
)
def test_what_is_no_question_is_refused(asked: bytes) -> None:
    assert answer(asked, NAMES) == HEADER.pack(0x4711, 0x8181, 0, 0, 0, 0)


def test_what_has_no_header_gets_no_answer() -> None:
    with pytest.raises(ValueError, match="no header"):
        answer(b"\0" * 11, NAMES)
