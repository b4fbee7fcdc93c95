"""The runner of checks: the whole seed, isolation, needs, folding, the JSON and the text."""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click
import pytest

from wslnet.checks import discover
from wslnet.cli.render_doctor import print_diagnosis, render, wants_colour
from wslnet.engine.doctor import Diagnosis, doctor_needs, examine
from wslnet.errors import InputError
from wslnet.model.finding import Check, Finding, Status
from wslnet.model.linux_facts import LinuxFacts
from wslnet.model.machine import Kind
from wslnet.model.windows_facts import WindowsFacts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from wslnet.model.snapshot import Snapshot

    Make = Callable[..., Snapshot]

STOPPED = {
    "facts": {"windows": {"wsl": {"running": False, "mode": None, "address": None}}},
    "unseen": {name: ["stopped", "WSL is not running"] for name in ("wsl", "vm1", "vm2")},
}


def diagnosis_of(snapshot: Snapshot, **how: Any) -> Diagnosis:
    return Diagnosis(snapshot.inventory, examine(snapshot, **how))


def failing(diagnosis: Diagnosis) -> set[tuple[str, str]]:
    return {(one.code, one.machine) for one in diagnosis.findings if one.status is Status.FAIL}


def test_before_setup_doctor_names_the_three_causes(snapshot: Make) -> None:
    found = diagnosis_of(snapshot("seed"))
    assert failing(found) == {("mode.actual", "wsl"), ("route.nested", "wsl"), ("nested.reject", "vm1")}
    assert found.failed


def test_after_setup_nothing_is_left(snapshot: Make) -> None:
    found = diagnosis_of(snapshot("done"))
    assert {str(one.status) for one in found.findings} == {"ok", "skip"}
    assert not found.failed


def test_every_problem_has_evidence_cause_and_fix(snapshot: Make) -> None:
    for patch in ({}, STOPPED, {"unseen": {"vm1": ["unreachable", "refused"]}}):
        for one in examine(snapshot("seed", patch)):
            if one.status in {Status.WARN, Status.FAIL}:
                assert one.evidence, one.code
                assert one.cause, one.code
                assert one.fix is not None, one.code
                assert one.fix.command.startswith("wslnet "), one.code
                assert one.fix.steps, one.code


def test_each_fix_mends_what_it_stands_for(snapshot: Make) -> None:
    before = snapshot("seed")
    for one in examine(before):
        for resource in one.fix.resources if one.fix else ():
            assert resource.diff(before.facts[resource.machine]) is not None, (one.code, resource.name)


def test_needs_are_the_union_by_kind_and_exist(snapshot: Make) -> None:
    inventory = snapshot("seed").inventory
    needs = doctor_needs(inventory)
    assert needs["vm1"] == needs["vm2"]
    assert needs["lan"] == {"identity"}
    assert {"firewall", "routes", "addresses", "sysctls"} <= needs["vm1"]
    assert needs["windows"] <= set(WindowsFacts.__dataclass_fields__)
    assert needs["wsl"] <= set(LinuxFacts.__dataclass_fields__)
    assert doctor_needs(inventory, only=["windows.build"])["vm1"] == frozenset()


@pytest.mark.parametrize("base", ["seed", "done"])
def test_a_check_reads_no_more_than_it_needs(snapshot: Make, base: str) -> None:
    whole = snapshot(base)
    for check in discover():
        needs = doctor_needs(whole.inventory, only=[check.code])
        facts = {
            name: replace(value, **dict.fromkeys(set(value.__dataclass_fields__) - needs[name]))
            for name, value in whole.facts.items()
            if needs[name]
        }
        assert examine(replace(whole, facts=facts), only=[check.code]) == examine(whole, only=[check.code])


def test_an_unknown_code_is_one_line_with_the_known_ones(snapshot: Make) -> None:
    with pytest.raises(
        InputError, match=r"--only no\.such: no such check; there are: adapter\.duplicate-mac, "
    ):
        examine(snapshot("seed"), only=["no.such", "mode.actual"])


def crash_after_one(snapshot: Snapshot) -> Iterator[Finding]:
    yield Finding("test.crash", next(iter(snapshot.inventory.machines)), Status.OK, "the first")
    raise ZeroDivisionError("so it goes")


def test_a_crash_is_a_finding_and_takes_nobody_with_it(snapshot: Make) -> None:
    bad = Check("test.crash", "A check with a fault", {Kind.VM: frozenset()}, crash_after_one)
    checks = [bad, *discover()]
    found = diagnosis_of(snapshot("done"), checks=checks)
    (crash,) = [one for one in found.findings if one.status is Status.CRASH]
    assert (crash.code, crash.machine) == ("test.crash", "vm1")
    assert crash.evidence[0] == "ZeroDivisionError: so it goes"
    assert "test_checks_doctor.py" in crash.evidence[1]
    assert found.summary["crash"] == 1
    assert found.failed
    assert {check.code for check in checks} == {one.code for one in found.findings}


def roots(diagnosis: Diagnosis) -> dict[tuple[str, str], set[tuple[str, str]]]:
    return {
        (one.root.code, one.root.machine): {(other.code, other.machine) for other in one.explains}
        for one in diagnosis.folded()
        if one.root.status is Status.FAIL
    }


def test_a_stopped_wsl_is_the_one_root(snapshot: Make) -> None:
    found = roots(diagnosis_of(snapshot("seed", STOPPED)))
    assert set(found) == {("wsl.running", "wsl")}
    explained = found["wsl.running", "wsl"]
    assert {("machine.reachable", name) for name in ("wsl", "vm1", "vm2")} <= explained
    assert {("mode.actual", "wsl"), ("route.nested", "wsl"), ("nested.reject", "vm1")} <= explained


