"""Each way in which WSL falls back by itself, made for real: what doctor and setup say of it (wsl-facts 2.1).

WSL's own warnings are for whoever starts it, and that is somebody else here: the mode is measured, the reason
is in the event log.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from .asking import lab_command, reboot
from .asking import run as run_once

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .conftest import RunningLab

pytestmark = [pytest.mark.lab, pytest.mark.full, pytest.mark.timeout(900)]

TOPOLOGY = "bare"
NO_NAT, NO_CONSOMME = "wsl-nat-network-fails", "wsl-consomme-init-fails"
CASES = [
    ("mirrored", ("wsl-mirrored-init-fails",), "none", "microsoft/WSL#12351"),
    (
        "nat",
        (NO_NAT,),
        "virtioproxy",
        "WSL fell back to virtioproxy because it could not make its NAT network",
    ),
    ("nat", (NO_NAT, NO_CONSOMME), "none", "WSL fell back to no network"),
    ("nat", ("wsl-nat-init-fails",), "none", "microsoft/WSL#12351"),
]

CODES = [
    ("0x80041002", "an uninstalled VMware left its bindings behind"),
    ("0x80070002", "an uninstalled VMware left its bindings behind"),
    ("0x80070005", "Windows' network service (HNS) denied it"),
    ("E_ACCESSDENIED", "Windows' network service (HNS) denied it"),
    ("ERROR_UNHANDLED_EXCEPTION", "an adapter was bridged by hand"),
]


def run(lab: RunningLab | Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    return run_once(lab, *arguments, timeout_s=400)


def mode(lab: RunningLab) -> str:
    return str(lab.run("wsl", ["wslinfo", "--networking-mode", "-n"]).stdout)


def config(lab: RunningLab) -> Path:
    return lab.root("windows") / "Users" / "owner" / ".wslconfig"


def wishing(lab: RunningLab, wanted: str, folder: Path) -> Path:
    """The lab's inventory with another wish."""
    text = lab.inventory.read_text(encoding="utf-8")
    assert 'mode = "nat"' in text
    inventory = folder / "wslnet.toml"
    inventory.write_text(text.replace('mode = "nat"', f'mode = "{wanted}"'), encoding="utf-8")
    return inventory


@pytest.fixture
def as_before(story_lab: RunningLab) -> Iterator[RunningLab]:
    """The lab, which is in NAT mode again at the end."""
    before = config(story_lab).read_bytes()
    try:
        yield story_lab
    finally:
        lab_command(story_lab, "break", "--clear")
        config(story_lab).write_bytes(before)
        reboot(story_lab, "wsl")
    assert mode(story_lab) == "nat"


@pytest.mark.row("S0-14")
@pytest.mark.parametrize("case", CASES, ids=["-".join((one[0], *one[1])) for one in CASES])
def test_doctor_measures_the_fallback_and_names_its_cause(
    as_before: RunningLab, tmp_path: Path, case: tuple[str, tuple[str, ...], str, str]
) -> None:
    wanted, faults, found, why = case
    text = config(as_before).read_text(encoding="utf-8")
    config(as_before).write_text(text.replace("networkingMode=nat", f"networkingMode={wanted}"), "utf-8")
    lab_command(as_before, "break", "--clear", *faults)
    reboot(as_before, "wsl")
    assert mode(as_before) == found
    code, said = run(wishing(as_before, wanted, tmp_path), "doctor", "--only", "mode.actual")
    (finding,) = [one for one in said["findings"] if one["code"] == "mode.actual"]
    assert (code, finding["status"]) == (11, "fail"), finding
    assert finding["title"] == f"WSL runs in {found} mode, {wanted} is wished"
    assert why in finding["cause"], finding


@pytest.mark.parametrize(("code", "why"), CODES, ids=[code for code, _ in CODES])
def test_doctor_says_what_a_code_means_and_tries_nothing_that_would_fail_again(
    as_before: RunningLab, tmp_path: Path, code: str, why: str
) -> None:
    text = config(as_before).read_text(encoding="utf-8")
    config(as_before).write_text(text.replace("networkingMode=nat", "networkingMode=mirrored"), "utf-8")
    failing = {"faults": {"wsl-mirrored-init-fails": {"code": code}}}
    (as_before.inventory.parent / "faults.json").write_text(json.dumps(failing), "utf-8")
    lab_command(as_before, "reboot", "wsl")
    wished = wishing(as_before, "mirrored", tmp_path)
    _, said = run(wished, "doctor", "--only", "mode.actual")
    (finding,) = said["findings"]
    assert finding["status"] == "fail"
    assert f"({code}: {why}" in finding["cause"], finding
    exit_code, done = run(wished, "doctor", "--only", "mode.actual", "--fix", "--yes")
    assert (exit_code, done["result"]) == (0, "unchanged"), done
    assert mode(as_before) == "none"


@pytest.mark.parametrize(("faults", "found"), [((NO_NAT,), "virtioproxy"), ((NO_NAT, NO_CONSOMME), "none")])
def test_setup_nat_that_falls_back_is_taken_back(
    as_before: RunningLab, faults: tuple[str, ...], found: str
) -> None:
    code, said = run(as_before, "setup", "--mirrored", "--yes")
    assert (code, said["result"]) == (0, "committed"), said.get("reason", said)
    lab_command(as_before, "break", "--clear", *faults)
    code, said = run(as_before, "setup", "--nat", "--yes")
    lab_command(as_before, "break", "--clear")
    assert (code, said["result"], said["left"]) == (12, "rolled-back", []), said.get("reason", said)
    assert f"came up in mode {found}, not nat" in said["reason"]
    assert mode(as_before) == "mirrored"
    assert run(as_before, "undo", "--yes")[0] == 0
    assert mode(as_before) == "nat"
