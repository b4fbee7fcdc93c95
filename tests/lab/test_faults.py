"""When something is broken: doctor ends and says so, setup refuses or takes back, in one line."""

from __future__ import annotations

import hashlib
import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from .asking import WSLNET

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.lab


def call(lab: Any, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [WSLNET, "--inventory", str(lab.inventory), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert "Traceback" not in done.stdout + done.stderr
    return done


def inject(lab: Any, *faults: str) -> None:
    command = [WSLNET, "lab", "break", "--name", lab.name, "--clear", *faults]
    subprocess.run(command, check=True, capture_output=True, timeout=30)


def config_digest(lab: Any) -> str:
    config = lab.root("windows") / "Users" / "owner" / ".wslconfig"
    return hashlib.sha256(config.read_bytes()).hexdigest()


@pytest.fixture
def faulty(story_lab: Any) -> Iterator[Any]:
    yield story_lab
    inject(story_lab)


@pytest.mark.parametrize(
    ("fault", "code", "named"),
    [
        ("winrm-401", "authentication-failed", "401"),
        ("sshd-refused:wsl", "unreachable", "refused"),
        ("sshd-refused:vm1", "unreachable", "vm1"),
    ],
)
def test_doctor_says_what_it_could_not_see(faulty: Any, fault: str, code: str, named: str) -> None:
    inject(faulty, fault)
    done = call(faulty, "doctor", "--json")
    said = json.loads(done.stdout)
    assert done.returncode == 11
    assert said["summary"]["crash"] == 0
    unseen = [
        one for one in said["findings"] if one["code"] == "machine.reachable" and one["status"] == "fail"
    ]
    assert any(code in line and named in line for one in unseen for line in one["evidence"])


@pytest.mark.parametrize(
    ("fault", "exit_code", "named"),
    [
        ("winrm-401", 20, "401"),
        ("sshd-refused:wsl", 20, "wsl"),
        ("sshd-refused:vm2", 20, "vm2"),
        ("wslconfig-locked", 2, ".wslconfig"),
    ],
)
def test_setup_refuses_in_one_line_and_changes_nothing(
    faulty: Any, fault: str, exit_code: int, named: str
) -> None:
    before = config_digest(faulty)
    inject(faulty, fault)
    done = call(faulty, "setup", "--mirrored", "--yes")
    errors = [line for line in done.stderr.splitlines() if line.startswith("wslnet:")]
    assert (done.returncode, len(errors)) == (exit_code, 1), done.stderr
    assert named in errors[0]
    assert config_digest(faulty) == before
    assert faulty.status()["machines"]["vm2"]["state"] == "running"


def test_an_unreadable_key_is_named(story_lab: Any, tmp_path: Path) -> None:
    text = story_lab.inventory.read_text(encoding="utf-8")
    inventory = tmp_path / "wslnet.toml"
    inventory.write_text(text.replace("keys/id_ed25519", "keys/nowhere"), encoding="utf-8")
    done = subprocess.run(
        [WSLNET, "--inventory", str(inventory), "setup", "--mirrored", "--yes"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    errors = [line for line in done.stderr.splitlines() if line.startswith("wslnet:")]
    assert (done.returncode, len(errors)) == (2, 1), done.stderr
    assert "keys/nowhere" in errors[0]


def test_wsl_that_is_stopped_is_told_and_stays_stopped(story_lab: Any) -> None:
    story_lab.control("wsl_stop", force=False)
    done = call(story_lab, "doctor", "--json")
    said = json.loads(done.stdout)
    told = {one["code"]: one["status"] for one in said["findings"] if one["machine"] in {"wsl", "windows"}}
    assert told["wsl.running"] in {"fail", "warn"}
    assert done.returncode == 11
    assert story_lab.status()["machines"]["wsl"]["state"] != "running"
