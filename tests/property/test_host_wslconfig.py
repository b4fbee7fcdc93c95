"""Two readers of `.wslconfig`, written apart from the same facts, agree: the lab's and the product's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wslnet_lab.host.wsl import ini
from wslnet_lab.host.wsl.config import MalformedMac, parse_config
from wslnet_lab.host.wsl.config_keys import find_key
from wslnet_win_agent.wslconfig import read

SHARED = Path(os.environ.get("WSLNET_SHARED", Path(__file__).parents[3] / "shared"))
NEWEST = (99,)
PIECES = st.sampled_from(
    [
        *(
            "[wsl2]",
            "[experimental]",
            "[general]",
            "[WSL2]  # c",
            "[ wsl2]",
            "[a-b]",
            "[wsl2] junk",
            "[1a]",
            "[]",
        ),
        *(
            "networkingMode",
            "networkingMode=mirrored",
            "NETWORKINGMODE = Nat",
            "memory=8GB",
            "processors=0x1F",
        ),
        *("firewall=true", "firewall=yes", "ignoredPorts=1,2,x", "dnsTunnelingIpAddress=10.0.0.1"),
        *(
            "kernel=C:\\\\a",
            "swapFile=C:\\temp",
            "swapFile=C:\\wsl",
            'kernelCommandLine="a # b"',
            "safeMode=1",
        ),
        *(
            "=",
            " ",
            "\t",
            "\n",
            "\r\n",
            "\r",
            "#",
            "# c",
            '"',
            "\\",
            "\\\n",
            "\\\r\n",
            "\\n",
            ";",
            "x",
            "_",
            "1",
        ),
    ]
)
TEXTS = st.lists(PIECES, max_size=30).map("".join)


def lab(content: bytes) -> dict[str, tuple[str, int]]:
    """First entry of each known key: value and line."""
    entries, _ = ini.read(ini.decode(content))
    found: dict[str, tuple[str, int]] = {}
    for entry in entries:
        key = find_key(entry.name, NEWEST)
        if key is not None:
            found.setdefault(key.names[0].lower(), (entry.value, entry.line))
    return found


def product(content: bytes) -> dict[str, tuple[str, int]]:
    effective = read(content).effective
    return {
        name.lower(): (held.value, held.line)
        for name, held in effective.items()
        if name != "experimental.ephemeralPortRangeSize"
    }


@given(TEXTS)
def test_both_take_the_same_entries(text: str) -> None:
    assert lab(text.encode()) == product(text.encode())


@given(TEXTS)
def test_both_accept_the_same_values(text: str) -> None:
    content = text.encode()
    good = {name.lower() for name, held in read(content).effective.items() if held.valid}
    assert set(parse_config(content, "f", NEWEST).values) - {"experimental.ignoredports"} == good - {
        "experimental.ignoredports"  # WSL keeps the good items of a list with bad ones
    }


@given(st.binary(max_size=200))
def test_any_bytes_are_read(content: bytes) -> None:
    try:
        config = parse_config(content, "f", NEWEST)
    except MalformedMac:
        return
    assert config.named >= set(config.values)


@pytest.mark.corpus
@pytest.mark.skipif(not SHARED.exists(), reason="no ../shared here")
def test_both_agree_on_every_file_of_the_corpus() -> None:
    files = sorted((SHARED / "corpus/wslconfig").glob("*.wslconfig"))
    assert len(files) > 50
    differing = []
    for path in files:
        content = path.read_bytes()
        ours = {name: line for name, (_, line) in lab(content).items()}
        theirs = {name: line for name, (_, line) in product(content).items()}
        if ours != theirs:
            differing.append((path.name, ours, theirs))
    assert differing == []
