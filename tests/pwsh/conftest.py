"""A real PowerShell, where there is one: version 7.4 or newer on PATH. Elsewhere these tests are counted."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

OLDEST = (7, 4)
_SWITCHES = ("-NoLogo", "-NoProfile", "-NonInteractive")
_START_S = 60
_WHY = "no PowerShell 7.4 or newer on PATH"


@dataclass(frozen=True)
class PowerShell:
    """The engine: `program` is its full path."""

    program: str

    def ask(self, script: Path, *arguments: str, timeout_s: float = 300) -> Any:
        """Runs a script file of ours and gives the JSON document that it prints."""
        command = [self.program, *_SWITCHES, "-File", str(script), *arguments]
        done = subprocess.run(
            command, capture_output=True, text=True, encoding="utf-8", timeout=timeout_s, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


def _version_of(program: str) -> tuple[int, ...]:
    done = subprocess.run(
        [program, "--version"], capture_output=True, text=True, timeout=_START_S, check=True
    )
    # "PowerShell 7.6.5", or with a name of a preview behind it.
    numbers = done.stdout.split()[1].partition("-")[0]
    return tuple(int(part) for part in numbers.split("."))


@pytest.fixture(scope="session")
def pwsh() -> PowerShell:
    program = shutil.which("pwsh")
    if program is None or _version_of(program) < OLDEST:
        pytest.skip(_WHY)
    return PowerShell(program)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = [one for one in terminalreporter.getreports("skipped") if "pwsh" in one.keywords]
    if skipped:
        terminalreporter.write_line(f"pwsh: {len(skipped)} tests skipped: {_WHY}")
