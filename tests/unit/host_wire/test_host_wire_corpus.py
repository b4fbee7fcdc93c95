"""The host's wire against recordings of a real engine: same messages, ids, states and property tags.

Each recorded client message is given to a shell; the engine behind it is one that hands out, as `contract`
values, what the recorded engine answered. What differs then is the wire's doing.
"""

from __future__ import annotations

import base64
import json
import os
import re
import struct
import time
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4
from xml.etree import ElementTree as ET

import pytest

from wslnet_lab.host.contract import (
    Category,
    CimInstance,
    CimValue,
    EnumValue,
    ErrorDetails,
    Identity,
    Number,
    Outcome,
    PlainObject,
    Session,
)
from wslnet_lab.host.wire import soap
from wslnet_lab.host.wire.psrp_shell import PsrpShell
from wslnet_lab.host.wire.settings import Settings
from wslnet_lab.host.wire.shells import ShellRecord

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from wslnet_lab.host.contract import Sink, Statement

pytestmark = pytest.mark.corpus

SHARED = Path(os.environ.get("WSLNET_SHARED", Path(__file__).parents[4] / "shared"))
ZERO = UUID(int=0)
IDS = {"pool": uuid4(), **{f"pipe{number}": uuid4() for number in range(1, 12)}}

LEFT_OUT = {
    "garbage_line": "lines that are no protocol exist only over stdin",
    "child_exits": "the engine's own process ends",
    "unknown_pipeline": "messages for unknown ids exist only over stdin; WSMan answers them with a fault",
    "get_command_metadata_message": "the host answers no GetCommandMetadata messages",
    "exit_in_function": "host calls are not modelled",
    "debug_on": "the engine's own Write-Debug",
    "verbose_off_on": "the engine's own Write-Verbose",
    "ask_verbose": "verbose records are not modelled",
    "write_host_no_host": "the engine's own Write-Host",
    "noncharacter_out": "U+FFFE as &#xFFFE; is no XML for Python's reader (psrp-facts 5)",
}

TOLERATED = {
    "collection": "the contract has one kind of list and one of table",
    "text": "the contract has text for Guid, Version, Uri, Decimal, Char, XML and script blocks",
    "single": "the contract has one kind of float",
    "trace": "stack traces, sources and details of exceptions are not modelled",
    "own": "properties of one exception class of the engine are not modelled",
}
_ONE_TAG = {"G": "S", "Version": "S", "URI": "S", "D": "S", "C": "S", "XD": "S", "SBK": "S", "Sg": "Db"}
_NOT_MODELLED = frozenset(
    "TargetSite Source StackTrace InnerException ErrorDetails_Message ErrorDetails_RecommendedAction "
    "ErrorDetails_ScriptStackTrace Statement".split()
)
_CIM_KINDS = {
    "By": "uint8", "SB": "sint8", "U16": "uint16", "I16": "sint16", "U32": "uint32", "I32": "sint32",
    "U64": "uint64", "I64": "sint64", "Sg": "real32", "Db": "real64", "B": "boolean", "C": "char16",
    "S": "string", "DT": "datetime", "TS": "interval", "BA": "uint8[]", "Nil": "string",
}  # fmt: skip
_ARRAYS = {
    "Byte": "uint8", "SByte": "sint8", "UInt16": "uint16", "Int16": "sint16", "UInt32": "uint32",
    "Int32": "sint32", "UInt64": "uint64", "Int64": "sint64", "Single": "real32", "Double": "real64",
    "Boolean": "boolean", "Char": "char16", "String": "string", "Object": "datetime",
    "CimInstance": "instance",
}  # fmt: skip
_KEYS = re.compile(r"(\w+) = (?:\"|-?\d)")


# ---- recorded CLIXML → contract values -----------------------------------------------------------------


