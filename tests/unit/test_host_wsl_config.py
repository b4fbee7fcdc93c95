"""`.wslconfig` read as WSL does: the cases of wsl-facts 1.1."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from wslnet_lab.host.wsl.config import MalformedMac, WslConfig, parse_config
from wslnet_lab.host.wsl.config_keys import find_key

VERSION = (2, 6, 1, 0)
SHARED = Path(os.environ.get("WSLNET_SHARED", Path(__file__).parents[3] / "shared"))


def read(text: str | bytes, version: tuple[int, ...] = VERSION) -> WslConfig:
    content = text.encode() if isinstance(text, str) else text
    return parse_config(content, r"C:\Users\owner\.wslconfig", version)


def kinds(config: WslConfig) -> list[str]:
    return [warning.kind for warning in config.warnings]


MODE = "wsl2.networkingMode"


@pytest.mark.parametrize(
    ("text", "mode", "warned"),
    [
        ("[wsl2]\nnetworkingMode=mirrored\n", "Mirrored", []),
        ("[WSL2]\n  NETWORKINGMODE = Mirrored  # yes\n", "Mirrored", []),
        ("[experimental]\nnetworkingMode=mirrored", "Mirrored", []),
        ('[wsl2]\nnetworkingMode="mirr"ored', "Mirrored", []),
        ("[wsl2]\nnetworkingMode=\\\nnat", "Nat", []),
        ("[wsl2]\r\nnetworkingMode=nat\r\n", "Nat", []),
        # first duplicate wins, through the alias and even when it is bad
        ("[wsl2]\nnetworkingMode=nat\n[experimental]\nnetworkingMode=mirrored", "Nat", ["config-duplicate"]),
        (
            "[wsl2]\nnetworkingMode=miror\nnetworkingMode=mirrored",
            None,
            ["config-invalid-value", "config-duplicate"],
        ),
        # a line that is bad in its syntax takes no slot
        ("[wsl2]\nnetworkingMode=mirr\\ored\nnetworkingMode=mirrored", "Mirrored", ["config-invalid-escape"]),
        ('[wsl2]\nnetworkingMode="mirrored\nnetworkingMode=nat', "Nat", ["config-expected"]),
        # no section, wrong section, broken headers
        ("networkingMode=mirrored", None, ["config-unknown-key"]),
        ("[network]\nnetworkingMode=mirrored", None, ["config-unknown-key"]),
        ("[wsl2]\n[ experimental]\nnetworkingMode=mirrored", "Mirrored", ["config-invalid-section"]),
        # configfile.cpp keeps the section's length and overwrites its name: NULs fill up a shorter one
        (
            "[experimental]\n[wsl2] ; x\nnetworkingMode=nat",
            None,
            ["config-expected", "config-unknown-key"],
        ),
        ("[wsl2]\n[wsl2] ; x\nnetworkingMode=nat", "Nat", ["config-expected"]),
        ("[wsl2]\n[wsl-2]\nnetworkingMode=nat", None, ["config-expected", "config-unknown-key"]),
        ("[wsl2]\n; comment\nnetworkingMode=nat", "Nat", ["config-invalid-key"]),
        ("[wsl2]\nnetworkingMode nat\n", None, ["config-expected"]),
        ("[wsl2]\nnetworkingMode=", None, ["config-invalid-value"]),
        ("[wsl2]\n\x1anetworkingMode=nat", None, []),
    ],
)
def test_networking_mode(text: str, mode: str | None, warned: list[str]) -> None:
    config = read(text)
    assert config.get(MODE) == mode
    assert kinds(config) == warned


def test_encodings() -> None:
    text = "[wsl2]\nnetworkingMode=mirrored\n"
    assert read(b"\xef\xbb\xbf" + text.encode()).get(MODE) == "Mirrored"
    assert read(b"\xff\xfe" + text.encode("utf-16-le")).get(MODE) == "Mirrored"
    assert read(text.encode("utf-16-le")).get(MODE) is None


def test_values_of_each_kind() -> None:
    config = read(
        "[wsl2]\nmemory=8GB\nswap=8gb\nprocessors=0x10\nipv6=yes\nfirewall=FALSE\n"
        "kernel=C:\\\\Users\\\\17895\\\\bzImage\nswapFile=C:\\temp\ncrashDumpFolder=C:\\wsl\n"
        "[experimental]\nignoredPorts=3000, x,70000,9000\ndnsTunnelingIpAddress=10.0.0.300\n"
    )
    assert config.get("wsl2.memory") == 8 * 2**30
    assert config.get("wsl2.processors") == 16
    assert config.flag("wsl2.firewall", default=True) is False
    assert config.get("wsl2.kernel") == r"C:\Users\17895\bzImage"
    assert config.get("wsl2.swapFile") == "C:\temp"
    assert config.get("wsl2.crashDumpFolder") is None
    assert config.get("experimental.ignoredPorts") == (3000, 9000)
    assert config.get("experimental.dnsTunnelingIpAddress") is None
    assert kinds(config) == [
        "config-invalid-size",
        "config-invalid-bool",
        "config-invalid-escape",
        "config-invalid-int",
        "config-invalid-ip",
    ]


def test_keys_of_newer_versions_are_unknown_to_older_ones() -> None:
    text = "[wsl2]\nnetworkingMode=consomme\n[experimental]\nswiotlb=1MB\n"
    assert kinds(read(text)) == ["config-invalid-value", "config-unknown-key"]
    newer = read(text, (2, 9, 4))
    assert newer.get(MODE) == "Consomme"
    assert newer.warnings == ()


def test_a_malformed_mac_is_no_warning() -> None:
    with pytest.raises(MalformedMac):
        read("[wsl2]\nmacAddress=aa:bb\n")
    assert read("[wsl2]\nmacAddress=aa-bb-cc-dd-ee-ff\n").warnings == ()


@pytest.mark.corpus
@pytest.mark.skipif(not SHARED.exists(), reason="no ../shared here")
def test_every_key_of_the_table_is_known() -> None:
    rows = json.loads((SHARED / "facts/wslconfig-keys.json").read_text("utf-8"))
    names = {f"{row['section']}.{row['key']}" for row in rows if row["file"] == ".wslconfig"}
    names -= {"experimental.ephemeralPortRangeSize"}  # not merged: unknown on every release
    assert {name for name in names if find_key(name, (99,)) is None} == set()
