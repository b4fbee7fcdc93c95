"""Excluded and dynamic ports as netsh prints them, in any language; anything else is not known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from wslnet_lab.host.local_session import LocalSession
from wslnet_win_agent.facts.port_ranges import dynamic_range, excluded_ranges

if TYPE_CHECKING:
    from pathlib import Path

EXCLUDED = """
Protocol tcp Port Exclusion Ranges

Start Port    End Port
----------    --------
      5357        5357
     50000       50059     *

* - Administered port exclusions.

"""
DYNAMIC = """
Protocol tcp Dynamic Port Range
---------------------------------
Start Port      : 49152
Number of Ports : 16384

"""


def test_the_tables_as_windows_prints_them() -> None:
    assert excluded_ranges(EXCLUDED) == ((5357, 5357, False), (50000, 50059, True))
    start, end = EXCLUDED.index("      5357"), EXCLUDED.index("\n* -")
    assert excluded_ranges(EXCLUDED[:start] + EXCLUDED[end:]) == (), "none is an answer"
    assert dynamic_range(DYNAMIC) == (49152, 65535)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "The following command was not found: interface ipv4 show.",
        EXCLUDED.replace("5357        5357", "5357        5357 x"),
        EXCLUDED.replace("5357        5357", "9000        8000"),
        EXCLUDED.replace("50059", "70000"),
        EXCLUDED.replace("50059", ""),
        EXCLUDED.replace("----------    --------", ""),
        EXCLUDED + EXCLUDED,
        DYNAMIC,
    ],
)
def test_another_text_tells_no_exclusions(text: str) -> None:
    assert excluded_ranges(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        DYNAMIC.replace("16384", "60000"),
        DYNAMIC.replace("49152", "0"),
        DYNAMIC.replace("16384", "1 6384"),
        DYNAMIC + "More : 7\n",
        DYNAMIC.replace("Number of Ports : 16384\n", ""),
        EXCLUDED,
    ],
)
def test_another_text_tells_no_dynamic_ports(text: str) -> None:
    assert dynamic_range(text) is None


@pytest.mark.parametrize("text", [EXCLUDED, DYNAMIC, EXCLUDED.replace("\n", "\r\n")])
def test_a_table_cut_anywhere_is_whole_or_not_known(text: str) -> None:
    for end in range(len(text)):
        assert excluded_ranges(text[:end]) in {None, excluded_ranges(text)}, text[:end]
        assert dynamic_range(text[:end]) in {None, dynamic_range(text)}, text[:end]


@pytest.mark.parametrize("culture", ["en-US", "zh-CN"])
def test_what_the_lab_prints_is_read_in_each_language(tmp_path: Path, culture: str) -> None:
    (tmp_path / "windows.json").write_text(f'{{"culture": "{culture}"}}', "utf-8")
    desk = LocalSession(tmp_path)
    shown = [
        desk.native("netsh.exe", "interface", "ipv4", "show", *words).stdout.decode("ascii", "replace")
        for words in (("excludedportrange", "protocol=tcp"), ("dynamicport", "tcp"))
    ]
    assert excluded_ranges(shown[0]) == ((5357, 5357, False), (50000, 50059, True))
    assert dynamic_range(shown[1]) == (49152, 65535)
    assert desk.native("netsh.exe", "interface", "ipv4", "show", "excludedportrange").exit_code == 1


@pytest.mark.parametrize(
    ("words", "code", "range_of_now"),
    [
        (("tcp", "start=1024", "num=64512"), 0, (1024, 65535)),
        (("protocol=tcp", "startport=20000", "numberofports=255"), 0, (20000, 20254)),
        (("tcp", "20000", "1000"), 0, (20000, 20999)),
        (("udp", "start=1024", "num=64512"), 0, (49152, 65535)),
        (("tcp", "start=1023", "num=64512"), 1, (49152, 65535)),
        (("tcp", "start=20000", "num=254"), 1, (49152, 65535)),
        (("tcp", "start=60000", "num=6000"), 1, (49152, 65535)),
        (("tcp", "start=60000"), 1, (49152, 65535)),
        (("sctp", "start=20000", "num=1000"), 1, (49152, 65535)),
    ],
)
def test_the_labs_netsh_moves_the_dynamic_ports_of_one_protocol(
    tmp_path: Path, words: tuple[str, ...], code: int, range_of_now: tuple[int, int]
) -> None:
    desk = LocalSession(tmp_path)
    assert desk.native("netsh.exe", "int", "ipv4", "set", "dynamicport", *words).exit_code == code
    shown = desk.native("netsh.exe", "int", "ipv4", "show", "dynamicport", "tcp").stdout
    assert dynamic_range(shown.decode("ascii", "replace")) == range_of_now
    again = LocalSession(tmp_path).native("netsh.exe", "int", "ipv4", "show", "dynamicport", "tcp").stdout
    assert again == shown
