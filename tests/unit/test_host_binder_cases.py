"""Our own cases of parameter binding, for clones without ../shared. Each is one call and its verdict."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from wslnet_lab.host.contract import Argument, CommandError, EnumValue, Number
from wslnet_lab.host.engine.binder import bind
from wslnet_lab.host.engine.errors import command_not_found
from wslnet_lab.host.engine.signatures import load_oracle
from wslnet_lab.host.engine.values import time_span_text

CASES = Path(__file__).parents[1] / "cases" / "binder"
FILES = sorted(CASES.glob("*.json"))


def _load() -> list[Any]:
    return [
        pytest.param(case, id=f"{path.stem}: {case['what']}")
        for path in FILES
        for case in json.loads(path.read_text("utf-8"))
    ]


def _sent(value: object) -> object:
    if isinstance(value, dict) and set(value) == {"i64"}:
        return Number("I64", value["i64"])
    if isinstance(value, dict) and set(value) == {"seconds"}:
        return timedelta(seconds=value["seconds"])
    return value


def _shown(value: object) -> object:
    match value:
        case EnumValue():
            return value.name
        case timedelta():
            return time_span_text(value)
        case datetime():
            return value.isoformat()
        case list():
            return [_shown(item) for item in value]
    return value


def _verdict(case: dict[str, Any]) -> dict[str, Any]:
    signature = load_oracle(case.get("reading", "all")).command(case["command"])
    arguments = tuple(Argument(name, _sent(value)) for name, value in case["arguments"])
    try:
        if signature is None:
            raise command_not_found(case["command"])
        bound = bind(signature, arguments).result()
    except CommandError as error:
        fqid = error.details.fqid
        if signature is not None:
            assert fqid.endswith(f",{signature.tail}")
        return {"error": fqid.partition(",")[0], "category": error.details.category.name}
    return {
        "set": bound.parameter_set,
        "bound": {name: _shown(value) for name, value in bound.parameters.items()},
    }


@pytest.mark.parametrize("case", _load())
def test_case(case: dict[str, Any]) -> None:
    expected = {key: case[key] for key in ("set", "bound", "error", "category") if key in case}
    assert _verdict(case) == expected


def test_there_are_enough_cases() -> None:
    assert len(_load()) >= 200
