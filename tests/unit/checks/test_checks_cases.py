"""Every check against its cases: facts in, findings out (tests/cases/checks/CODE.json).

A case names a base, a merge patch, and all findings of the check in order. Texts are looked for inside the
finding's; lists of evidence and steps name what must be among them; the rest must be equal. `rows` are those
that the case shows.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from wslnet.checks import discover
from wslnet.engine.doctor import examine

if TYPE_CHECKING:
    from collections.abc import Callable

    from wslnet.model.finding import Finding
    from wslnet.model.snapshot import Snapshot

FOLDER = Path(__file__).parents[2] / "cases" / "checks"
FILES = {
    document["code"]: document["cases"]
    for document in (json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json")))
}
CASES = [
    pytest.param(
        code,
        case,
        id=f"{code}: {case['name']}",
        marks=[pytest.mark.row(*case["rows"])] if "rows" in case else [],
    )
    for code, cases in FILES.items()
    for case in cases
]


def test_every_check_has_cases() -> None:
    assert {check.code for check in discover()} == set(FILES)


@pytest.mark.parametrize(("code", "case"), CASES)
def test_case(code: str, case: dict[str, Any], snapshot: Callable[..., Snapshot]) -> None:
    found = examine(snapshot(case["base"], case["patch"]), only=[code])
    assert [(one.machine, str(one.status)) for one in found] == [
        (one["machine"], one["status"]) for one in case["expect"]
    ], [one.to_json() for one in found]
    for finding, expected in zip(found, case["expect"], strict=True):
        _compare(finding, expected)


def _compare(finding: Finding, expected: dict[str, Any]) -> None:
    told = finding.to_json()
    assert expected.get("title", "") in finding.title
    assert expected.get("cause", "") in (finding.cause or "")
    for text in expected.get("evidence", ()):
        assert any(text in line for line in finding.evidence), (text, told)
    if "evidence_count" in expected:
        assert len(finding.evidence) == expected["evidence_count"], told
    if "depends_on" in expected:
        assert list(finding.depends_on) == expected["depends_on"]
    fix = finding.fix
    if "fix" in expected:
        assert fix is not None
        assert fix.command == expected["fix"]
    for text in expected.get("steps", ()):
        assert any(text in step for step in (fix.steps if fix else ())), (text, told)
    if "resources" in expected:
        assert [resource.name for resource in (fix.resources if fix else ())] == expected["resources"]
