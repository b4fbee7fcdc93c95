"""All recorded constrained sessions of a real engine, replayed; what differs is listed with its reason."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SHARED = Path(os.environ.get("WSLNET_SHARED", Path(__file__).parents[4] / "shared"))
CORPUS = SHARED / "corpus" / "jea"
DEVIATIONS = Path(__file__).parents[2] / "cases" / "jea" / "deviations.json"
SHARE_WANTED = 0.98

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(not CORPUS.is_dir(), reason="../shared/corpus is not there"),
]


def test_cases_end_as_recorded(
    sessions: Callable[[Path], Any], compare: Callable[[dict[str, Any], dict[str, Any]], list[str]]
) -> None:
    rows = [json.loads(line) for line in (CORPUS / "jea-cases.jsonl").read_text("utf-8").splitlines()]
    core = {row["id"] for row in rows if row.get("core")}
    listed = {
        each: group["reason"] for group in json.loads(DEVIATIONS.read_text("utf-8")) for each in group["ids"]
    }
    machine = sessions(CORPUS)
    told = {row["id"]: compare(row["outcome"], machine.outcome(row)) for row in rows}
    different = {key: each for key, each in told.items() if each}

    assert different.keys() == listed.keys(), {
        key: different.get(key) for key in different.keys() ^ listed.keys()
    }
    assert len(core - different.keys()) >= SHARE_WANTED * len(core)
