"""Recorded answers of a real engine through our reading of objects and errors (corpus/psrp, corpus/cim)."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from pypsrp.complex_objects import ObjectMeta
from pypsrp.messages import ErrorRecordMessage, PipelineState
from pypsrp.serializer import Serializer

from wslnet.transport.winrm_values import error_record, windows_object
from wslnet_win_agent.values import name_of

SHARED = Path(os.environ.get("WSLNET_SHARED", Path(__file__).parents[4] / "shared"))
RECORDINGS = [
    path
    for folder in ("psrp", "cim")
    for path in sorted((SHARED / "corpus" / folder).glob("*.jsonl"))
    if not path.name.endswith(".raw.jsonl") and path.stem not in ("binder-verdicts", "binding-matrix")
]
# What differs from run to run was replaced in the recordings; a reader wants something real there.
_PLACEHOLDERS = (
    (re.compile(r"\{guid[0-9]+\}"), "00000000-0000-0000-0000-000000000000"),
    (re.compile(r"\{n\}"), "1"),
)
pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(not RECORDINGS, reason="the corpus is not here"),
]


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def bodies(rows: list[dict[str, Any]], pipe: str, kind: str) -> list[str]:
    return [
        filled(message["body"])
        for row in rows[1:]
        if row["dir"] == "s2c" and row.get("to") == pipe
        for message in row.get("msgs", ())
        if message["type"] == kind and message.get("body")
    ]


def filled(body: str) -> str:
    for placeholder, value in _PLACEHOLDERS:
        body = placeholder.sub(value, body)
    return body


def errors_of(rows: list[dict[str, Any]], pipe: str) -> list[list[str]]:
    meta = ObjectMeta("Obj", object=ErrorRecordMessage)
    records = [Serializer().deserialize(body, meta) for body in bodies(rows, pipe, "ErrorRecord")]
    return [[one.fqid, one.category] for one in map(error_record, records)]


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_ids_and_categories_of_recorded_errors(path: Path) -> None:
    rows = rows_of(path)
    for number, outcome in enumerate(rows[0]["result"], 1):
        assert errors_of(rows, f"pipe{number}") == outcome["errors"]


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_reasons_of_failed_pipelines(path: Path) -> None:
    rows = rows_of(path)
    for number, outcome in enumerate(rows[0]["result"], 1):
        states = bodies(rows, f"pipe{number}", "PipelineState")
        if outcome["state"] != "Failed" or not states:
            continue
        state = Serializer().deserialize(states[-1], ObjectMeta("Obj", object=PipelineState))
        record = error_record(state.error_record)
        assert [record.fqid, record.category] == outcome["reason"]


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_recorded_objects_become_plain_data(path: Path) -> None:
    rows = rows_of(path)
    for number, _ in enumerate(rows[0]["result"], 1):
        for body in bodies(rows, f"pipe{number}", "PipelineOutput"):
            json.dumps(windows_object(Serializer().deserialize(body)).raw, default=lambda value: value.hex())


def test_recorded_cim_rows_by_class_and_name() -> None:
    rows = rows_of(SHARED / "corpus/cim/obj_interface_types.jsonl")
    found = [
        windows_object(Serializer().deserialize(body)) for body in bodies(rows, "pipe1", "PipelineOutput")
    ]
    assert {row.cim_class for row in found} == {"MSFT_NetIPInterface"}
    assert all(isinstance(row.raw["Forwarding"], int) for row in found)
    assert {name_of(row, "Forwarding") for row in found} <= {"Enabled", "Disabled"}
    assert {name_of(row, "AddressFamily") for row in found} <= {"IPv4", "IPv6"}
