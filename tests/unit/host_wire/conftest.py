"""A Windows host with stub commands on loopback, and the unmodified clients that talk to it."""

from __future__ import annotations

import json
import os
import threading
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest
import winrm
from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.wsman import WSMan

from wslnet_lab.host.contract import (
    Category,
    CimInstance,
    CimValue,
    ErrorDetails,
    Identity,
    Information,
    Invocation,
    NativeOutcome,
    Outcome,
    Progress,
    Session,
    Sink,
    Statement,
)
from wslnet_lab.host.log import JsonLinesLog
from wslnet_lab.host.server import WinRmServer
from wslnet_lab.host.wire.accounts import Account
from wslnet_lab.host.wire.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from wslnet_lab.attached import Streams

    Call = Callable[..., PowerShell]

OWNER = Identity("owner", "S-1-5-21-1-2-3-1001")
GUEST = Identity("guest", "S-1-5-21-1-2-3-1002", admin=False)
PASSWORD = "correct horse"


def interface_row(family: int) -> CimInstance:
    return CimInstance(
        namespace="ROOT/StandardCimv2",
        class_name="MSFT_NetIPInterface",
        properties={
            "InstanceID": CimValue("string", f"if-{family}"),
            "Caption": CimValue("string", None),
            "InterfaceIndex": CimValue("uint32", 7),
            "AddressFamily": CimValue("uint16", family),
            "Forwarding": CimValue("uint8", 1),
        },
        keys=("InstanceID",),
        friendly={"AddressFamily": {2: "IPv4", 23: "IPv6"}[family], "Forwarding": "Enabled"},
    )


def not_found(value: str, *, remoting: bool = True) -> ErrorDetails:
    return ErrorDetails(
        fqid="CmdletizationQuery_NotFound_Name,Get-Thing",
        category=Category.OBJECT_NOT_FOUND,
        message=f"No MSFT_Thing objects found with property 'Name' equal to '{value}'.",
        exception_types=("Microsoft.PowerShell.Cmdletization.Cim.CimJobException", "System.SystemException"),
        activity="Get-Thing",
        target_name=value,
        target_type="String",
        target_object=value,
        remoting=remoting,
    )


@dataclass
class StubEngine:
    """Runs the commands it knows; the names are the tests' own."""

    release: threading.Event = field(default_factory=threading.Event)
    started: list[str] = field(default_factory=list)
    seen: list[tuple[tuple[Statement, ...], Session]] = field(default_factory=list)

    def run(self, statements: tuple[Statement, ...], session: Session, sink: Sink) -> Outcome:
        self.seen.append((statements, session))
        for statement in statements:
            reason = self._run_one(statement[0], sink)
            if reason is not None:
                return Outcome("Failed", reason)
        return Outcome("Completed")

    def _run_one(self, call: Invocation, sink: Sink) -> ErrorDetails | None:
        match call.name:
            case "Get-Row":
                sink.output(interface_row(2))
                sink.output(interface_row(23))
            case "Echo":
                for value in (*(argument.value for argument in call.arguments), *call.pipeline_input):
                    sink.output(value)
            case "Report":
                sink.error(not_found(str(call.arguments[0].value)))
            case "Fail":
                return not_found("x")
            case "Warn":
                sink.warning("careful")
                sink.notice(Progress("Preparing", "1/1", completed=True))
                sink.notice(Information("told", "Write-Information", ("a", "b")))
            case "Wait":
                self._wait(call, sink)
            case _:
                raise RuntimeError("a bug in a model")
        return None

    def _wait(self, call: Invocation, sink: Sink) -> None:
        self.started.append(str(call.arguments[0].value) if call.arguments else "")
        deadline = time.monotonic() + 10
        while not (sink.stopping() or self.release.is_set()) and time.monotonic() < deadline:
            time.sleep(0.01)
        sink.output("waited")


@dataclass
class StubPrograms:
    """Native programs: answers with what it was given."""

    def run(
        self, argv: tuple[str, ...], *, identity: Identity, environment: Mapping[str, str], stdin: Streams
    ) -> NativeOutcome:
        given = os.read(stdin.stdin, 65536).decode()
        shown = {"argv": argv, "user": identity.user, "env": dict(environment), "stdin": given}
        return NativeOutcome(7, json.dumps(shown).encode(), b"complaint")


@dataclass
class Host:
    """The server under test and ways to reach it."""

    server: WinRmServer
    engine: StubEngine
    log_path: Path
    current: list[Settings]

    def set(self, **changes: object) -> None:
        self.current[0] = replace(self.current[0], **changes)

    def log(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log_path.read_text().splitlines()]

    @contextmanager
    def wsman(self, user: str = "owner", password: str = PASSWORD, **options: object) -> Iterator[WSMan]:
        settings = {"ssl": False, "auth": "negotiate", "no_proxy": True, **options}
        client = WSMan("127.0.0.1", port=self.server.port, username=user, password=password, **settings)
        with closing(client):
            yield client

    @contextmanager
    def pool(self, wsman: dict[str, Any] | None = None, **options: object) -> Iterator[RunspacePool]:
        with self.wsman(**(wsman or {})) as client, RunspacePool(client, **options) as pool:
            yield pool

    @contextmanager
    def cmd(self, **options: object) -> Iterator[winrm.Protocol]:
        protocol = winrm.Protocol(
            f"http://127.0.0.1:{self.server.port}/wsman",
            **{
                "transport": "ntlm",
                "username": "owner",
                "password": PASSWORD,
                "proxy": None,
                "ca_trust_path": None,
                **options,
            },
        )
        try:
            yield protocol
        finally:
            protocol.transport.close_session()


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    current = [Settings(no_language_configurations=("wslnet",))]
    engine = StubEngine()
    server = WinRmServer(
        engine=engine,
        programs=StubPrograms(),
        log=JsonLinesLog(tmp_path / "log" / "calls.jsonl"),
        accounts=[Account(OWNER, PASSWORD), Account(GUEST, PASSWORD)],
        credential_file=tmp_path / "credentials",
        settings=lambda: current[0],
        port=0,
        address="127.0.0.1",
    )
    server.start()
    yield Host(server, engine, tmp_path / "log" / "calls.jsonl", current)
    engine.release.set()
    server.close()


@pytest.fixture
def call() -> Callable[..., PowerShell]:
    """Builds a pipeline: `call(pool, "Get-Row", Name="x")`."""

    def build(pool: RunspacePool, name: str, **parameters: object) -> PowerShell:
        pipeline = PowerShell(pool)
        pipeline.add_cmdlet(name)
        for key, value in parameters.items():
            pipeline.add_parameter(key, value)
        return pipeline

    return build
