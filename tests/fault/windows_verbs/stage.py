"""A whole Windows on paper with faults on the way to it, and the session that a run would have with it.

Its own state (registry, files, tasks, firewall, WSL) is read here in the models themselves, never through
the program under test.
"""

from __future__ import annotations

import json
import shutil
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wslnet.model.change import Op
from wslnet.model.machine import Kind, Machine
from wslnet.transport.child_pipe import ChildPipe
from wslnet.transport.local_bridge import LocalBridge
from wslnet.transport.local_native import VARIABLES, LocalNative
from wslnet.transport.local_session import Patience
from wslnet.transport.windows_session import WindowsSession
from wslnet.transport.windows_ways import remote
from wslnet_lab.host.__main__ import _build_server
from wslnet_lab.host.local_programs import LocalPrograms
from wslnet_lab.host.log import JsonLinesLog
from wslnet_lab.host.machine import WindowsMachine, build_windows
from wslnet_lab.host.paper_hardware import PaperHardware
from wslnet_lab.host.wire.settings import SettingsSource
from wslnet_lab.standins import windows_program
from wslnet_win_agent.boot.guard_files import ARMED, NETWORK, RELEASE, RELEASED, Order, Report
from wslnet_win_agent.boot.places import DATA_FOLDER, order_name, report_name
from wslnet_win_agent.ops import relay

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

relay.HEARD_WITHIN_S = 0.5
"""The tasks of a Windows on paper run nothing that could be heard."""
PASSWORD = "correct horse"
CHILD = Path(__file__).with_name("faulty_child.py")
_SETTLE_S = 5.0
_LONGEST_WATCH_S = 60.0


class Guarding:
    """The process of the network task: it follows the orders it finds, and undoes nothing."""

    def __init__(self, windows: Windows) -> None:
        self._windows = windows
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def wait(self, timeout_s: float | None) -> int | None:
        self._thread.join(timeout_s)
        return None if self._thread.is_alive() else 0

    def end(self) -> None:
        self._over.set()

    def _follow(self) -> None:
        """Up to a release, or for as long as any test lasts."""
        until = time.monotonic() + _LONGEST_WATCH_S
        seen = 0
        while not self._over.wait(0.05) and time.monotonic() < until:
            order = self._windows.order()
            if order is not None and order.number != seen:
                seen = order.number
                report = Report(order, RELEASED if order.word == RELEASE else ARMED)
                self._windows.state.disk.write(rf"{DATA_FOLDER}\{report_name(NETWORK)}", report.to_bytes())
                if order.word == RELEASE:
                    return


@dataclass
class Windows:
    """One Windows, its log, and ways to set faults before a session begins."""

    folder: Path
    hardware: PaperHardware = field(default_factory=PaperHardware)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        (self.folder / "password").write_text(f"{PASSWORD}\n")
        self._log = JsonLinesLog(self.folder / "log/calls.jsonl")
        self.machine: WindowsMachine = build_windows(
            self.folder, self.hardware, self._log, launch=lambda _action, _identity: Guarding(self)
        )
        self.machine.boot()
        self.programs = LocalPrograms.of(self.machine, self._log, SettingsSource(self.folder))

    # ---- its own state

    @property
    def state(self) -> Any:
        return self.machine.state

    def file(self, path: str) -> bytes | None:
        place = self.state.disk.locate(path)
        return place.read_bytes() if place is not None and place.is_file() else None

    def order(self) -> Order | None:
        """What the guard of the network half was told last."""
        return Order.of(self.file(rf"{DATA_FOLDER}\{order_name(NETWORK)}"))

    def stored(self, name: str) -> str:
        """A file of Windows' own state, as text."""
        path = self.folder / "windows" / name
        return path.read_text("utf-8") if path.exists() else ""

    def entries(self) -> list[dict[str, Any]]:
        """The log of what it was told, once nothing is told any more."""
        path = self.folder / "log/calls.jsonl"
        deadline = time.monotonic() + _SETTLE_S
        before = ""
        while (text := path.read_text() if path.exists() else "") != before and time.monotonic() < deadline:
            before = text
            time.sleep(0.25)
        found = [json.loads(line) for line in text.splitlines()]
        return [entry for entry in found if entry["kind"] in ("psrp", "winrs", "local")]

    def set_faults(self, faults: dict[str, object]) -> None:
        (self.folder / "faults.json").write_text(json.dumps({"faults": faults}))

    # ---- sessions

    @contextmanager
    def over_winrm(self) -> Iterator[WindowsSession]:
        """A session over real pypsrp and pywinrm."""
        server = _build_server(self.folder, self.programs, 0)
        server.start()
        user = self.state.settings.owner
        entry = Machine("windows", Kind.WINDOWS, address="127.0.0.1", port=server.port, user=user)
        session = remote(entry, PASSWORD)
        try:
            yield session
        finally:
            session.close()
            server.close()

    @contextmanager
    def over_child(self, fault: str = "none", after: int = 0) -> Iterator[WindowsSession]:
        """A session with a child PowerShell whose lines go through `faulty_child.py`."""
        programs = self.folder / "standins/windows/bin"
        programs.mkdir(parents=True, exist_ok=True)
        for name in ("powershell.exe", "wsl.exe", "whoami.exe", "icacls.exe", "netsh.exe"):
            target = programs / name
            shutil.copy(windows_program.__file__, target)
            target.chmod(0o755)
        socket = self.programs.serve(self.folder / "windows/programs.sock")
        argv = (sys.executable, str(CHILD), str(programs / "powershell.exe"), fault, str(after))
        native = PlacedNative("windows", programs, fault)
        patience = Patience(open_s=10.0, acknowledge_s=2.5, stop_s=1.0)
        session = WindowsSession("windows", LocalBridge("windows", argv, patience), native)
        try:
            yield session
        finally:
            session.close()
            socket.shutdown()
            socket.server_close()

    def without_faults(self, verb: str, args: dict[str, object]) -> None:
        """Does one op over a good line."""
        with self.over_winrm() as session:
            (result,) = session.execute([Op(verb, args)], deadline_s=60)
        assert result.ok, result


class PlacedNative(LocalNative):
    """Native programs out of one folder instead of PATH; mute ones while the fault is silence."""

    def __init__(self, machine: str, folder: Path, fault: str) -> None:
        super().__init__(machine)
        self._folder = folder
        self._mute = fault == "silent"

    def _start(self, argv: Sequence[str]) -> ChildPipe:
        name = argv[0].rpartition("\\")[2]
        mute = (sys.executable, "-c", "import time; time.sleep(60)")
        return ChildPipe(mute if self._mute else (str(self._folder / name), *argv[1:]), "windows", VARIABLES)
