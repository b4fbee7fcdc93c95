"""For every resource and any state: what is done is what was declared, and its undo gives the old state.

A resource without a case fails: write `case_NAME.py` beside this file for `wslnet/resources/NAME.py`.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module
from inspect import getmembers, isclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings

from wslnet import resources
from wslnet.engine.commit import written_by
from wslnet.errors import PlanRefused
from wslnet.model.linux_facts import LinuxFacts

from . import linux_model, windows_model

if TYPE_CHECKING:
    from collections.abc import Callable

    from wslnet.model.change import Op
    from wslnet.model.snapshot import MachineFacts

MODULES = sorted(module.name for module in pkgutil.iter_modules(resources.__path__))
CASES = {file.stem.removeprefix("case_") for file in Path(__file__).parent.glob("case_*.py")}


def declared_in(module: str) -> list[type]:
    """The resources of a module: what can be diffed and was written there."""
    found = import_module(f"wslnet.resources.{module}")
    return [
        one
        for _, one in getmembers(found, isclass)
        if hasattr(one, "diff") and hasattr(one, "name") and one.__module__ == found.__name__
    ]


def perform(facts: Any, op: Op) -> Any:
    model = linux_model if isinstance(facts, LinuxFacts) else windows_model
    return model.OPS[op.verb](facts, written_by("20260101T000000-000000Z", op).args)


def canonical(facts: MachineFacts) -> MachineFacts:
    return linux_model.canonical(facts) if isinstance(facts, LinuxFacts) else windows_model.canonical(facts)


@pytest.mark.parametrize("module", [name for name in MODULES if declared_in(name)])
def test_every_resource_has_a_case(module: str) -> None:
    assert module in CASES, f"write tests/property/inverse/case_{module}.py"
    case = import_module(f".case_{module}", __package__)
    assert declared_in(module) == [case.RESOURCE]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("examples", [200, pytest.param(1500, marks=pytest.mark.full)])
@pytest.mark.parametrize("module", sorted(CASES))
def test_undo_is_the_inverse(module: str, examples: int, campaign: Callable[..., None]) -> None:
    case = import_module(f".case_{module}", __package__)
    tried = changed = 0

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        derandomize=True,
    )
    @given(case.CASES)
    def law(drawn: Any) -> None:
        nonlocal tried, changed
        tried += 1
        before, resource = drawn
        try:
            changes = resource.diff(before)
        except PlanRefused:
            return
        changed += bool(changes)
        states = [before]
        for change in changes:
            states.append(perform(states[-1], change.do))
        assert resource.diff(states[-1]) == ()
        # A run may stop after any of them.
        for made in range(len(changes) + 1):
            state = states[made]
            for change in reversed(changes[:made]):
                assert change.undo is not None
                state = perform(state, change.undo)
            assert canonical(state) == canonical(before)

    law()
    assert changed
    campaign("undo inverse", tried, case.RESOURCE.__name__)
