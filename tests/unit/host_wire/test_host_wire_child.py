"""`powershell.exe -s` of the lab against what a real engine does line by line (psrp-facts 1 to 3)."""

from __future__ import annotations

import base64
import os
import re
import struct
import threading
from collections import deque
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import psrpcore
import pytest
from psrpcore import types as ps

from wslnet_lab.attached import Streams
from wslnet_lab.host.contract import Identity, Outcome, Session
from wslnet_lab.host.wire.child_session import PROTOCOL_EXIT, ChildSession
from wslnet_lab.host.wire.runspaces import Runspaces
from wslnet_lab.host.wire.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from wslnet_lab.host.contract import Sink, Statement

POOL = UUID(int=0)
PATIENCE_S = 20.0
OPENED = ["Data", "Data", "Data", "DataAck"]


class EchoEngine:
    """Gives what the first command was given; `Wait` waits until it is stopped."""

    def run(self, statements: tuple[Statement, ...], session: Session, sink: Sink) -> Outcome:
        del session
        (command, *_), *_ = statements
        for each in command.arguments:
            sink.output(each.value)
        stop = threading.Event()
        while command.name == "Wait" and not sink.stopping():
            stop.wait(0.005)
        return Outcome("Completed")


class QuietLog:
    def write(self, entry: Mapping[str, object]) -> None:
        del entry


class Child:
    """One such process, its pipes, and the elements that came of it."""

    def __init__(self) -> None:
        self._ends = [os.pipe() for _ in range(3)]
        (stdin, self._input), (output, stdout), (self._complaints, stderr) = self._ends
        streams = Streams(stdin, stdout, stderr, threading.Event())

        def make() -> Runspaces:
            return Runspaces(Session(Identity("o", "S-1")), EchoEngine(), QuietLog(), Settings())

        self._session = ChildSession(make, Settings, streams)
        self._changed = threading.Condition()
        self._came: deque[tuple[str, UUID, bytes]] = deque()
        self.exit_code: int | None = None
        self.client = psrpcore.ClientRunspacePool()
        self._serving = threading.Thread(target=self._serve, args=(stdout, stderr))
        self._reading = threading.Thread(target=self._read, args=(output,))
        self._serving.start()
        self._reading.start()

    def _serve(self, stdout: int, stderr: int) -> None:
        self.exit_code = self._session.serve()
        os.close(stdout)
        os.close(stderr)

    def _read(self, output: int) -> None:
        with os.fdopen(output, "rb") as lines:
            for line in lines:
                found = re.fullmatch(rb"<(\w+) .*?PSGuid='([^']*)'(?: />|>([^<]*)</\w+>)\r\n", line)
                assert found is not None
                with self._changed:
                    target, data = UUID(found[2].decode()), base64.b64decode(found[3] or b"")
                    self._came.append((found[1].decode(), target, data))
                    self._changed.notify_all()

    def write(self, *lines: bytes) -> None:
        os.write(self._input, b"".join(lines))

    def hear(self, count: int) -> list[str]:
        """The names of the next elements; what came in Data goes to the client's half."""
        heard = []
        for _ in range(count):
            with self._changed:
                assert self._changed.wait_for(lambda: self._came, PATIENCE_S)
                name, target, data = self._came.popleft()
            heard.append(name)
            if data:
                kind = psrpcore.StreamType.default
                self.client.receive_data(psrpcore.PSRPPayload(data, kind, target if target.int else None))
        return heard

    def events(self) -> Iterator[psrpcore.PSRPEvent]:
        while (event := self.client.next_event()) is not None:
            yield event

    def say(self, name: str, target: UUID = POOL, data: bytes = b"") -> None:
        content = base64.b64encode(data)
        stream = "Stream='Default' " if name == "Data" else ""
        head = f"<{name} {stream}PSGuid='{target}'"
        self.write(head.encode(), b">" + content + f"</{name}>\n".encode() if data else b" />\n")

    def opening(self) -> bytes:
        self.client.open()
        payload = self.client.data_to_send()
        assert payload is not None
        return bytes(payload.data)

    def open(self) -> None:
        self.say("Data", POOL, self.opening())
        assert self.hear(4) == OPENED

    def command(self, name: str, **parameters: object) -> tuple[UUID, bytes]:
        """A pipeline: its id, and the fragments that ask for it."""
        pipeline = psrpcore.ClientPowerShell(self.client)
        pipeline.add_command(name)
        for key, value in parameters.items():
            pipeline.add_parameter(key, value)
        pipeline.start()
        payload = self.client.data_to_send()
        assert payload is not None
        return pipeline.pipeline_id, bytes(payload.data)

    def complaints(self) -> str:
        with os.fdopen(self._complaints, "rb") as stream:
            return stream.read().decode()

    def end(self) -> str:
        """Ends its input; gives what it said on stderr."""
        os.close(self._input)
        self._serving.join(PATIENCE_S)
        self._reading.join(PATIENCE_S)
        os.close(self._ends[0][0])
        assert self.exit_code == PROTOCOL_EXIT
        return self.complaints()

    def dies(self) -> None:
        """It has ended by itself."""
        self._serving.join(PATIENCE_S)
        assert self.exit_code == PROTOCOL_EXIT


