"""What programs of Windows say, in any language and code page: read rightly, or "cannot tell", never guessed.

Windows itself is read as objects and from its registry; these texts are all that wslnet reads as text. A text
that is none of the two tables gives nothing, whatever numbers and words stand in it.
"""

from __future__ import annotations

import csv
import os
from dataclasses import astuple
from pathlib import Path

import pytest

from wslnet.model.fallback import why_fallen_back
from wslnet_win_agent.facts.port_ranges import dynamic_range, excluded_ranges
from wslnet_win_agent.wsl_exe import (
    Versions,
    decode,
    parse_addresses,
    parse_distros,
    parse_mode,
    parse_versions,
)

SHARED = Path(os.environ.get("WSLNET_SHARED", Path(__file__).parents[4] / "shared"))
RECORDED = SHARED / "corpus/windows"
NOTHING = Versions()
OLD_DXCORE = "10.0.25131.1002-220531-1700.rs-onecore-base2-hyp"
VERSIONS = {
    "wsl-version-de.txt": Versions(
        "2.2.4.0",
        "5.15.153.1-2",
        "1.0.61",
        "1.2.5326",
        "1.611.1-81528511",
        "10.0.26091.1-240325-1447.ge-release",
        "10.0.22631.4169",
    ),
    "wsl-version-en.txt": Versions(
        "1.1.2.0", "5.15.83.1", "1.0.49", "1.2.3770", "1.608.2-61064218", OLD_DXCORE, "10.0.19045.2546"
    ),
    "wsl-version-zh-ascii-colon.txt": Versions(
        "2.1.0.0", "5.15.137.3-1", "1.0.59", "1.2.4677", "1.611.1-81528511", OLD_DXCORE, "10.0.22631.3296"
    ),
    "wsl-version-zh.txt": Versions(
        "1.2.5.0", "5.15.90.1", "1.0.51", "1.2.3770", "1.608.2-61064218", OLD_DXCORE, "10.0.22621.2428"
    ),
}
DISTROS = {
    "wsl-l-v-docs.txt": [("Ubuntu-22.04", "Stopped", False)],
    "wsl-l-v-en-star.txt": [("Ubuntu-22.04", "Running", True)],
}
CODES = {"wsl-error-nat-hns-ffffffff.txt": "0xffffffff"}

GERMAN = (
    "WSL-Version: 2.6.3.0\r\nKernelversion: 6.6.87.2-1\r\nWSLg-Version: 1.0.71\r\nMSRDC-Version: 1.2.6353\r\n"
    "Direct3D-Version: 1.611.1-81528511\r\nDXCore-Version: 10.0.26100.1-240331-1435.ge-release\r\n"
    "Windows-Version: 10.0.26200.7019\r\n"
)
CHINESE = GERMAN.replace("-Version:", " 版本\uff1a").replace("Kernelversion:", "内核版本\uff1a")
JAPANESE = GERMAN.replace("-Version:", " バージョン:").replace("Kernelversion:", "カーネル バージョン:")
SEVEN = Versions(
    "2.6.3.0",
    "6.6.87.2-1",
    "1.0.71",
    "1.2.6353",
    "1.611.1-81528511",
    "10.0.26100.1-240331-1435.ge-release",
    "10.0.26200.7019",
)
TABLE = "  NAME              STATE           VERSION\r\n* Debian            Running         2\r\n"


@pytest.mark.corpus
@pytest.mark.skipif(not RECORDED.exists(), reason="needs ../shared")
@pytest.mark.row("S3-04", "S3-05", "S3-54")
def test_every_recorded_text_is_read_rightly_or_not_at_all() -> None:
    with (RECORDED / "INDEX.tsv").open(encoding="utf-8", newline="") as file:
        names = [row["file"] for row in csv.DictReader(file, delimiter="\t")]
    assert set(names) == {path.name for path in RECORDED.glob("*.txt")}
    assert {*VERSIONS, *DISTROS, *CODES} <= set(names)
    for name in names:
        text = decode((RECORDED / name).read_bytes())
        assert parse_versions(text) == VERSIONS.get(name, NOTHING), name
        rows = [(one.name, one.state, one.default) for one in parse_distros(text)]
        assert rows == DISTROS.get(name, []), name
        reason = why_fallen_back("none", text.splitlines())
        assert (CODES[name] in reason) if name in CODES else "(" not in reason, name


@pytest.mark.corpus
@pytest.mark.skipif(not RECORDED.exists(), reason="needs ../shared")
def test_no_recorded_text_cut_anywhere_tells_something_else() -> None:
    for path in sorted(RECORDED.glob("*.txt")):
        _demand_nothing_else(path.read_bytes())


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16-le", "gbk", "cp932"])
def test_a_text_cut_anywhere_tells_nothing_wrong(codec: str) -> None:
    """A version, a state, a port or an address that lost its end is not read as a shorter one."""
    for text in (GERMAN, CHINESE, TABLE):
        _demand_nothing_else(text.encode(codec, "replace"))


