"""The lines of a child session: what is cut away, what is refused, in whatever pieces it comes."""

from __future__ import annotations

from uuid import UUID

import pytest

from wslnet.transport import local_framing
from wslnet.transport.local_framing import DamagedLineError, Element, ElementReader, encode

PIPELINE = UUID("fd30363b-a4e5-4f15-b510-f27c3d1d7c3f")
DATA = Element("Data", PIPELINE, b"\x00\xff<>")
LINE = encode(DATA)


def test_elements_are_written_as_powershell_writes_them() -> None:
    assert (
        encode(Element("Command", PIPELINE)) == b"<Command PSGuid='fd30363b-a4e5-4f15-b510-f27c3d1d7c3f' />\n"
    )
    assert LINE == (b"<Data Stream='Default' PSGuid='fd30363b-a4e5-4f15-b510-f27c3d1d7c3f'>AP88Pg==</Data>\n")
    assert encode(Element("Close")).startswith(b"<Close PSGuid='00000000-0000-")
    assert Element("Signal").acknowledgement == "SignalAck"


@pytest.mark.parametrize(
    "line",
    [
        LINE,
        LINE.replace(b"\n", b"\r\n"),
        b"Password: " + LINE,
        b"< <Dat <Database> " + LINE,
        LINE.replace(b"'", b'"').replace(b"Data ", b"Data\t", 1),
        b"<Data PSGuid='fd30363b-a4e5-4f15-b510-f27c3d1d7c3f' Stream='Default'>AP88Pg==</Data >\n",
        b"\n\r\n   \nsome text\n\xff\xfe\x00\n<html><CommandAc />\n" + LINE,
    ],
)
@pytest.mark.parametrize("piece", [1, 7, 4096])
def test_an_element_is_found_in_what_is_around_it(line: bytes, piece: int) -> None:
    reader = ElementReader()
    found = [each for at in range(0, len(line), piece) for each in reader.feed(line[at : at + piece])]
    assert found == [DATA]


def test_several_elements_on_a_line_and_an_empty_one() -> None:
    ack = b"<DataAck PSGuid='00000000-0000-0000-0000-000000000000'/>"
    empty = b"<CloseAck PSGuid='00000000-0000-0000-0000-000000000000'></CloseAck>"
    found = ElementReader().feed(ack + empty + b"behind\n")
    assert [each.name for each in found] == ["DataAck", "CloseAck"]


@pytest.mark.parametrize(
    "line",
    [
        LINE.replace(b"AP88", b"AP!8"),
        LINE.replace(b"AP88Pg==", b"AP88Pg="),
        LINE.replace(b"</Data>", b""),
        LINE.replace(b"fd30363b", b"nonsense"),
        b"<DataAck />\n",
        b"<DataAck PSGuid='00000000-0000-0000-0000-0000000",
    ],
)
def test_a_damaged_element_is_an_error_and_half_a_line_is_none(line: bytes) -> None:
    reader = ElementReader()
    if line.endswith(b"\n"):
        with pytest.raises(DamagedLineError):
            reader.feed(line)
    else:
        assert reader.feed(line) == []


def test_a_line_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_framing, "LONGEST_LINE", 1000)
    reader = ElementReader()
    assert reader.feed(b"x" * 1000) == []
    with pytest.raises(DamagedLineError, match="without end"):
        reader.feed(b"x")