def test_a_refused_login_on_windows_is_the_one_root(snapshot: Make) -> None:
    refused = ["authentication-failed", "401 Unauthorized"]
    patch = {"unseen": dict.fromkeys(("windows", "wsl", "vm1", "vm2"), refused)}
    diagnosis = diagnosis_of(snapshot("seed", patch))
    assert set(roots(diagnosis)) == {("machine.reachable", "windows")}
    told = {one.code: one for one in diagnosis.findings if one.code != "machine.reachable"}
    assert {str(one.status) for one in told.values()} == {"skip"}


def test_a_missing_vm_hides_no_other_fault(snapshot: Make) -> None:
    patch = {"unseen": {"vm2": ["unreachable", "no route to host"]}}
    assert set(roots(diagnosis_of(snapshot("seed", patch)))) == {
        ("machine.reachable", "vm2"),
        ("mode.actual", "wsl"),
        ("route.nested", "wsl"),
        ("nested.reject", "vm1"),
    }


def test_a_fallback_is_folded_under_what_forced_it(snapshot: Make) -> None:
    patch = {
        "facts": {
            "windows": {
                "registry": {"ipv6_disabled_components": 255},
                "wslconfig": {"content": "$text:[wsl2]\nnetworkingMode=mirrored\n"},
            }
        }
    }
    found = roots(diagnosis_of(snapshot("seed", patch)))
    assert {("mode.actual", "wsl"), ("forwarding.adapters", "windows")} == found["ipv6.components", "windows"]


def test_two_findings_that_blame_each_other_both_stand(snapshot: Make) -> None:
    one = Finding("a.a", "wsl", Status.FAIL, "a", depends_on=("b.b",))
    other = Finding("b.b", "wsl", Status.FAIL, "b", depends_on=("a.a",))
    folded = Diagnosis(snapshot("seed").inventory, (one, other)).folded()
    assert [entry.root for entry in folded] == [one, other]


def test_json_holds_every_finding_in_the_shape_of_the_contract(snapshot: Make) -> None:
    diagnosis = diagnosis_of(snapshot("seed", STOPPED))
    document = diagnosis.to_json()
    assert document["schema_version"] == 1
    summary, findings = document["summary"], document["findings"]
    assert isinstance(summary, dict)
    assert isinstance(findings, list)
    assert set(summary) == {"ok", "warn", "fail", "skip", "crash"}
    assert sum(summary.values()) == len(findings) == len(diagnosis.findings)
    shape = {"code", "machine", "status", "title", "evidence", "cause", "fix", "depends_on", "docs"}
    assert all(set(one) == shape for one in findings)


def test_one_machine(snapshot: Make) -> None:
    found = diagnosis_of(snapshot("seed")).of_machine("vm1")
    assert {one.machine for one in found.findings} == {"vm1"}
    assert failing(found) == {("nested.reject", "vm1")}


def test_text_is_one_line_for_each_finding_failures_first(snapshot: Make) -> None:
    diagnosis = diagnosis_of(snapshot("seed"))
    lines = list(render(diagnosis))
    assert lines[0] == "FAIL   mode.actual wsl: WSL runs in nat mode, mirrored is wished"
    assert "       fix: wslnet setup --mirrored" in lines
    assert any(
        line.startswith("       explains: warn forwarding.adapters windows: forwarding is off")
        for line in lines
    )
    assert "ok     machine.reachable vm2: vm2 was seen" in lines
    # How many are well or not judged grows with every check.
    counts = Counter(str(one.status) for one in diagnosis.findings)
    assert lines[-1] == f"summary: {counts['ok']} ok, 2 warn, 3 fail, {counts['skip']} skip, 0 crash"
    heads = [line.split()[0] for line in lines if not line.startswith(" ")]
    order = ["FAIL", "WARN", "skip", "ok", "summary:"]
    assert heads == sorted(heads, key=order.index)


def test_what_machines_send_cannot_steer_the_terminal(snapshot: Make) -> None:
    patch = {"unseen": {"vm2": ["unreachable", "\x1b]0;owned\x07\nok     vm2: fine"]}}
    lines = list(render(diagnosis_of(snapshot("seed", patch)), colour=False))
    assert not any("\x1b" in line or "\n" in line or "\x07" in line for line in lines)


def test_colour_repeats_what_the_words_say(snapshot: Make) -> None:
    diagnosis = diagnosis_of(snapshot("seed"))
    coloured = list(render(diagnosis, colour=True))
    assert coloured[0].startswith("\x1b[31mFAIL \x1b[0m")
    assert [click.unstyle(line) for line in coloured] == list(render(diagnosis))


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "environ", "expected"),
    [
        (Terminal(), {}, True),
        (Terminal(), {"NO_COLOR": "1"}, False),
        (Terminal(), {"NO_COLOR": ""}, True),
        (io.StringIO(), {}, False),
    ],
)
def test_colour_only_on_a_terminal(stream: io.StringIO, environ: dict[str, str], *, expected: bool) -> None:
    assert wants_colour(stream, environ) is expected


def test_printed_to_a_pipe_it_is_plain(snapshot: Make, capsys: pytest.CaptureFixture[str]) -> None:
    print_diagnosis(diagnosis_of(snapshot("seed")))
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "vm1 filter FORWARD rule 7: REJECT -o virbr0" in out
