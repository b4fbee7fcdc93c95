"""The host's wire against recordings of a real engine: same messages, ids, states, property tags and texts.

Each recorded client message is given to a shell; the engine behind it is one that hands out, as `contract`
values, what the recorded engine answered. What differs then is the wire's doing.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .recorded_values import Reader, parse
from .replay import host_answers

if TYPE_CHECKING:
    from xml.etree import ElementTree as ET

pytestmark = pytest.mark.corpus

SHARED = Path(os.environ.get("WSLNET_SHARED", Path(__file__).parents[4] / "shared"))

LEFT_OUT = {
    "child_exits": "the engine's own process ends",
    "unknown_pipeline": "messages for unknown ids exist only over stdin; WSMan answers them with a fault",
    "get_command_metadata_message": "a parameter's metadata, which the engine serialises deeper than others",
    "get_host_no_host": "the engine's own Get-Host",
    "objects_out": "a number with a note, and cycles, are no values of the contract",
    "job_get": "job objects hold classes that the engine serialises deeper than others",
    "job_remove_high": "as job_get",
    "one_cmdlet": "Get-Item's notes hold classes that the engine serialises deeper than others",
    "open_protocol_2_4": "Windows PowerShell 5.1 speaks 2.3 at most",
}

# What is tolerated, each with its reason.
# The contract has text for Guid, Version, Uri, Decimal, Char, XML and script blocks, and one kind of float:
_ONE_TAG = {"G": "S", "Version": "S", "URI": "S", "D": "S", "C": "S", "XD": "S", "SBK": "S", "Sg": "Db"}
# Stack traces, sources, error details and inner exceptions are not modelled; PSMessageDetails is absent where
# a record ended its statement:
_NOT_MODELLED = frozenset(
    {
        "TargetSite",
        "Source",
        "StackTrace",
        "InnerException",
        "ErrorDetails_RecommendedAction",
        "ErrorDetails_ScriptStackTrace",
        "Statement",
        "PSMessageDetails",
    }
)


def skeleton(node: ET.Element, reader: Reader, *, error: bool = False) -> list[object]:
    """The tags, names and type names of a value, without its content and without what is tolerated."""
    names = reader.names(node)
    if node.get("N") in _SHALLOW:
        return [node.get("N")]
    inside = error or any(name.endswith("ErrorRecord") for name in names)
    exception = "System.Exception" in names
    parts: list[object] = [_ONE_TAG.get(node.tag, node.tag), node.get("N"), kind_of(names), text_of(node)]
    for child in node:
        if child.tag in ("TN", "TNRef"):
            continue
        if child.tag in ("Props", "MS") and inside:
            rows = [each for each in child if tolerable(each, exception=exception)]
            parts.append([child.tag, *(skeleton(each, reader, error=True) for each in rows)])
        elif child.tag == "Ref":
            parts.append([child.tag, child.get("N")])
        else:
            parts.append(skeleton(child, reader, error=inside))
    return parts


# Data holds the engine's own, TargetObject may be a reference into a part that is not modelled:
_SHALLOW = frozenset({"Data", "TargetObject"})
# Properties that only one exception class of the engine has are not modelled:
_EXCEPTION_PROPS = frozenset({"Message", "Data", "HelpLink", "HResult"})


# Texts that are this host's own, or of an invocation, which the contract does not know:
_OWN_TEXT = frozenset(
    {
        *("ServerName", "Hash", "MiXml"),
        *("TimeGenerated", "User", "Computer", "ProcessId", "NativeThreadId", "ManagedThreadId"),
    }
)
_INVOCATION = frozenset(
    {
        "ScriptLineNumber",
        "OffsetInLine",
        "InvocationName",
        "PipelineLength",
        "PipelinePosition",
        "ExpectingInput",
        "CommandOrigin",
        "ScriptName",
        "Line",
        "PositionMessage",
        "PSScriptRoot",
    }
)


def text_of(node: ET.Element) -> str:
    """The text that is compared: not placeholders, nor the forms of floats."""
    text = node.text or ""
    name = node.get("N")
    own = name in _OWN_TEXT | _INVOCATION or node.tag in ("Db", "Sg") or "{" in text
    if name == "ErrorCategory_Message":  # 7.6 and 5.1 shorten long names differently
        own = own or "\u2026" in text or "..." in text
    return "" if own else text.partition("_x000A_   at ")[0].partition("_x000A_ ---")[0]


def tolerable(node: ET.Element, *, exception: bool) -> bool:
    """Whether a property of an error is compared."""
    name = node.get("N", "")
    return name not in _NOT_MODELLED and (not exception or name in _EXCEPTION_PROPS)


def kind_of(names: tuple[str, ...]) -> tuple[str, ...]:
    """Type names for comparing: the contract has one kind of list and one of table."""
    if not names:
        return ()
    if "System.Array" in names and "CimInstance" in names[0]:
        return names
    main = names[0].partition("`")[0].rpartition(".")[2]
    if main in ("Hashtable", "Dictionary", "OrderedDictionary"):
        return ("table",)
    lists = ("ArrayList", "Stack", "Queue", "List", "ReadOnlyCollection")
    return ("list",) if main in lists or "System.Array" in names else names


def normal(body: str) -> list[object]:
    text = (
        body.replace("<STK>", "<LST>")
        .replace("</STK>", "</LST>")
        .replace("<QUE>", "<LST>")
        .replace("</QUE>", "</LST>")
    )
    root = parse(text) if text else None
    return [] if root is None else skeleton(root, Reader(root))


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
    if why := beyond_the_wire(rows):
        pytest.skip(why)
    recorded: dict[str, list[dict[str, Any]]] = defaultdict(list)
    created: dict[str, None] = {}
    for row in rows:
        for message in row.get("msgs", []):
            if row["dir"] == "s2c":
                recorded[row["to"]].append(message)
            elif message["type"] == "CreatePipeline":
                created[row["to"]] = None
    answered = host_answers(rows, {target: recorded[target] for target in created})
    recorded["pool"] = [each for each in recorded["pool"] if not closing(each)]
    assert answered.keys() == {target for target in recorded if recorded[target]}
    for target, expected in recorded.items():
        ours = answered[target]
        assert [each.kind for each in ours] == [each["type_id"] for each in expected]
        assert [each.pool for each in ours] == [each["rpid"] for each in expected]
        assert [each.bom for each in ours] == [each["bom"] for each in expected]
        for mine, theirs in zip(ours, expected, strict=True):
            if theirs["type"] != "ApplicationPrivateData":  # 5.1's table, not 7.6's
                assert normal(mine.body) == normal(theirs["body"])


def beyond_the_wire(rows: list[dict[str, Any]]) -> str:
    """Why a recording cannot be played to the wire at all, whatever its name; empty when it can."""
    if any(row["dir"] == "c2s" and "raw" in row for row in rows):
        return "lines that are no protocol exist only over stdin"
    messages = [message for row in rows for message in row.get("msgs", [])]
    if any(message["type"].endswith("HostCall") for message in messages):
        return "host calls are not modelled: every client of ours says that it has no host"
    if any("&#xFFF" in (message["body"] or "") for message in messages):
        return "U+FFFE as &#xFFFE; is no XML for Python's reader (psrp-facts 5)"
    return ""


def closing(message: dict[str, Any]) -> bool:
    """Whether a message tells that the pool closes: over WSMan the shell is deleted without a word."""
    return message["type"] == "RunspacePoolState" and ">2<" not in message["body"]
