"""wsl.chains against what WSL's own guest code was recorded to set, and what users did to it."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from wslnet.engine.doctor import examine

if TYPE_CHECKING:
    from collections.abc import Callable

    from wslnet.model.snapshot import Snapshot

SHARED = Path(os.environ.get("WSLNET_SHARED", Path(__file__).parents[4] / "shared"))
FOLDER = SHARED / "corpus" / "wsl-guest"
LINK = re.compile(r"^(?P<index>\d+): (?P<name>[^:@]+)[^:]*: <(?P<flags>[^>]*)>", re.MULTILINE)

STEPS = [
    ("mirrored-wifi/06-initial-config", "ok", ""),
    ("mirrored-two-nics/08-initial-config", "ok", ""),
    ("mirrored-wifi-and-disconnected-ethernet/08-ethernet-unplugged-synced", "ok", ""),
    ("mirrored-user-changes/12-host-reconnect", "ok", ""),
    ("mirrored-user-changes/13-user-nft-flush", "fail", "ip nat WSLPOSTROUTING is missing"),
    ("mirrored-user-changes/15-ethernet-after-flush-synced", "fail", "ip filter WSLOUTPUT is missing"),
    ("nested-behind-virbr0/22-iptables-listing", "ok", ""),
    ("nested-behind-virbr0/23-iptables-F", "fail", "ip filter WSLOUTPUT does not set mark 0x1"),
    ("nested-behind-virbr0/24-iptables-save-restore-whole-tables", "fail", "WSLPOSTROUTING"),
]


@pytest.mark.corpus
@pytest.mark.skipif(not FOLDER.is_dir(), reason="needs ../shared")
@pytest.mark.parametrize(("step", "status", "evidence"), STEPS, ids=[step for step, _, _ in STEPS])
def test_recorded_guest(snapshot: Callable[..., Snapshot], step: str, status: str, evidence: str) -> None:
    text = (FOLDER / f"{step}.txt").read_text(encoding="utf-8")
    sections = dict(part.split("\n", 1) for part in text.split("### ")[1:])
    links = [
        {"index": int(found["index"]), "name": found["name"], "up": "UP" in found["flags"].split(",")}
        for found in LINK.finditer(sections["link"])
    ]
    patch = {"facts": {"wsl": {"firewall": {"nft": sections["nft"]}, "links": links}}}
    (finding,) = examine(snapshot("done", patch), only=["wsl.chains"])
    assert (str(finding.status), evidence in " ".join(finding.evidence)) == (status, True), finding.to_json()
