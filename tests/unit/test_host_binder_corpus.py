"""Every call of corpus/binder through the whole engine; what differs is listed with its reason."""

import json
import os
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.quiet_sink import QuietSink

from wslnet_lab.host.contract import (
    Argument,
    BoundCall,
    CommandError,
    Engine,
    EnumValue,
    ErrorDetails,
    Identity,
    Invocation,
    Number,
    Session,
    Sink,
    Statement,
)
from wslnet_lab.host.engine import EngineSettings, Registry, build_engine
from wslnet_lab.host.engine.binder import bind
from wslnet_lab.host.engine.signatures import Parameter, Place, Signature, load_oracle
from wslnet_lab.host.engine.types import parse_type
from wslnet_lab.host.engine.values import time_span_text

SHARED = Path(os.environ.get("WSLNET_SHARED", Path(__file__).parents[3] / "shared"))
CORPUS = SHARED / "corpus"
CASES = Path(__file__).parents[1] / "cases" / "binder" / "corpus"
SESSION = Session(Identity("DESKTOP\\owner", "S-1-5-21-1-2-3-1001"))
SHARE_WANTED = 0.99

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(not CORPUS.is_dir(), reason="../shared/corpus is not there"),
]


def _echo(call: BoundCall, _sink: Sink) -> Iterator[object]:
    yield call


@pytest.fixture(scope="module")
def engine() -> Engine:
    registry = Registry()
    for signature in load_oracle("all").commands.values():
        registry.add(signature.name, _echo)
    return build_engine(registry, EngineSettings(reading="all"))


def _deviations(file: str) -> dict[str, str]:
    listed = json.loads((CASES / "deviations.json").read_text("utf-8"))[file]
    return {key: group["reason"] for group in listed for key in group["ids"]}


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def _sent(value: dict[str, Any] | None) -> object:
    if value is None:
        return True
    [(kind, content)] = value.items()
    match kind:
        case "n":
            return None
        case "l":
            return Number("I64", content)
        case "a":
            return [_sent(item) for item in content]
        case "h":
            return {key: _sent(item) for key, item in content.items()}
    return content


def _statements(row: dict[str, Any]) -> tuple[Statement, ...]:
    statements = row.get("st") or [[{"c": row["c"], "p": row["p"]}]]
    return tuple(
        tuple(
            Invocation(command["c"], tuple(Argument(name, _sent(value)) for name, value in command["p"]))
            for command in statement
        )
        for statement in statements
    )


def _shown(value: object) -> object:
    match value:
        case EnumValue(name=held) | Number(value=held):
            return held
        case list():
            return [_shown(item) for item in value]
        case dict():
            return {key: _shown(item) for key, item in value.items()}
        case timedelta():
            return time_span_text(value)
    return value.isoformat() if isinstance(value, datetime) else value


def _recorded(value: object) -> object:
    """The recorded value; a WildcardPattern was recorded by its WQL text, where % stands for *."""
    if not isinstance(value, dict) or "t" not in value:
        return value
    content = value["v"]
    if value["t"] == "System.Management.Automation.WildcardPattern":
        return content.replace("%", "*")
    if isinstance(content, list):
        return [_recorded(item) for item in content]
    if isinstance(content, dict):
        return {key: _recorded(item) for key, item in content.items()}
    return content


def _expected(row: dict[str, Any]) -> tuple[object, ...]:
    results = [
        (result["set"], {name: _recorded(value) for name, value in result["b"].items()})
        for result in row.get("r", [])
    ]
    errors = [(error["q"].partition(",")[0], error["cat"], error["t"]) for error in row.get("e", [])]
    return row["s"], results, sorted(errors)


def _outcome(engine: Engine, row: dict[str, Any]) -> tuple[object, ...]:
    recorder = QuietSink()
    outcome = engine.run(_statements(row), SESSION, recorder)
    calls = [call for call in recorder.outputs if isinstance(call, BoundCall)]
    assert len(calls) == len(recorder.outputs)
    results = [
        (call.parameter_set, {name: _shown(value) for name, value in call.parameters.items()})
        for call in calls
    ]
    errors = [(_id(details), _category(details), 0) for details in recorder.errors]
    if outcome.reason is not None:
        errors.append((_id(outcome.reason), _category(outcome.reason), 1))
    return outcome.state, results, sorted(errors)


def _id(details: ErrorDetails) -> str:
    return details.fqid.partition(",")[0]


def _category(details: ErrorDetails) -> str:
    return details.category.name.title().replace("_", "")


def test_binder_corpus(engine: Engine) -> None:
    rows = _rows(CORPUS / "binder" / "binder.jsonl")
    different = {row["id"] for row in rows if _outcome(engine, row) != _expected(row)}
    listed = _deviations("binder.jsonl")
    report = Counter(listed.get(key, "not listed") for key in different)
    print(f"corpus/binder: {len(rows) - len(different)} of {len(rows)} the same; {report}")  # noqa: T201 - the report
    assert different == set(listed)
    assert len(rows) - len(different) >= SHARE_WANTED * len(rows)


