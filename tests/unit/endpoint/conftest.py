"""Our endpoint's own files, loaded by the lab's loader over stand-ins that record what would change."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from tests.quiet_sink import QuietSink

from wslnet_lab.host.contract import (
    BoundCall,
    Identity,
    Outcome,
    PlainObject,
    Session,
    Sink,
    Statement,
)
from wslnet_lab.host.endpoint.engine import RestrictedEngine
from wslnet_lab.host.endpoint.files import read_capability, read_configuration
from wslnet_lab.host.endpoint.session import open_session
from wslnet_lab.host.engine import EngineSettings, Registry
from wslnet_lab.host.engine.build import build_commands
from wslnet_lab.host.engine.signatures import load_oracle
from wslnet_lab.host.script.syntax import NotInTheLab
from wslnet_win_agent.endpoint import render
from wslnet_win_agent.endpoint.offer import READS

SID = "S-1-5-21-1004336348-1177238915-682003330-1005"
PROFILE = "C:\\Users\\anna"
FILES = render.files(modules=tuple(READS), account="DESKTOP\\anna")
SESSION = Session(Identity("DESKTOP\\anna", SID, admin=False), "wslnet", no_language=True)
_READING = ("Get-", "Test-", "Export-")


class Outside:
    def variable(self, name: str) -> str | None:
        raise AssertionError(name)

    def read(self, path: str) -> bytes | None:
        raise AssertionError(path)

    def write(self, path: str, content: bytes) -> None:
        raise AssertionError(path, content)

    def registry_value(self, key: str, name: str) -> object:
        if name == "ProfileImagePath" and key.endswith(SID):
            return PROFILE
        return None


class OwnModule:
    def text(self, module: str, name: str) -> str | None:
        return FILES.get(name) if module.lower() == "wslnetendpoint" else None


class Machine:
    """`endpoint.session.World`: every command of Windows says what it was bound to."""

    def __init__(self) -> None:
        self.calls: list[BoundCall] = []
        self.links: set[str] = set()
        registry = Registry()
        for signature in load_oracle("win11").commands.values():
            if signature.name not in ("Get-Command", "Select-Object", "Measure-Object", "Out-Default"):
                registry.add(signature.name, self._record)
        self.windows = build_commands(registry, EngineSettings())
        self.files = OwnModule()
        self.outside = Outside()

    def _record(self, call: BoundCall, _sink: Sink) -> Iterator[object]:
        self.calls.append(call)
        if call.command == "Get-Item" and str(call.parameters["LiteralPath"][0]) in self.links:  # type: ignore[index]  # the binder made a list
            yield PlainObject(("System.IO.FileInfo",), {}, {"LinkType": "SymbolicLink"})

    def native(self, path: str, arguments: list[str]) -> list[str]:
        raise NotInTheLab(f"{path} {arguments}")

    def start_script(self, path: str) -> str | None:
        raise AssertionError(path)

    @property
    def writes(self) -> list[tuple[str, dict[str, object]]]:
        found = [each for each in self.calls if not each.command.startswith(_READING)]
        return [(each.command, dict(each.parameters)) for each in found]


@dataclass
class Endpoint:
    """An open session, and what was asked of Windows behind it."""

    machine: Machine
    engine: RestrictedEngine
    visible: list[str]

    def run(self, *statements: Statement) -> tuple[Outcome, QuietSink]:
        sink = QuietSink()
        self.machine.calls.clear()
        return self.engine.run(statements, SESSION, sink), sink


@pytest.fixture(scope="session")
def open_endpoint() -> Callable[[], Endpoint]:
    def make() -> Endpoint:
        machine = Machine()
        configuration = read_configuration(FILES[render.PSSC])
        opened = open_session(configuration, [read_capability(FILES[render.PSRC])], machine, SESSION)
        visible = sorted(name for name, _ in opened.commands.listed(hidden=False))
        return Endpoint(machine, RestrictedEngine(opened), visible)

    return make