@dataclass
class Reader:
    """Reads one body; type names and objects are referred to by number inside it."""

    types: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def names(self, node: ET.Element) -> tuple[str, ...]:
        if (given := node.find("TN")) is not None:
            self.types[given.get("RefId", "")] = tuple(each.text or "" for each in given)
            return self.types[given.get("RefId", "")]
        reference = node.find("TNRef")
        return () if reference is None else self.types[reference.get("RefId", "")]

    def value(self, node: ET.Element) -> object:
        text = unescape(node.text or "")
        match node.tag:
            case "Nil" | "Ref":
                return None
            case "B":
                return text == "true"
            case "BA":
                return base64.b64decode(text)
            case "I32":
                return int(text)
            case "By" | "SB" | "U16" | "I16" | "U32" | "U64" | "I64":
                return Number(node.tag, int(text))
            case "Sg" | "Db":
                return float(text)
            case "DT":
                return datetime.fromisoformat(text) if text[:1].isdigit() else CimValue("datetime", text)
            case "TS":
                return CimValue("interval", text)
            case "Obj":
                return self.object(node)
        return text

    def object(self, node: ET.Element) -> object:
        names = self.names(node)
        if (items := node.find("LST") or node.find("STK") or node.find("QUE")) is not None:
            return [self.value(item) for item in items]
        if node.find("LST") is not None:
            return []
        if (table := node.find("DCT")) is not None:
            return {self.value(entry[0]): self.value(entry[1]) for entry in table}
        text = unescape(node.findtext("ToString") or "")
        if "System.Enum" in names:
            return EnumValue(names[0], text, int(node.findtext("I32", "0")))
        if names[:1] and "CimInstance#" in names[0] and node.find("Props") is not None:
            return self.cim(node, names, text)
        if not names and node.find("S") is not None:
            return PlainObject(("System.String",), {}, self.notes(node, "MS"), node.findtext("S"))
        return PlainObject(names, self.notes(node, "Props"), self.notes(node, "MS"), text)

    def notes(self, node: ET.Element, part: str) -> dict[str, object]:
        return {each.get("N", ""): self.value(each) for each in node.findall(f"{part}/*")}

    def cim(self, node: ET.Element, names: tuple[str, ...], text: str) -> CimInstance:
        namespace, _, class_name = names[0].partition("#")[2].rpartition("/")
        rows = {each.get("N", ""): self.cim_value(each) for each in node.findall("Props/*")}
        computer = rows.pop("PSComputerName").value
        skipped = {"__ClassMetadata", "PSShowComputerName"}
        notes = {name: note for name, note in self.notes(node, "MS").items() if name not in skipped}
        keys = tuple(_KEYS.findall(text.partition(" (")[2]))
        return CimInstance(namespace, class_name, rows, keys, notes, str(computer) if computer else None)

    def cim_value(self, node: ET.Element) -> CimValue:
        if node.tag != "Obj":
            content = unescape(node.text or "")
            if node.tag == "Nil":
                return CimValue("string", None)
            if node.tag == "BA":
                return CimValue("uint8[]", list(base64.b64decode(content)))
            number = content.lstrip("-").isdigit() and node.tag != "S"
            if node.tag == "B":
                return CimValue("boolean", content == "true")
            return CimValue(_CIM_KINDS[node.tag], chr(int(content)) if node.tag == "C" else int(content) if number else content)
        names = self.names(node)
        if "System.Array" not in names:
            return CimValue("instance", self.object(node))
        kind = _ARRAYS[names[0].rpartition(".")[2].removesuffix("[]")]
        return CimValue(f"{kind}[]", [self.cim_value(item).value for item in node.find("LST") or ()])


def unescape(text: str) -> str:
    units = re.sub("_x([0-9A-Fa-f]{4})_", lambda found: chr(int(found.group(1), 16)), text)
    return units.encode("utf-16-le", "surrogatepass").decode("utf-16-le")


def error_of(node: ET.Element, *, remoting: bool) -> ErrorDetails:
    reader = Reader()
    names = reader.names(node)
    fields = {each.get("N", ""): each for each in node.findall("MS/*")}
    exception = reader.names(fields["Exception"])

    def text(name: str) -> str:
        return unescape(fields[f"ErrorCategory_{name}"].text or "")

    return ErrorDetails(
        fqid=unescape(fields["FullyQualifiedErrorId"].text or ""),
        category=Category(int(fields["ErrorCategory_Category"].text or 0)),
        message=unescape(node.findtext("ToString") or ""),
        exception_types=exception,
        activity=text("Activity"),
        reason=text("Reason"),
        target_name=text("TargetName"),
        target_type=text("TargetType"),
        target_object=reader.value(fields["TargetObject"]),
        remoting=remoting and any("Remoting" in name for name in names),
    )


