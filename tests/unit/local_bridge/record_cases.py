"""Writes tests/cases/psrp/*.raw.jsonl: sessions with the lab's own `powershell.exe -s`, line by line.

Run by hand after a change of the lab's server: `python tests/unit/local_bridge/record_cases.py`. They have
the form of ../shared/corpus/psrp, so that a clone without it plays back the same kind of sessions.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wslnet.transport import local_bridge
from wslnet.transport.child_pipe import ChildPipe
from wslnet.transport.local_bridge import LocalBridge
from wslnet_win_agent.calls import files, firewall, network

if TYPE_CHECKING:
    from wslnet_win_agent.call import Call

HERE = Path(__file__).parent
CASES = HERE.parents[1] / "cases/psrp"


class RecordingPipe(ChildPipe):
    """A child whose lines are kept."""

    rows: list[dict[str, str]] = []  # noqa: RUF012 - one recording at a time
    rest = b""

    def send(self, data: bytes, deadline: float) -> None:
        self.rows += [{"dir": "c2s", "line": f"{line}\n"} for line in data.decode().splitlines()]
        super().send(data, deadline)

    def recv(self, deadline: float) -> bytes:
        data = super().recv(deadline)
        *lines, self.rest = (self.rest + data).split(b"\n")
        self.rows += [{"dir": "s2c", "line": f"{line.decode()}\n"} for line in lines]
        return data


def record(name: str, calls: list[Call], **settings: object) -> None:
    """One session; `settings` are the Windows' own: `faults` (names) and what windows.json holds."""
    RecordingPipe.rows = []
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "faults.json").write_text(json.dumps({"faults": settings.pop("faults", [])}))
        (Path(folder) / "windows.json").write_text(json.dumps(settings))
        bridge = LocalBridge("windows", (sys.executable, str(HERE / "paper_windows.py"), folder))
        reply = bridge.run(calls, deadline_s=60)
        bridge.close()
    head: dict[str, Any] = {
        "scenario": name,
        "engine": "the lab's own",
        "result": [
            {
                "state": reply.state,
                "output": len(reply.outputs),
                "errors": [[each.fqid, each.category] for each in reply.errors],
            }
        ],
    }
    rows = [head, *RecordingPipe.rows]
    (CASES / f"{name}.raw.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows), "utf-8")


def main() -> None:
    local_bridge.ChildPipe = RecordingPipe  # type: ignore[misc]
    record("refused_write", [firewall.change_setting("{00000000-0000-0000-0000-000000000000}", "Allow")])
    record("error_between_rows", [files.user_profile(), firewall.stored_setting("x"), network.profiles()])
    record(
        "fragments", [files.user_profile(), firewall.rule("no such rule")], faults=["psrp-split-fragments"]
    )
    record("command_not_found", [firewall.creators()], build=14393)


if __name__ == "__main__":
    main()
