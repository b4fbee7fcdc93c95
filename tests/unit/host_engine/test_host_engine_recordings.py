"""The recordings of corpus/cim: the same commands to our engine, compared with what the real one answered."""

import json
import os
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from wslnet_lab.host.contract import Argument, ErrorDetails, Invocation, Statement
from wslnet_lab.host.engine.signatures import load_oracle

SHARED = Path(os.environ.get("WSLNET_SHARED", Path(__file__).parents[4] / "shared"))
RECORDINGS = SHARED / "corpus" / "cim"

# Recordings that cannot be expressed here, each with its reason.
LEFT_OUT = {
    "err_crash": "a fault inside a provider is a fault of the lab and is shown as such",
}
RULE = "MSFT_NetFirewallHyperVRule"
MORE_ROWS: dict[str, list[tuple[str, str, dict[str, object]]]] = {
    "err_one_of_three": [(RULE, key, {"DisplayName": f"del {key}"}) for key in ("a1", "a2", "a3")],
    "err_method_code": [(RULE, "rr", {"DisplayName": "ret:5"})],
    "obj_unknown_enum": [("MSFT_NetIPInterface", "ifx-9-2", {"InterfaceIndex": 9, "Forwarding": 7})],
}
NAMED_ODDLY = [(RULE, text, {"DisplayName": text}) for text in ("rule [1]", "rule 1", "it's 100%_ok")]


def _names() -> list[str]:
    if not RECORDINGS.is_dir():
        return []
    left_out = {"binding-matrix", "binder-verdicts", *LEFT_OUT}
    return sorted(path.stem for path in RECORDINGS.glob("*.jsonl") if path.stem not in left_out)


def _value(node: ET.Element) -> object:
    match node.tag:
        case "S":
            return (node.text or "").replace("{{guid1}}", "{00000000-0000-0000-0000-00000000000A}")
        case "B":
            return node.text == "true"
        case "I32":
            return int(node.text or "")
        case "Nil":
            return None
    return [_value(item) for item in node.iterfind("LST/*")]


def _call(node: ET.Element) -> Invocation:
    arguments = []
    for entry in node.iterfind("MS/Obj[@N='Args']/LST/Obj/MS"):
        name, value = entry.find("*[@N='N']"), entry.find("*[@N='V']")
        assert name is not None
        assert value is not None
        arguments.append(Argument(name.text, _value(value)))
    return Invocation(node.findtext("MS/S[@N='Cmd']") or "", tuple(arguments))


def _statements(body: str) -> tuple[Statement, ...]:
    root = ET.fromstring(body)  # noqa: S314 - a recording of ours
    shell = root.find("MS/Obj[@N='PowerShell']/MS")
    assert shell is not None
    lists = shell.findall("Obj[@N='ExtraCmds']/LST/Obj/MS/Obj[@N='Cmds']/LST")
    lists = lists or shell.findall("Obj[@N='Cmds']/LST")
    return tuple(tuple(_call(node) for node in commands) for commands in lists)


def _done(log: list[str]) -> list[str]:
    """What the recorded server finished: the verbs of its `done` lines."""
    return [line.removeprefix("done ").strip() for line in log if line.startswith("done ")]


@pytest.mark.corpus
@pytest.mark.skipif(not RECORDINGS.is_dir(), reason="../shared/corpus is not there")
@pytest.mark.parametrize("name", _names())
def test_recording(machine: Any, name: str) -> None:
    head, *rows = [
        json.loads(line) for line in (RECORDINGS / f"{name}.jsonl").read_text("utf-8").splitlines()
    ]
    sent = [
        _statements(message["body"])
        for row in rows
        for message in row.get("msgs", [])
        if message["type"] == "CreatePipeline"
    ]
    if why := beyond_the_engine(rows, sent):
        pytest.skip(why)
    for class_name, key, values in NAMED_ODDLY if name.startswith("wild_") else MORE_ROWS.get(name, []):
        machine.add(class_name, key, **values)
    assert len(sent) == len(head["result"]) > 0
    for statements, expected, texts in zip(sent, head["result"], head["error_texts"], strict=True):
        outcome = machine.run(*statements)
        shown = [(details.fqid, _category(details)) for details in machine.seen.errors]
        assert outcome.state == expected["state"]
        assert len(machine.seen.outputs) == expected["output"]
        assert shown == [tuple(error) for error in expected["errors"]]
        records = [*machine.seen.errors]
        if outcome.reason is not None:
            assert [outcome.reason.fqid, _category(outcome.reason)] == expected["reason"]
            records.append(outcome.reason)
        for details, text in zip(records, texts, strict=True):
            assert (details.activity, details.reason) == (text["activity"], text["reason"])
            if not text["target_name"].startswith("LAB_"):
                assert (details.target_name, details.target_type) == (
                    text["target_name"],
                    text["target_type"],
                )
            assert details.exception_types[0] == text["types"][0].removeprefix("Deserialized.")
    verbs = [line.partition(" ")[0].replace("Enable", "invoke") for line in machine.store.done]
    assert sorted(verb for verb in verbs if not verb.startswith("Register")) == sorted(
        _done(head["server_log"])
    )


def beyond_the_engine(rows: list[dict[str, Any]], sent: list[tuple[Statement, ...]]) -> str:
    """Why a recording cannot be played to the engine at all, whatever its name; empty when it can."""
    client = [message for row in rows if row["dir"] == "c2s" for message in row.get("msgs", [])]
    if any(
        message["type"] == "PipelineInput" or "Infrastructure.CimInstance" in (message["body"] or "")
        for message in client
    ):
        return "what came back is rebuilt by the wire"
    known = load_oracle("all")
    names = [command.name for statements in sent for statement in statements for command in statement]
    if any(known.command(name) is None for name in names):
        return "a command of the recording's own module"
    return ""


def _category(details: ErrorDetails) -> str:
    return details.category.name.title().replace("_", "")
