"""`wslnet` alone: the one next thing, and that it loads nothing heavy while there is no inventory."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from wslnet.engine.next_step import found_lines, next_step

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from wslnet.model.snapshot import Snapshot

    Make = Callable[..., Snapshot]

STOPPED = {"facts": {"windows": {"wsl": {"running": False, "mode": None, "address": None}}}}
ABSENT = {"facts": {"windows": {"wsl": {"installed": False, "running": False}}}}
STRANGER = {"facts": {"vm1": {"domains": [{"name": "win10", "state": "running"}]}}}


@pytest.mark.parametrize(
    ("name", "patch", "unseen", "command"),
    [
        ("mirrored", {}, (), "doctor"),
        ("nat", {}, (), "setup --mirrored"),
        ("nat", {}, ("windows", "wsl", "vm1", "vm2"), "doctor --only machine.reachable"),
        ("nat", STOPPED, ("wsl", "vm1", "vm2"), "doctor --wake"),
        ("nat", ABSENT, ("wsl", "vm1", "vm2"), "doctor --only wsl.version"),
        ("mirrored", {}, ("vm2",), "doctor"),
        ("mirrored", STRANGER, (), "init"),
    ],
)
def test_next(stored: Make, name: str, patch: dict[str, Any], unseen: tuple[str, ...], command: str) -> None:
    step = next_step(stored(name, patch, unseen))
    assert step.command == command
    assert step.why


def test_an_interrupted_run_goes_first(stored: Make) -> None:
    assert next_step(stored("nat"), "20260101T000000Z-1").command == "resume"


def test_what_was_found_names_every_machine_that_was_asked(stored: Make) -> None:
    lines = list(found_lines(stored("nat", unseen=("vm2",))))
    assert lines[0] == "wsl mode: nat"
    assert "vm2 (vm): vm2 does not answer" in lines


def alone(config: Path) -> subprocess.CompletedProcess[str]:
    lines = (
        "import sys",
        "from wslnet.cli.main import run",
        "code = run([])",
        r"print('\n'.join(sys.modules))",
        "sys.exit(code)",
    )
    return subprocess.run(
        [sys.executable, "-c", "\n".join(lines)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "XDG_CONFIG_HOME": str(config), "HOME": str(config)},
    )


@pytest.mark.skipif(sys.platform == "win32", reason="the other half of the text is for Windows")
def test_without_an_inventory_it_points_to_init_and_stays_light(tmp_path: Path) -> None:
    done = alone(tmp_path)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[1] == f"inventory: none yet ({tmp_path / 'wslnet' / 'wslnet.toml'})"
    assert sum(line.startswith("next: ") for line in lines) == 1
    assert "next: wslnet init --windows ADDRESS" in done.stdout
    assert not {"paramiko", "pypsrp", "winrm", "psrpcore"} & set(lines)


def test_an_inventory_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "wslnet").mkdir()
    (tmp_path / "wslnet" / "wslnet.toml").write_text("nonsense", encoding="utf-8")
    done = alone(tmp_path)
    assert done.returncode == 2
    assert "not valid TOML" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
