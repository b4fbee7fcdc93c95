"""The same Windows on paper, reached over WinRM: what the local bridge is compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from wslnet.model.machine import Kind, Machine
from wslnet.transport.windows_ways import remote
from wslnet_lab.host.__main__ import _build_server
from wslnet_lab.host.local_programs import LocalPrograms
from wslnet_lab.host.log import JsonLinesLog
from wslnet_lab.host.machine import build_windows
from wslnet_lab.host.paper_hardware import PaperHardware
from wslnet_lab.host.wire.settings import SettingsSource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from wslnet.transport.windows_session import WindowsSession


@pytest.fixture
def remote_session() -> Iterator[Callable[[Path], WindowsSession]]:
    """Gives a function from the folder of a Windows to a session over WinRM with it."""
    ends: list[Callable[[], None]] = []

    def open_session(folder: Path) -> WindowsSession:
        (folder / "password").write_text("correct horse\n")
        log = JsonLinesLog(folder / "log/calls.jsonl")
        machine = build_windows(folder, PaperHardware(), log)
        machine.boot()
        server = _build_server(folder, LocalPrograms.of(machine, log, SettingsSource(folder)), 0)
        server.start()
        entry = Machine(
            "windows", Kind.WINDOWS, address="127.0.0.1", port=server.port, user=machine.state.settings.owner
        )
        session = remote(entry, "correct horse")
        ends.extend([server.close, session.close])
        return session

    yield open_session
    for end in reversed(ends):
        end()