def _demand_nothing_else(data: bytes) -> None:
    versions, distros, ascii_text = (
        parse_versions(decode(data)),
        parse_distros(decode(data)),
        data.decode("latin-1"),
    )
    ranges, dynamic = excluded_ranges(ascii_text), dynamic_range(ascii_text)
    for end in range(len(data)):
        cut = data[:end]
        told = zip(astuple(parse_versions(decode(cut))), astuple(versions), strict=True)
        assert all(one is None or one == other for one, other in told), cut
        assert set(parse_distros(decode(cut))) <= set(distros), cut
        assert excluded_ranges(cut.decode("latin-1")) in {None, ranges}, cut
        assert dynamic_range(cut.decode("latin-1")) in {None, dynamic}, cut


@pytest.mark.parametrize(
    ("text", "mode"),
    [
        ("mirrored", "mirrored"),
        ("NAT\n", "nat"),
        ("wsl1", "wsl1"),
        ("", None),
        ("mirro", None),
        ("nat mirrored", None),
        ("wslinfo: unknown argument\n", None),
        ("\ufffd", None),
    ],
)
def test_a_mode_is_one_of_the_words_or_not_known(text: str, mode: str | None) -> None:
    assert parse_mode(text) == mode


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("172.20.3.4 fe80::1 \n", ("172.20.3.4", "fe80::1")),
        ("\n", ()),
        ("172.20.3.4 172.17.0.", ()),
        ("172.20.3.4 172.17.0.1", ()),
        ("hostname: 172.20.3.4\n", ()),
        ("172.20.3.400\n", ()),
    ],
)
def test_addresses_are_a_whole_line_of_them_or_none(text: str, addresses: tuple[str, ...]) -> None:
    assert parse_addresses(text) == addresses


@pytest.mark.parametrize("text", [GERMAN, CHINESE, JAPANESE], ids=["de", "zh", "ja"])
@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16-le", "utf-16"])
@pytest.mark.row("S3-04", "S3-54")
def test_versions_in_any_language(text: str, codec: str) -> None:
    assert parse_versions(decode(text.encode(codec))) == SEVEN


@pytest.mark.parametrize(("text", "codec"), [(CHINESE, "gbk"), (JAPANESE, "cp932"), (GERMAN, "cp850")])
@pytest.mark.row("S3-54")
def test_a_console_in_a_code_page_costs_labels_and_no_number(text: str, codec: str) -> None:
    """5.1 and 7 alike: what a console re-encodes are the labels, and they are not read."""
    found = parse_versions(decode(text.encode(codec, "replace")))
    assert found in {SEVEN, NOTHING}
    assert parse_distros(decode(f"{text}{TABLE}".encode(codec, "replace"))) == parse_distros(TABLE)


@pytest.mark.parametrize("codec", ["utf-8", "utf-16-le", "gbk", "cp932"])
def test_the_table_is_the_same_on_every_console(codec: str) -> None:
    (row,) = parse_distros(decode(TABLE.encode(codec)))
    assert (row.name, row.state, row.version, row.default) == ("Debian", "Running", 2, True)


@pytest.mark.parametrize(
    "text",
    [
        "Default Distribution: Ubuntu-22.04\r\nDefault Version: 2\r\nKernel version: 5.10.102.1\r\n",
        "默认分发: Ubuntu-22.04\r\n默认版本: 2\r\n",
        "WSL version: 2.6.3.0\r\n",
        "Kernel version: 6.6.87.2-1\r\nsomething else\r\n",
        "192.168.226.64  2222        10.4.226.215    22\r\n",
        "Invalid command line option: --version\r\nCopyright 1.0\r\n",
        "\r\n",
    ],
)
def test_numbers_in_another_text_are_no_versions(text: str) -> None:
    assert parse_versions(text) == NOTHING


@pytest.mark.parametrize(
    "text",
    [
        "> NAME STATE VERSION\r\n> * docker-desktop-data Stopped 2\r\n",
        "NAME STATE\r\nDebian Running 2\r\n",
        "NAME STATE VERSION\r\nDebian Running 12\r\n",
        "Debian Running 2\r\n",
        "NAME STATE VERSION\r\nDebian Running\r\nDebian  Läuft  2\r\nDebian Running 3\r\n",
        "名前 状態 バージョン\r\nDebian Running 2\r\n",
    ],
)
def test_rows_without_their_heading_or_states_are_none(text: str) -> None:
    assert parse_distros(text) == ()
