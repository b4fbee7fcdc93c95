"""The local Group Policy's start-up scripts: what Windows runs as SYSTEM when it boots, in their order.

Windows looks at them when `gpt.ini` names the part that runs scripts and has a version for the machine. The
only program that the lab has for them is schtasks.exe, which starts a task.
"""

from __future__ import annotations

import configparser
import re
from typing import TYPE_CHECKING

from wslnet_lab.host.tasks.scheduler import CannotStartError

if TYPE_CHECKING:
    from pathlib import Path

    from wslnet_lab.host.state import MachineState
    from wslnet_lab.host.state.disk import Disk
    from wslnet_lab.host.tasks.scheduler import Scheduler

_FOLDER = "C:\\Windows\\System32\\GroupPolicy"
_SCRIPTS = "{42B5FAAE-6536-11D2-AE5A-0000F87571E3}"
_STARTER = "c:\\windows\\system32\\schtasks.exe"
_START = re.compile(r"/run /tn (?P<folder>\\(?:[^\\]+\\)*)(?P<name>[^\\]+)", re.IGNORECASE)
_HOME = "Core"
_OF_MACHINE = 0xFFFF


def run_startup_scripts(state: MachineState, scheduler: Scheduler, log: Path) -> None:
    """Runs them, each a line of the file `log`; a Windows Home has no Group Policy and looks at nothing."""
    if state.settings.edition.startswith(_HOME) or not _is_in_force(state.disk):
        return
    startup = _section(state.disk, f"{_FOLDER}\\Machine\\Scripts\\scripts.ini", "Startup")
    number = 0
    while (command := startup.get(f"{number}cmdline")) is not None:
        parameters = startup.get(f"{number}parameters", "")
        with log.open("a", encoding="utf-8") as lines:
            lines.write(f"{command} {parameters}\n")
        _run(command, parameters, scheduler)
        number += 1


def _is_in_force(disk: Disk) -> bool:
    general = _section(disk, f"{_FOLDER}\\gpt.ini", "General")
    version = general.get("version", "0")
    named = _SCRIPTS in general.get("gpcmachineextensionnames", "").upper()
    return named and version.isdigit() and int(version) & _OF_MACHINE != 0


def _run(command: str, parameters: str, scheduler: Scheduler) -> None:
    start = _START.fullmatch(parameters)
    if command.lower() != _STARTER or start is None:
        return  # somebody else's script: the lab has no program for it
    task = scheduler.tasks.find(start["folder"], start["name"])
    if task is not None:
        try:
            scheduler.start(task)
        except CannotStartError:
            return  # schtasks says so and ends; Windows goes on


def _section(disk: Disk, path: str, name: str) -> dict[str, str]:
    """The keys of a section, in lower case; none without the file."""
    try:
        content = disk.read(path)
    except FileNotFoundError:
        return {}
    text = content.decode("utf-16" if content.startswith(b"\xff\xfe") else "latin-1")
    reader = configparser.RawConfigParser(strict=False)
    reader.read_string(text)
    return dict(reader[name]) if reader.has_section(name) else {}