@pytest.fixture
def child() -> Iterator[Child]:
    made = Child()
    yield made
    assert made.end()


def data_line(data: bytes, form: str) -> bytes:
    return form.replace("DATA", base64.b64encode(data).decode()).encode()


@pytest.mark.parametrize(
    "form",
    [
        f'<Data Stream="Default" PSGuid="{POOL}">DATA</Data>\n',
        f"<Data PSGuid='{POOL}' Stream='Default'>DATA</Data>\r\n",
        f"  <Data   Stream = 'Default'\tPSGuid='{POOL}' >DATA</Data  > \n",
        f"\ufeff<Data Stream='Default' PSGuid='{POOL}'>DATA</Data>\n",
    ],
)
def test_forms_of_an_element_that_are_taken(child: Child, form: str) -> None:
    child.write(data_line(child.opening(), form))
    assert child.hear(4) == OPENED


def test_a_pipeline_from_its_command_to_its_close(child: Child) -> None:
    child.open()
    target, data = child.command("Echo", A="x", B="y")
    child.say("Command", target)
    assert child.hear(1) == ["CommandAck"]
    child.say("Data", target, data)
    assert child.hear(4) == ["DataAck", "Data", "Data", "Data"]
    *_, first, second, end = child.events()
    assert (first.data, second.data) == ("x", "y")
    assert end.state == ps.PSInvocationState.Completed
    child.say("Close", target)
    assert child.hear(1) == ["CloseAck"]


def test_several_elements_stand_on_one_line(child: Child) -> None:
    child.open()
    target, data = child.command("Echo", A="x")
    command = f"<Command PSGuid='{target}'></Command>".encode()
    child.write(command, data_line(data, f"<Data Stream='Default' PSGuid='{target}'>DATA</Data>\n"))
    assert child.hear(4) == ["CommandAck", "DataAck", "Data", "Data"]


@pytest.mark.parametrize("piece", [1, 20, 22, 500])
def test_a_fragment_may_be_cut_over_lines(child: Child, piece: int) -> None:
    data = child.opening()
    # Byte by byte only around the first header, which is what can go wrong.
    pieces = [data[at : at + 1] for at in range(40)] + [data[40:]] if piece == 1 else []
    pieces = pieces or [data[at : at + piece] for at in range(0, len(data), piece)]
    for each in pieces[:-1]:
        child.say("Data", POOL, each)
    child.say("Data", POOL, pieces[-1])
    heard = child.hear(len(pieces) + 3)
    assert (heard.count("DataAck"), heard.count("Data")) == (len(pieces), 3)


def test_a_pipeline_that_nobody_knows_is_acknowledged(child: Child) -> None:
    child.open()
    stranger = uuid4()
    for name in ("Signal", "Data", "Close", "Close"):
        child.say(name, stranger, b"x" if name == "Data" else b"")
        assert child.hear(1) == [f"{name}Ack"]


def test_a_stop_is_answered_after_the_state(child: Child) -> None:
    child.open()
    target, data = child.command("Wait")
    child.say("Command", target)
    child.say("Data", target, data)
    assert child.hear(2) == ["CommandAck", "DataAck"]
    child.say("Signal", target)
    assert child.hear(2) == ["Data", "SignalAck"]
    (end,) = (event for event in child.events() if isinstance(event, psrpcore.PipelineStateEvent))
    assert end.state == ps.PSInvocationState.Stopped
    assert end.reason.FullyQualifiedErrorId == "PipelineStopped"


