"""Runs in a mount namespace of its own: whole runs whose state lies on a small tmpfs, full or read-only.

Prints one JSON line for each point: what the run said, the machines' values then and after a `resume`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from model import Clock, GuardedFleet, prepared  # type: ignore[import-not-found]

from wslnet.app.confirm import confirm
from wslnet.app.execute import execute
from wslnet.app.undo import interrupted, resume, run_to_undo, undo
from wslnet.engine.journal import Journal
from wslnet.errors import WslnetError

BALLAST = "somebody-elses-file"


def say(_machine: str, _text: str) -> None:
    """Nobody listens."""


def mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True, timeout=10)


def fill(disk: Path) -> None:
    """Somebody else writes until nothing is left, to the byte."""
    with (disk / BALLAST).open("ab", buffering=0) as file:
        for size in (65536, 4096, 64, 1):
            with suppress(OSError):
                while file.write(bytes(size)) == size:
                    pass


def point(fault: str, fleet: Any, act: Any) -> None:
    said: dict[str, Any] = {"fault": fault, "error": "", "result": "", "left": [], "unrecorded": []}
    said["before"] = dict(fleet.values)
    try:
        outcome = act()
        said.update(result=outcome.result, code=outcome.exit_code, left=outcome.left)
        said.update(unrecorded=outcome.unrecorded)
    except WslnetError as error:
        said.update(error=error.message, code=error.exit_code)
    said["values"] = dict(fleet.values)
    mount("-o", "remount,rw", str(fleet.inventory.state))
    (fleet.inventory.state / BALLAST).unlink(missing_ok=True)
    resume(fleet, interrupted(fleet.inventory.state), say)
    said["resumed"] = dict(fleet.values)
    print(json.dumps(said), flush=True)  # noqa: T201 - this is its output


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="wslnet-disk-"))
    patch = pytest.MonkeyPatch()
    write, records, full_at = Journal.write, 0, 0
    try:

        def fresh() -> Any:
            clock = Clock()
            clock.patch(patch)
            fleet = GuardedFleet.at(folder, clock)
            subprocess.run(["umount", "-q", "-l", str(fleet.inventory.state)], check=False, timeout=10)
            fleet.inventory.state.mkdir(exist_ok=True)
            mount("-t", "tmpfs", "-o", "size=256k", "wslnet-test", str(fleet.inventory.state))
            return fleet

        def counted(self: Journal, kind: str, **body: object) -> None:
            nonlocal records
            records += 1
            if records == full_at:
                # A tmpfs gives whole pages: what is left of the last one would take a few more records.
                with self.path.open("ab") as file:
                    file.write(b"\n" * (-file.tell() % 4096))
                fill(self.path.parents[1])
            write(self, kind, **body)

        patch.setattr(Journal, "write", counted)
        whole = fresh()
        execute(prepared(whole), say)
        for at in range(records + 1):
            records, full_at = 0, at
            fleet = fresh()
            if at == 0:
                fill(fleet.inventory.state)
            point("full", fleet, lambda fleet=fleet: execute(prepared(fleet), say))
        full_at = -1
        fleet = fresh()
        todo = prepared(fleet)
        mount("-o", "remount,ro", str(fleet.inventory.state))
        point("read-only", fleet, lambda: execute(todo, say))
        fleet = fresh()
        execute(prepared(fleet), say, confirm_within=60)
        mount("-o", "remount,ro", str(fleet.inventory.state))
        point("read-only", fleet, lambda: confirm(fleet, None, say))
        fleet = fresh()
        execute(prepared(fleet), say)
        mount("-o", "remount,ro", str(fleet.inventory.state))
        point("read-only", fleet, lambda: undo(fleet, run_to_undo(fleet.inventory.state, None), say))
    finally:
        subprocess.run(["umount", "-q", "-l", str(folder / "state")], check=False, timeout=10)
        subprocess.run(["rm", "-r", str(folder)], check=True, timeout=10)


main()
