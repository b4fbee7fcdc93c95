"""`powershell.exe -s` of a Windows on paper: `paper_windows.py FOLDER …`, the lab's own server."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from wslnet_lab.attached import Streams
from wslnet_lab.host.local_programs import LocalPrograms
from wslnet_lab.host.log import JsonLinesLog
from wslnet_lab.host.machine import build_windows
from wslnet_lab.host.paper_hardware import PaperHardware
from wslnet_lab.host.wire.settings import SettingsSource

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    log = JsonLinesLog(folder / "log/calls.jsonl")
    machine = build_windows(folder, PaperHardware(), log)
    machine.boot()
    programs = LocalPrograms.of(machine, log, SettingsSource(folder))
    request = {"argv": ["powershell.exe", *sys.argv[2:]], "environment": {}}
    sys.exit(programs.run(request, Streams(0, 1, 2, threading.Event()))["exit_code"] & 0xFF)
