"""What every write to Windows has to be, judged by the lab's own log and by nothing of the product's."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from wslnet_win_agent.endpoint.offer import FUNCTIONS

from .asking import lab_calls

if TYPE_CHECKING:
    from collections.abc import Iterable

# Select and Measure only look at what comes, Export-ScheduledTask gives text.
READS = {"Get", "Test", "Select", "Measure", "Export"}
SELECTORS = {"Name", "LiteralPath", "InterfaceIndex", "Path", "TaskName"}
OWN_SELECTORS = {"Name", "InterfaceIndex", "Kind", "From", "To"}
ONE_THING = {"New-WslnetHyperVSetting", "Set-WslnetConfigDraft", "Set-WslnetHyperVSetting"}
"""Functions of the endpoint whose body has the key: WSL's creator id, the caller's own draft."""

_STOP = {"Stop", 1}


def writes(calls: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The pipelines that hold a write, in their order."""
    return [
        call
        for call in calls
        if call["kind"] == "psrp"
        and any(one["name"].partition("-")[0] not in READS for one in call["commands"])
    ]


def judge_story(lab: Any) -> None:
    """Every write that a lab's Windows has seen, as soon as it has seen any; the lab may be gone."""
    if (lab.inventory.parent / "log" / "calls.jsonl").exists():
        assert_alone_with_stop_and_key(lab_calls(lab))


def assert_alone_with_stop_and_key(calls: Iterable[dict[str, Any]]) -> None:
    """Alone in its pipeline, stopping at its first error, asking nobody, with a name that is no pattern."""
    oracle = json.loads(files("wslnet_win_agent").joinpath("cmdlets.json").read_text("utf-8"))["cmdlets"]
    for call in writes(calls):
        (command,) = call["commands"]
        assert not command["script"], command
        parameters = {name: one["value"] for name, one in command["parameters"].items()}
        assert parameters["ErrorAction"] in _STOP, command
        assert "AsJob" not in parameters, command
        ours = command["name"] in FUNCTIONS
        if not ours and oracle[command["name"]]["should_process"]:
            assert parameters["Confirm"] is False, command
        keys = OWN_SELECTORS if ours else SELECTORS
        selected = [parameters[name] for name in keys & set(parameters)]
        assert selected or command["name"] in ONE_THING, command
        assert all(one and "*" not in str(one) for one in selected), command
