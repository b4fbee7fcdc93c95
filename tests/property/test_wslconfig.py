"""`.wslconfig`: any text is cut without gaps, any edit changes only what was asked."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wslnet_win_agent.wslconfig import WSLCONFIG, WslConfigError, read, set_value, unset_value
from wslnet_win_agent.wslconfig.encoding import decode
from wslnet_win_agent.wslconfig.syntax import Kind, parse

PIECES = st.sampled_from(
    [
        "[wsl2]", "[experimental]", "[WSL2]", "[ wsl2]", "[a-b]", "[wsl2] junk", "[wsl2]# c",
        "networkingMode", "NETWORKINGMODE = mirrored", "memory=8GB", "swap", "=", " ", "\t", "\n", "\r\n",
        "\r", "#", "# comment", '"', '"a # b"', "\\", "\\\\", "\\\n", "\\\r\n", "nat", "mirrored", ";",
        "hostAddressLoopback=true",
        "kernel=C:\\\\Users\\\\x", "é", "开", "localhostForwarding=false\n", "[general]\n",
    ]
)  # fmt: skip
TEXTS = st.lists(PIECES, max_size=25).map("".join)
LINES = st.lists(
    st.sampled_from(
        [
            "[wsl2]", "[experimental]", "[general] # c", "", "# a comment", "memory=8GB",
            "  swap = 4GB  # why",
            "networkingMode=nat", "experimental.x=1", "firewall=true", "sparseVhd=true", "kernel=C:\\\\k",
            "unknown=1", 'kernelCommandLine="a # b"', "bad line", "[bad section]",
        ]
    ),
    max_size=15,
)  # fmt: skip
NAMES = st.sampled_from(sorted(WSLCONFIG.known))
VALUES = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0x2FF, exclude_characters="\x7f"), max_size=20
) | st.sampled_from(["mirrored", "true", " x ", "a#b", 'say "x"', "C:\\x", ""])
ENCODINGS = st.sampled_from([(b"", "utf-8"), (codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le")])


def as_bytes(lines: list[str], line_end: str, last: str, encoding: tuple[bytes, str]) -> bytes:
    mark, codec = encoding
    return mark + (line_end.join(lines) + last).encode(codec)


LINE_ENDS = st.sampled_from(["\n", "\r\n"])
FILES = st.builds(as_bytes, LINES, LINE_ENDS, st.sampled_from(["", "\n", "\r\n"]), ENCODINGS)


@given(TEXTS)
def test_statements_are_the_whole_text(text: str) -> None:
    statements = parse(text)
    assert "".join(text[each.start : each.end] for each in statements) == text
    assert all(each.start < each.end for each in statements)
    for each in statements:
        if each.kind is Kind.KEY:
            assert each.start < each.value_start <= each.value_end <= each.end


@given(st.binary(max_size=200))
def test_any_bytes_can_be_read_and_encoded_again(data: bytes) -> None:
    read(data)
    try:
        decoded = decode(data)
    except WslConfigError:
        return
    assert decoded.encode(decoded.text) == data


@given(FILES, NAMES, VALUES)
def test_set_then_read_gives_the_value_and_keeps_every_other_byte(data: bytes, name: str, value: str) -> None:
    edited = set_value(data, *name.split("."), value)
    after = read(edited).effective
    assert after[name].value == value
    others = {key: each.value for key, each in read(data).effective.items() if key != name}
    assert {key: each.value for key, each in after.items() if key != name} == others
    # One place only: what was there before is a prefix and a suffix of what is there now.
    assert common_prefix(data, edited) + common_suffix(data, edited) >= len(data) - replaced(data, name)
    assert set_value(edited, *name.split("."), value) == edited


@given(LINES, LINE_ENDS, NAMES, VALUES)
def test_unset_leaves_the_default_and_other_lines(
    lines: list[str], line_end: str, name: str, value: str
) -> None:
    data = line_end.join(lines).encode()
    without = unset_value(set_value(data, *name.split("."), value), *name.split("."))
    assert name not in read(without).effective
    if name not in read(data).effective:
        kept = [line for line in without.decode().splitlines() if line]
        section = f"[{name.partition('.')[0]}]"
        assert [line for line in kept if line != section] == [
            line for line in data.decode().splitlines() if line and line != section
        ]


@given(TEXTS, NAMES, st.sampled_from(["mirrored", "true", "12"]))
def test_hostile_text_is_edited_rightly_or_refused(text: str, name: str, value: str) -> None:
    try:
        edited = set_value(text.encode(), *name.split("."), value)
    except WslConfigError as error:
        code = error.code
    else:
        code = "unsafe" if read(edited).effective[name].value == value else "wrong"
    assert code == "unsafe"


@pytest.mark.parametrize("data", [codecs.BOM_UTF16_BE + b"\0[", "[wsl2]".encode("utf-16-le")])
def test_what_wsl_cannot_read_is_refused(data: bytes) -> None:
    with pytest.raises(WslConfigError) as refused:
        set_value(data, "wsl2", "memory", "8GB")
    assert refused.value.code == "utf-16"


def replaced(data: bytes, name: str) -> int:
    """Bytes of the old raw value, the only ones that may go."""
    decoded = decode(data)
    lines = [each for each in parse(decoded.text) if each.kind is Kind.KEY]
    setting = read(data).effective.get(name)
    held = [each for each in lines if setting is not None and each.line == setting.line]
    return sum(len(decoded.text[each.value_start : each.value_end].encode(decoded.codec)) for each in held)


def common_prefix(one: bytes, other: bytes) -> int:
    return next(
        (i for i, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]),
        min(len(one), len(other)),
    )


def common_suffix(one: bytes, other: bytes) -> int:
    limit = min(len(one), len(other)) - common_prefix(one, other)
    return next((i for i in range(limit) if one[-1 - i] != other[-1 - i]), limit)