# ---- an engine that says what the recorded one said -------------------------------------------------------


class ReplayEngine:
    """Each run gives the next recorded pipeline's messages, found by the id that its name carries."""

    def __init__(self, answers: Mapping[str, list[dict[str, Any]]]) -> None:
        self._answers = answers
        self._order = iter(answers)

    def run(self, statements: tuple[Statement, ...], session: Session, sink: Sink) -> Outcome:
        del statements, session
        outcome = Outcome("Completed")
        for message in self._answers[next(self._order)]:
            body = ET.fromstring(message["body"]) if message["body"] else None
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
                sink.output(None if body is None else Reader().value(body))
            case "ErrorRecord" if body is not None:
                sink.error(error_of(body, remoting=True))
            case "WarningRecord" if body is not None:
                sink.warning(unescape(body.findtext("ToString") or ""))
            case "ProgressRecord" if body is not None:
                notes = Reader().notes(body, "MS")
                kind_note = notes["Type"]
                assert isinstance(kind_note, EnumValue)
                status = str(notes["StatusDescription"])
                sink.progress(str(notes["Activity"]), status, completed=kind_note.name == "Completed")
            case _:
                raise AssertionError(f"not modelled: {kind}")


class Quiet:
    """A call log that keeps nothing."""

    def write(self, entry: Mapping[str, object]) -> None:
        del entry


# ---- one session --------------------------------------------------------------------------------------------


def client_bytes(message: dict[str, Any], target: str, number: int) -> bytes:
    """A client's message in one fragment; queries for a pool carry no pipeline id."""
    pipeline = IDS[target] if target != "pool" else ZERO
    head = struct.pack("<II", 2, int(message["type_id"], 16)) + IDS["pool"].bytes_le + pipeline.bytes_le
    data = head + (message["body"] or "").encode()
    return struct.pack(">QQBI", number, 0, 3, len(data)) + data


def command_request(target: str) -> soap.Request:
    body = ET.fromstring(
        f'<b xmlns:rsp="{soap.SHELL}"><rsp:CommandLine CommandId="{IDS[target]}"><rsp:Command/></rsp:CommandLine></b>'
    )
    return soap.Request(action="", resource="", message_id="", body=body)


@dataclass
class Message:
    """One message of a server: what is compared of it."""

    kind: str
    pool: str
    body: str
    bom: bool


def host_answers(rows: list[dict[str, Any]], answers: Mapping[str, list[dict[str, Any]]]) -> dict[str, list[Message]]:
    """What the host's wire answers to the recorded client, per target."""
    record = ShellRecord("X", "", Identity("owner", "S-1"), "", 60, "stdin pr", "stdout", "en-US")
    shell = PsrpShell(record, Session(record.owner), ReplayEngine(answers), Quiet(), Settings())
    heard: dict[str, bytes] = defaultdict(bytes)
    for number, row in enumerate(rows):
        target = row.get("to", "")
        if row["dir"] != "c2s" or (row["el"] == "Close" and target == "pool"):
            continue
        if row["el"] == "Command":
            shell.command(command_request(target), Settings())
        elif row["el"] == "Data":
            for offset, message in enumerate(row["msgs"]):
                data = client_bytes(message, target, number * 10 + offset + 1)
                shell.send("stdin", data, None if target == "pool" else str(IDS[target]), end=False)
        elif row["el"] == "Signal":
            shell.signal(str(IDS[target]), "/signal/crtl_c", 5)
        elif row["el"] == "Close":
            outbox = shell.outbox(str(IDS[target]))
            assert outbox.wait_done(5)
            heard[target] += taken(outbox)
            shell.signal(str(IDS[target]), "/signal/terminate", 5)
    heard["pool"] += taken(shell.outbox(None))
    shell.close()
    return {target: list(messages(data)) for target, data in heard.items()}


def taken(outbox: Any) -> bytes:
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
            yield Message(f"0x{kind:08x}", names[pool], body.removeprefix(b"\xef\xbb\xbf").decode(), body[:3] == b"\xef\xbb\xbf")
            parts = b""


