"""A Windows host with scripted commands on loopback, and our own bridge and runner to it."""

from __future__ import annotations

import json
import os
import threading
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest

from wslnet.transport.winrm import WinrmBridge
from wslnet.transport.winrm_endpoint import WinrmEndpoint
from wslnet.transport.winrs import WinrsRunner
from wslnet_lab.host.contract import (
    Category,
    CimInstance,
    CimValue,
    ErrorDetails,
    Identity,
    Invocation,
    NativeOutcome,
    Outcome,
    PlainObject,
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

PASSWORD = "correct horse"
OWNER = Identity("owner", "S-1-5-21-1-2-3-1001")


def interface_row(index: int, family: int, forwarding: int) -> CimInstance:
    return CimInstance(
        namespace="ROOT/StandardCimv2",
        class_name="MSFT_NetIPInterface",
        properties={
            "InterfaceIndex": CimValue("uint32", index),
            "InterfaceAlias": CimValue("string", "vEthernet (默认开关)"),
            "AddressFamily": CimValue("uint16", family),
            "Forwarding": CimValue("uint8", forwarding),
            "NlMtu": CimValue("uint32", 4294967295),
            "AdvertisedRouterLifetime": CimValue("interval", None),
        },
        keys=("InterfaceIndex",),
        friendly={"AddressFamily": {2: "IPv4", 23: "IPv6"}[family], "Forwarding": "Disabled"},
    )


def error(fqid: str, category: Category, *, remoting: bool = True) -> ErrorDetails:
    return ErrorDetails(
        fqid=fqid,
        category=category,
        message="Kein passendes Objekt gefunden.",
        activity="x",
        reason="CimJobException",
        target_name="{40E0}",
        target_type="String",
        remoting=remoting,
    )


@dataclass
class ScriptedEngine:
    """Answers by cmdlet name; notes all that reached it."""

    seen: list[tuple[Statement, ...]] = field(default_factory=list)
    release: threading.Event = field(default_factory=threading.Event)
    before_answer: Callable[[], None] = field(default=lambda: None)

    def run(self, statements: tuple[Statement, ...], session: Session, sink: Sink) -> Outcome:
        del session
        self.seen.append(statements)
        self.before_answer()
        for statement in statements:
            reason = self._one(statement[0], sink)
            if reason is not None:
                return Outcome("Failed", reason)
        return Outcome("Completed")

    def names(self) -> list[list[str]]:
        return [[statement[0].name for statement in statements] for statements in self.seen]

    def _one(self, call: Invocation, sink: Sink) -> ErrorDetails | None:
        match call.name:
            case "Get-NetIPInterface":
                sink.notice(Progress("Preparing modules for first use.", "1/1", completed=True))
                sink.output(interface_row(7, 2, 1))
                sink.output(interface_row(7, 23, 0))
            case "Get-NetFirewallHyperVVMSetting":
                sink.error(error("CmdletizationQuery_NotFound_Name,Get-X", Category.OBJECT_NOT_FOUND))
            case "Set-NetIPInterface":
                return error("Windows System Error 5,Set-NetIPInterface", Category.PERMISSION_DENIED)
            case "Get-NetFirewallHyperVVMCreator":
                return error("CommandNotFoundException", Category.OBJECT_NOT_FOUND, remoting=False)
            case "Get-Content":
                sink.output(b"[wsl2]\r\n\xff")
            case "Get-Item":
                name = call.arguments[0].value
                sink.output(
                    PlainObject(
                        ("System.IO.FileInfo", "System.Object"), {"Name": name}, {"Target": ["C:\\dot"]}
                    )
                )
            case "Test-NetConnection":
                self._wait(sink)
            case _:
                sink.output("text")
        return None

    def _wait(self, sink: Sink) -> None:
        deadline = time.monotonic() + 10
        while not (sink.stopping() or self.release.is_set()) and time.monotonic() < deadline:
            time.sleep(0.01)
        sink.output(PlainObject(("TestNetConnectionResult", "System.Object"), {"PingSucceeded": True}))


@dataclass
class ScriptedPrograms:
    """Native programs: echo what they were given, after `delay_s`."""

    delay_s: float = 0.0
    seen: list[tuple[str, ...]] = field(default_factory=list)
    before_answer: Callable[[], None] = field(default=lambda: None)

    def run(
        self, argv: tuple[str, ...], *, identity: Identity, environment: Mapping[str, str], stdin: Streams
    ) -> NativeOutcome:
        del identity
        self.seen.append(argv)
        self.before_answer()
        time.sleep(self.delay_s)
        given = os.read(stdin.stdin, 65536).decode()
        shown = {"argv": argv, "env": dict(environment), "stdin": given}
        return NativeOutcome(-1, json.dumps(shown).encode(), b"complaint")


@dataclass
class Windows:
    """The server under test, and what is set up in it."""

    server: WinRmServer
    engine: ScriptedEngine
    programs: ScriptedPrograms
    log_path: Path
    current: list[Settings]

    def set(self, **changes: object) -> None:
        self.current[0] = replace(self.current[0], **changes)

    def drop_answers(self) -> None:
        """From within a pipeline or program: every answer to it gets lost."""
        self.set(drop_receives=True)
        time.sleep(0.5)

    def log(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log_path.read_text().splitlines()]

    def endpoint(self, **changes: Any) -> WinrmEndpoint:
        base = WinrmEndpoint("win", "127.0.0.1", "owner", PASSWORD, port=self.server.port)
        return replace(base, **changes)


@pytest.fixture
def windows(tmp_path: Path) -> Iterator[Windows]:
    current = [Settings()]
    engine, programs = ScriptedEngine(), ScriptedPrograms()
    server = WinRmServer(
        engine=engine,
        programs=programs,
        log=JsonLinesLog(tmp_path / "log" / "calls.jsonl"),
        accounts=[Account(OWNER, PASSWORD)],
        credential_file=tmp_path / "credentials",
        settings=lambda: current[0],
        port=0,
        address="127.0.0.1",
    )
    server.start()
    yield Windows(server, engine, programs, tmp_path / "log" / "calls.jsonl", current)
    engine.release.set()
    server.close()


@pytest.fixture
def bridge(windows: Windows) -> Iterator[WinrmBridge]:
    one = WinrmBridge(windows.endpoint())
    yield one
    one.close()


@pytest.fixture
def runner(windows: Windows) -> Iterator[WinrsRunner]:
    one = WinrsRunner(windows.endpoint())
    yield one
    one.close()
