"""Plays a recorded session to a pool of the host, with an engine that says what the recorded one said."""

from __future__ import annotations

import struct
import time
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from wslnet_lab.host.contract import EnumValue, Identity, Information, Number, Outcome, Progress, Session
from wslnet_lab.host.wire.runspaces import Runspaces
from wslnet_lab.host.wire.settings import Settings

from .recorded_values import Reader, error_of, parse, unescape

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from xml.etree import ElementTree as ET

    from wslnet_lab.host.contract import Sink, Statement
    from wslnet_lab.host.wire.outbox import Outbox

ZERO = UUID(int=0)
IDS = {"pool": uuid4(), **{f"pipe{number}": uuid4() for number in range(1, 12)}}


class ReplayEngine:
    """Each run gives the next recorded pipeline's messages."""

    def __init__(self, answers: Mapping[str, list[dict[str, Any]]]) -> None:
        self._answers = [each for each in answers.values() if not never_ran(each)]

    def run(self, statements: tuple[Statement, ...], session: Session, sink: Sink) -> Outcome:
        del statements, session
        outcome = Outcome("Completed")
        for message in self._answers.pop(0):
            body = parse(message["body"]) if message["body"] else None
            if message["type"] == "PipelineState" and body is not None:
                outcome = self._outcome(body)
            else:
                self._say(message["type"], body, sink)
        deadline = time.monotonic() + 5
        while outcome.state == "Stopped" and not sink.stopping() and time.monotonic() < deadline:
            time.sleep(0.005)
        return outcome

    def _outcome(self, body: ET.Element) -> Outcome:
        state = {3: "Stopped", 4: "Completed", 5: "Failed"}[int(body.findtext("MS/I32", "0"))]
        record = body.find("MS/Obj[@N='ExceptionAsErrorRecord']")
        return Outcome(state, None if record is None else error_of(record, remoting=False))

    def _say(self, kind: str, body: ET.Element | None, sink: Sink) -> None:
        match kind:
            case "PipelineOutput":
                sink.output(None if body is None else Reader(body).value(body))
            case "ErrorRecord" if body is not None:
                sink.error(error_of(body, remoting=True))
            case "WarningRecord" if body is not None:
                sink.warning(unescape(body.findtext("ToString") or ""))
            case "VerboseRecord" | "DebugRecord" if body is not None:
                told = unescape(body.findtext("ToString") or "")
                sink.remark("verbose" if kind == "VerboseRecord" else "debug", told)
            case "ProgressRecord" if body is not None:
                sink.notice(progress_of(Reader(body).notes(body, "MS")))
            case "InformationRecord" if body is not None:
                notes = Reader(body).notes(body, "MS")
                tags = notes["Tags"]
                assert isinstance(tags, list)
                sink.notice(Information(notes["MessageData"], str(notes["Source"]), tuple(map(str, tags))))
            case _:
                raise AssertionError(f"not modelled: {kind}")


def progress_of(notes: Mapping[str, object]) -> Progress:
    """The recorded progress."""
    kind, operation = notes["Type"], notes["CurrentOperation"]
    assert isinstance(kind, EnumValue)
    percent, left, number, parent = (
        each.value if isinstance(each, Number) else -1
        for each in map(notes.get, ("PercentComplete", "SecondsRemaining", "ActivityId", "ParentActivityId"))
    )
    return Progress(
        activity=str(notes["Activity"]),
        status=str(notes["StatusDescription"]),
        completed=kind.name == "Completed",
        percent=percent,
        seconds_left=left,
        operation=None if operation is None else str(operation),
        number=number,
        parent=parent,
    )


def never_ran(answer: list[dict[str, Any]]) -> bool:
    """Whether a pipeline was stopped while it waited for its turn: a state without a reason."""
    return len(answer) == 1 and ">3<" in answer[0]["body"] and "Exception" not in answer[0]["body"]


class Quiet:
    """A call log that keeps nothing."""

    def write(self, entry: Mapping[str, object]) -> None:
        del entry


def client_bytes(message: dict[str, Any], target: str, number: int) -> bytes:
    """A client's message in one fragment; queries for a pool carry no pipeline id."""
    pipeline = IDS[target] if target != "pool" else ZERO
    head = struct.pack("<II", 2, int(message["type_id"], 16)) + IDS["pool"].bytes_le + pipeline.bytes_le
    data = head + (message["body"] or "").encode()
    return struct.pack(">QQBI", number, 0, 3, len(data)) + data


@dataclass
class Message:
    """One message of a server: what is compared of it."""

    kind: str
    pool: str
    body: str
    bom: bool


def host_answers(
    rows: list[dict[str, Any]], answers: Mapping[str, list[dict[str, Any]]]
) -> dict[str, list[Message]]:
    """What the host's wire answers to the recorded client, per target."""
    session = Session(Identity("owner", "S-1"))
    runspaces = Runspaces(session, ReplayEngine(answers), Quiet(), Settings())
    heard: dict[str, bytes] = defaultdict(bytes)
    for number, row in enumerate(rows):
        target = row.get("to", "")
        if row["dir"] != "c2s" or (row["el"] == "Close" and target == "pool"):
            continue
        if row["el"] == "Command":
            runspaces.add(IDS[target], Settings())
        elif row["el"] == "Data":
            for offset, message in enumerate(row["msgs"]):
                data = client_bytes(message, target, number * 10 + offset + 1)
                runspaces.feed(data, None if target == "pool" else IDS[target])
        elif row["el"] in ("Signal", "Close"):
            pipeline = runspaces.find(IDS[target])
            assert pipeline is not None
            if row["el"] == "Signal" or not pipeline.outbox.wait_done(0.5):
                pipeline.request_stop()
            assert pipeline.outbox.wait_done(5)
            heard[target] += taken(pipeline.outbox)
    heard["pool"] += taken(runspaces.outbox)
    runspaces.close()
    return {target: list(messages(data)) for target, data in heard.items()}


def taken(outbox: Outbox) -> bytes:
    data = b""
    while (delivery := outbox.take(limit=10**9, timeout_s=0)) and delivery.chunks:
        data += b"".join(chunk.data for chunk in delivery.chunks)
    return data


def messages(data: bytes) -> Iterator[Message]:
    names = {identity: name for name, identity in IDS.items()} | {ZERO: "zero"}
    parts = b""
    while data:
        _, _, flags, size = struct.unpack_from(">QQBI", data)
        parts, data = parts + data[21 : 21 + size], data[21 + size :]
        if flags & 2:
            kind, pool, body = struct.unpack_from("<I", parts, 4)[0], UUID(bytes_le=parts[8:24]), parts[40:]
            yield Message(
                f"0x{kind:08x}",
                names[pool],
                body.removeprefix(b"\xef\xbb\xbf").decode(),
                body[:3] == b"\xef\xbb\xbf",
            )
            parts = b""