_VALUES: dict[str, object] = {
    "null": None,
    "''": "",
    "[]": [],
    "[null]": [None],
    "['']": [""],
    "'x'": "x",
    "['x','']": ["x", ""],
    "5": 5,
    "'5'": "5",
    "True": True,
    "-1": -1,
    "[[1]]": [[1]],
}
_BESIDE: dict[str, dict[str, object]] = {
    "New-NetFirewallHyperVRule": {"DisplayName": "d"},
    "Register-ScheduledTask": {"TaskName": "t", "Xml": "<Task/>"},
}


def test_binding_matrix_of_windows_commands() -> None:
    oracle = load_oracle("all")
    different = set()
    count = 0
    for row in _rows(CORPUS / "cim" / "binding-matrix.jsonl"):
        signature = oracle.command(row["command"])
        if signature is None:
            # Commands of the recording's own module.
            continue
        count += 1
        given = {**_BESIDE.get(row["command"], {}), row["parameter"]: _VALUES[row["value"]]}
        try:
            bind(signature, tuple(Argument(name, value) for name, value in given.items()))
            reason = None
        except CommandError as error:
            reason = error.details.fqid
        if reason != row["reason"]:
            different.add(f"{row['command']} {row['parameter']} {row['value']}")
    print(f"corpus/cim binding matrix: {count - len(different)} of {count} the same")  # noqa: T201 - the report
    assert count >= 200
    assert different == set(_deviations("binding-matrix.jsonl"))


# The recording's own commands: type and attributes of each parameter, from the rules of cdxml-facts 2 and 3.
_NOT_NULL, _NOT_EMPTY = "ValidateNotNull", "ValidateNotNullOrEmpty"
_OWN_PARAMETERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "QPlain": ("string[]", (_NOT_NULL,)),
    "QVnn": ("string[]", (_NOT_NULL, _NOT_NULL)),
    "QVnne": ("string[]", (_NOT_NULL, _NOT_EMPTY)),
    "QAllow": ("string[]", (_NOT_NULL, "AllowNull", "AllowEmptyString", "AllowEmptyCollection")),
    "QMin": ("uint32", ()),
    "QMax": ("uint32", ()),
    "QExclude": ("string[]", (_NOT_NULL,)),
    "QNum": ("uint32[]", (_NOT_NULL,)),
    "QBool": ("Boolean[]", (_NOT_NULL,)),
    "OptS": ("string", ()),
    "OptSw": ("SwitchParameter", ()),
    "QMandatory": ("string[]", (_NOT_NULL,)),
    "CimSession": ("CimSession[]", (_NOT_EMPTY,)),
    "ThrottleLimit": ("int", ()),
    "AsJob": ("SwitchParameter", ()),
    "MPlain": ("string", ()),
    "MVnn": ("string", (_NOT_NULL,)),
    "MVnne": ("string", (_NOT_EMPTY,)),
    "MArr": ("string[]", ()),
    "MNum": ("uint32", ()),
    "MBool": ("Boolean", ()),
    "MSwitch": ("SwitchParameter", ()),
    "MDate": ("DateTime", ()),
    "MCim": ("ciminstance", ()),
    "PassThru": ("SwitchParameter", ()),
    "InputObject": ("CimInstance#LAB_Params[]", (_NOT_NULL,)),
    "X": ("string", ()),
}
_MANDATORY = frozenset({"QMandatory", "InputObject", "X"})


def _own_command(name: str, parameter: str) -> Signature:
    """A generated function with this one parameter."""
    kind, validation = _OWN_PARAMETERS[parameter]
    spec = parse_type(kind, (), module="Lab", command=name)
    places = {"S": Place(parameter in _MANDATORY, None)}
    made = Parameter(parameter, (), spec, places, validation=validation)
    return Signature(name, "Lab", True, True, False, name, ("S",), "S", {parameter: made})  # noqa: FBT003 - a function, made from CDXML, without ShouldProcess


def test_binding_matrix_of_the_recordings_own_commands() -> None:
    different = {}
    count = 0
    for row in _rows(CORPUS / "cim" / "binding-matrix.jsonl"):
        if row["parameter"] not in _OWN_PARAMETERS or "Lab" not in row["command"]:
            continue
        count += 1
        signature = _own_command(row["command"], row["parameter"])
        try:
            bind(signature, (Argument(row["parameter"], _VALUES[row["value"]]),))
            reason = None
        except CommandError as error:
            reason = error.details.fqid
        if reason != row["reason"]:
            different[f"{row['parameter']} {row['value']}"] = (reason, row["reason"])
    assert count >= 300
    assert different == {}


def test_binder_verdicts(engine: Engine) -> None:
    by_id = {row["id"]: row for row in _rows(CORPUS / "binder" / "binder.jsonl")}
    verdicts = _rows(CORPUS / "cim" / "binder-verdicts.jsonl")
    for verdict in verdicts:
        recorder = QuietSink()
        outcome = engine.run(_statements(by_id[verdict["id"]]), SESSION, recorder)
        if verdict["verdict"] == "refused":
            assert outcome.reason is not None
            assert outcome.reason.fqid == verdict["fqid"]
        elif verdict["verdict"] == "accepted":
            assert outcome.state == "Completed", verdict