# ---- comparing ---------------------------------------------------------------------------------------------


def skeleton(node: ET.Element, reader: Reader, *, error: bool = False) -> list[object]:
    """The tags, names and type names of a value, without its content and without what is tolerated."""
    names = reader.names(node)
    inside = error or any(name.endswith("ErrorRecord") for name in names)
    exception = "System.Exception" in names
    parts: list[object] = [_ONE_TAG.get(node.tag, node.tag), node.get("N"), kind_of(names)]
    for child in node:
        if child.tag in ("TN", "TNRef"):
            continue
        if child.tag in ("Props", "MS") and inside:
            rows = [each for each in child if tolerable(each, exception=exception)]
            parts.append([child.tag, *(skeleton(each, reader, error=True) for each in rows)])
        elif child.get("N") in ("InvocationInfo", "Data") or child.tag == "Ref":
            parts.append([child.tag, child.get("N")])
        else:
            parts.append(skeleton(child, reader, error=inside))
    return parts


_EXCEPTION_PROPS = frozenset({"Message", "Data", "HelpLink", "HResult"})


def tolerable(node: ET.Element, *, exception: bool) -> bool:
    """Whether a property of an error is compared."""
    name = node.get("N", "")
    return name not in _NOT_MODELLED and (not exception or name in _EXCEPTION_PROPS)


def kind_of(names: tuple[str, ...]) -> tuple[str, ...]:
    """Type names for comparing: one kind of list, one of table, assembly versions aside."""
    if not names:
        return ()
    if "System.Array" in names and "CimInstance" in names[0]:
        return names
    if names[0].startswith("System.Collections.Generic.") or "System.Array" in names:
        return ("list",)
    if names[0].rpartition(".")[2] in ("ArrayList", "Stack", "Queue"):
        return ("list",)
    return ("table",) if names[0].endswith(("Hashtable", "Dictionary", "OrderedDictionary")) else names


def normal(body: str) -> list[object]:
    text = body.replace("<STK>", "<LST>").replace("</STK>", "</LST>").replace("<QUE>", "<LST>").replace("</QUE>", "</LST>")
    return skeleton(ET.fromstring(text), Reader()) if text else []


def recordings() -> list[Path]:
    found = [*(SHARED / "corpus" / "psrp").glob("*.jsonl"), *(SHARED / "corpus" / "cim").glob("*.jsonl")]
    return sorted(p for p in found if not p.stem.endswith(".raw") and not p.stem.startswith("bind"))


def load(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.skipif(not SHARED.is_dir(), reason="no recordings beside this clone")
@pytest.mark.parametrize("path", recordings(), ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_the_wire_answers_as_the_recorded_engine(path: Path) -> None:
    if path.stem in LEFT_OUT:
        pytest.skip(LEFT_OUT[path.stem])
    _, *rows = load(path)
    recorded: dict[str, list[dict[str, Any]]] = defaultdict(list)
    created: dict[str, None] = {}
    for row in rows:
        for message in row.get("msgs", []):
            if row["dir"] == "s2c":
                recorded[row["to"]].append(message)
            elif message["type"] == "CreatePipeline":
                created[row["to"]] = None
    answered = host_answers(rows, {target: recorded[target] for target in created})
    assert answered.keys() == {target for target in recorded if recorded[target]}
    for target, expected in recorded.items():
        ours = answered[target]
        if target == "pool":  # Closing and Closed are out-of-process only: WSMan deletes the shell
            expected = [each for each in expected if each["type"] != "RunspacePoolState"][:] + [
                each for each in expected if each["type"] == "RunspacePoolState" and ">2<" in each["body"]
            ]
            ours = sorted(ours, key=lambda each: each.kind == "0x00021005")
        assert [each.kind for each in ours] == [each["type_id"] for each in expected]
        assert [each.pool for each in ours] == [each["rpid"] for each in expected]
        assert [each.bom for each in ours] == [each["bom"] for each in expected]
        for mine, theirs in zip(ours, expected, strict=True):
            if theirs["type"] != "ApplicationPrivateData":  # 5.1's table, not 7.6's
                assert normal(mine.body) == normal(theirs["body"])
