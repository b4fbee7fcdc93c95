"""Plans in files, and the times of `--confirm-within`: what is taken, what is refused and why."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from wslnet.app.plan_file import demand_same, read_plan
from wslnet.cli.main import run
from wslnet.errors import InputError, PlanRefused
from wslnet.model.allow import parse_allow
from wslnet.model.plan import digest

from .model import Clock, GuardedFleet, prepared

if TYPE_CHECKING:
    from pathlib import Path

    from wslnet.model.plan import Plan

ASKED = {
    "allow": ["tcp/8080@lan"],
    "open_all": False,
    "host_loopback": True,
    "recommended": False,
    "lan_peer": None,
}


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    made = prepared(GuardedFleet.at(tmp_path, Clock())).plan
    return replace(made, profile={"mode": "mirrored", "options": ASKED})


def saved(folder: Path, document: object) -> Path:
    file = folder / "plan.json"
    file.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
    return file


def test_a_plan_comes_back_as_it_was_asked_for(tmp_path: Path, plan: Plan) -> None:
    found = read_plan(saved(tmp_path, plan.to_json()))
    assert (found.id, found.mode) == (plan.id, "mirrored")
    assert found.options.allow == (parse_allow("tcp/8080@lan"),)
    assert found.options.host_loopback
    demand_same(found, plan)


def altered(document: dict[str, object]) -> dict[str, object]:
    """Altered with a fresh id, as somebody would who knows how."""
    body = {key: value for key, value in document.items() if key not in {"schema_version", "id"}}
    return {**document, "id": digest(body)[:16]}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema_version": 1}', "\ufeff{}", "null"])
def test_what_is_no_plan_is_one_line_and_exit_2(
    tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = saved(tmp_path, text)
    assert run(["apply", str(file), "--yes"]) == 2
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert str(file) in said.err


def test_an_altered_plan_or_one_of_another_kind_is_refused(tmp_path: Path, plan: Plan) -> None:
    document = plan.to_json()
    with pytest.raises(InputError, match="altered"):
        read_plan(saved(tmp_path, {**document, "notes": ["harmless"]}))
    with pytest.raises(InputError, match="schema_version 2"):
        read_plan(saved(tmp_path, {**document, "schema_version": 2}))
    unknown = {"mode": "mirrored", "options": {**ASKED, "force": True}}
    with pytest.raises(InputError, match="force"):
        read_plan(saved(tmp_path, altered({**document, "profile": unknown})))
    with pytest.raises(InputError, match="cannot be read"):
        read_plan(tmp_path / "nowhere.json")


def test_a_stale_plan_names_the_machine_that_moved_or_the_change_that_differs(
    tmp_path: Path, plan: Plan
) -> None:
    found = read_plan(saved(tmp_path, plan.to_json()))
    moved = replace(plan, fingerprints={**plan.fingerprints, "inner": "other"})
    with pytest.raises(PlanRefused, match="the facts of inner moved"):
        demand_same(found, moved)
    with pytest.raises(PlanRefused, match="outer:change:sysctl") as caught:
        demand_same(found, replace(plan, changes=plan.changes[:1]))
    assert "inner:change" not in caught.value.message
    with pytest.raises(PlanRefused, match="its notes moved"):
        demand_same(found, replace(plan, notes=("new",)))


@pytest.mark.parametrize("text", ["30", "1s", "0s", "31m", "-5s", "2h", "s", "", "\uff13\uff10s", "30s "])
def test_a_time_that_is_none_is_wrong_usage(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["setup", "--mirrored", "--confirm-within", text]) == 2
    assert "2s to 30m" in capsys.readouterr().err