def test_the_pool_closes_after_its_last_pipeline_and_a_new_one_opens(child: Child) -> None:
    child.open()
    target, data = child.command("Echo")
    child.say("Command", target)
    child.say("Data", target, data)
    assert child.hear(3) == ["CommandAck", "DataAck", "Data"]
    child.say("Close")
    child.say("Signal", uuid4())
    assert child.hear(1) == ["SignalAck"]  # and nothing of the pool
    child.say("Close", target)
    assert child.hear(4) == ["CloseAck", "Data", "Data", "CloseAck"]
    child.client = psrpcore.ClientRunspacePool()
    child.open()


@pytest.mark.parametrize(
    "line",
    [
        "",
        "  ",
        "hello",
        f"junk<Signal PSGuid='{uuid4()}' />",
        f"<Signal PSGuid='{uuid4()}' />junk",
        f"<Signal PSGuid='{uuid4()}'>",
        f"<Bogus PSGuid='{uuid4()}' />",
        f"<DataAck PSGuid='{uuid4()}' />",
        f"<CommandAck PSGuid='{uuid4()}' />",
        f"<Signal PSGuid='{POOL}' />",
        f"<Command PSGuid='{POOL}' />",
        f"<Signal PSGuid='{uuid4()}' Stream='Default' />",
        "<Signal />",
        "<Signal PSGuid='x' />",
        f"<Data Stream='Default' PSGuid='{uuid4()}'></Data>",
        f"<Data Stream='Default' PSGuid='{uuid4()}'>!!!!</Data>",
        f"<Data PSGuid='{uuid4()}'>AAAA</Data>",
        f"<Data Stream='Default' PSGuid='{uuid4()}' Other=''>AAAA</Data>",
        f"\ufeff<Signal PSGuid='{uuid4()}' />",
        "<!DOCTYPE a>",
    ],
)
def test_lines_that_end_it_at_once(child: Child, line: str) -> None:
    child.open()
    child.write(line.encode(), b"\n")
    child.dies()


def test_a_command_twice_ends_it(child: Child) -> None:
    target = uuid4()
    child.open()
    child.say("Command", target)
    child.say("Command", target)
    assert child.hear(1) == ["CommandAck"]
    child.dies()


GARBAGE = [b"\xff" * 40, b"\0" * 40, b"\0" * 7 + b"\1" + b"\0" * 8 + b"\3" + b"\xff" * 8]
NO_MESSAGES = [
    b"",
    b"x",
    b"\2\0\0\0\4\0\1\0" + b"\0" * 32 + b"<Obj>",
    b"\2\0\0\0\6\x10\2\0" + b"\0" * 32 + b"<Obj RefId='0'><MS><Nil N='PowerShell'/></MS></Obj>",
    b"\2\0\0\0\4\0\1\0" + b"\0" * 32 + b"<Obj><MS><Version N='PSVersion'/></MS></Obj>",
    b"\2\0\0\0\4\0\1\0" + b"\0" * 32 + b"<Obj>" * 5000,
]


@pytest.mark.parametrize(
    "data", [*GARBAGE, *(struct.pack(">QQBI", 9, 0, 3, len(each)) + each for each in NO_MESSAGES)]
)
def test_what_is_no_message_is_said_on_stderr_and_the_child_lives(data: bytes) -> None:
    child = Child()
    child.open()
    child.say("Data", POOL, data)
    child.say("Signal", uuid4())
    assert child.hear(1) == ["SignalAck"]
    assert child.end().startswith("Remote transport error: ")


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("PSVersion", "3.0"),
        ("protocolversion", "3.0"),
        ("protocolversion", "1.0"),
        ("SerializationVersion", "2.0.0.1"),
    ],
)
def test_versions_that_it_does_not_speak_are_met_with_silence(child: Child, name: str, version: str) -> None:
    setattr(child.client.our_capability, name, ps.PSVersion(version))
    child.say("Data", POOL, child.opening())
    child.say("Signal", uuid4())
    assert child.hear(3) == ["Data", "DataAck", "SignalAck"]
