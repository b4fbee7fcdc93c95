"""`.wslconfig` cases (tests/cases/wslconfig) and the files of the corpus."""

from __future__ import annotations

import codecs
import json
import os
from pathlib import Path
from typing import Any

import pytest

from wslnet_win_agent.wslconfig import WSLCONFIG, WslConfigError, read, set_value, unset_value
from wslnet_win_agent.wslconfig.encoding import decode
from wslnet_win_agent.wslconfig.syntax import parse

ROOT = Path(__file__).parents[3]
CASES = ROOT / "tests/cases/wslconfig"
SHARED = Path(os.environ.get("WSLNET_SHARED", ROOT.parent / "shared"))
CORPUS = sorted((SHARED / "corpus/wslconfig").glob("*.wslconfig"))
ENCODINGS = {
    "utf-8": (b"", "utf-8"),
    "utf-8 with mark": (codecs.BOM_UTF8, "utf-8"),
    "utf-16le": (codecs.BOM_UTF16_LE, "utf-16-le"),
}


def cases(name: str) -> list[Any]:
    rows = json.loads((CASES / f"{name}.json").read_text(encoding="utf-8"))
    return [pytest.param(row, id=row["name"]) for row in rows]


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("case", cases("reader"))
def test_reads_as_wsl_reads(case: dict[str, Any], encoding: str) -> None:
    mark, codec = ENCODINGS[encoding]
    found = read(mark + case["text"].encode(codec))
    assert {name: [one.value, one.line] for name, one in found.effective.items()} == case["effective"]
    assert sorted([one.code, one.line] for one in found.findings) == sorted(case["findings"])
    assert sorted(name for name, one in found.effective.items() if not one.valid) == sorted(case["invalid"])


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("case", cases("editor"))
def test_edits_only_what_was_asked(case: dict[str, Any], encoding: str) -> None:
    mark, codec = ENCODINGS[encoding]
    section, key = case["key"].split(".")
    before, after = (mark + case[name].encode(codec) for name in ("text", "after"))
    edited = (
        unset_value(before, section, key)
        if case["value"] is None
        else set_value(before, section, key, case["value"])
    )
    assert edited == after


@pytest.mark.parametrize(
    ("data", "key", "value", "code"),
    [
        ("[wsl2]\nmemory=1\n".encode("utf-16-be"), "memory", "2", "utf-16"),
        (codecs.BOM_UTF16_BE + "[wsl2]\n".encode("utf-16-be"), "memory", "2", "utf-16"),
        (codecs.BOM_UTF16_LE + b"[\0w", "memory", "2", "truncated"),
        (b"[wsl2]\n", "pageReporting", "true", "unknown-key"),
        (b"[wsl2]\n", "NetworkingMode", "nat", "unknown-key"),
        (b"[wsl2]\n", "memory", "a\rb", "bad-value"),
        # A line end behind this backslash would make a line count that WSL drops now.
        (b"[general]\ninstanceIdleTimeout=5\\", "memory", "2", "unsafe"),
    ],
)
def test_what_cannot_be_edited_safely_is_refused(data: bytes, key: str, value: str, code: str) -> None:
    with pytest.raises(WslConfigError) as refused:
        set_value(data, "wsl2", key, value)
    assert refused.value.code == code
    assert "\n" not in str(refused.value)


def test_bytes_that_are_no_utf8_stay_and_are_reported() -> None:
    data = b"[wsl2]\n# caf\xe9\nmemory=8GB\n"
    assert set_value(data, "wsl2", "memory", "4GB") == b"[wsl2]\n# caf\xe9\nmemory=4GB\n"
    assert [one.code for one in read(data).findings] == ["not-utf-8"]


def test_value_is_what_wsl_uses() -> None:
    found = read(b"[wsl2]\nmemory=8gb\nfirewall=true\n")
    assert (found.value("wsl2.memory"), found.value("wsl2.firewall"), found.value("wsl2.swap")) == (
        None,
        "true",
        None,
    )


def test_an_unreadable_file_is_one_finding() -> None:
    found = read("[wsl2]\n".encode("utf-16-le"))
    assert (dict(found.effective), [one.code for one in found.findings]) == ({}, ["utf-16"])


@pytest.mark.corpus
@pytest.mark.skipif(not CORPUS, reason="the corpus is not here")
def test_real_files_survive_reading_and_one_edit() -> None:
    for path in CORPUS:
        data = path.read_bytes()
        decoded = decode(data)
        assert decoded.encode("".join(decoded.text[s.start : s.end] for s in parse(decoded.text))) == data, (
            path
        )
        before = {name: one.value for name, one in read(data).effective.items()}
        edited = set_value(data, "wsl2", "networkingMode", "mirrored")
        after = {name: one.value for name, one in read(edited).effective.items()}
        assert after == {**before, "wsl2.networkingMode": "mirrored"}, path
        assert set_value(edited, "wsl2", "networkingMode", before.get("wsl2.networkingMode", "nat")) in (
            data,
            set_value(data, "wsl2", "networkingMode", "nat"),
        ), path


@pytest.mark.corpus
@pytest.mark.skipif(not (SHARED / "facts").exists(), reason="the facts are not here")
def test_the_known_keys_are_those_of_the_facts() -> None:
    rows = json.loads((SHARED / "facts/wslconfig-keys.json").read_text(encoding="utf-8"))
    listed = {f"{row['section']}.{row['key']}" for row in rows if row["file"] == ".wslconfig"}
    assert set(WSLCONFIG.known) == listed
