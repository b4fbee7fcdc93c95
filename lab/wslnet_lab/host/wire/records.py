"""Bodies of the PSRP records: errors, warnings, progress and pipeline states (psrp-facts 3, cdxml-facts 1.1).

What the engine fills in is filled in here: strings never null, HResult, the tail of the error category. Stack
traces and source locations are left out.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from wslnet_lab.host.contract import Category, ErrorDetails, Outcome
from wslnet_lab.host.wire.clixml import Writer

if TYPE_CHECKING:
    from wslnet_lab.host.wire.encode import Encoder

STATES = {"Stopped": 3, "Completed": 4, "Failed": 5}
"""PSInvocationState numbers of the final states."""

_RUNTIME = "System.Management.Automation.RuntimeException"
_LONG_NAME = 40
_BASE_TYPES = ("System.Exception", "System.Object")
_HRESULTS = {
    "System.UnauthorizedAccessException": -2147024891,
    "System.IO.FileNotFoundException": -2147024894,
}
_COR_E_EXCEPTION = -2146233088
_COR_E_SYSTEM = -2146233087
_BEFORE_ANY_COMMAND = frozenset({"CommandNotFoundException", "ParseException", "PipelineStoppedException"})
"""Reasons of records that belong to no command: they have no InvocationInfo (corpus psrp and cim)."""

_DICTIONARY = (
    "System.Collections.Generic.Dictionary`2[[System.String, mscorlib, Version=4.0.0.0, Culture=neutral, "
    "PublicKeyToken=b77a5c561934e089],[System.Object, mscorlib, Version=4.0.0.0, Culture=neutral, "
    "PublicKeyToken=b77a5c561934e089]]"
)
_LIST = (
    "System.Collections.Generic.List`1[[System.Object, mscorlib, Version=4.0.0.0, Culture=neutral, "
    "PublicKeyToken=b77a5c561934e089]]"
)

STOPPED = ErrorDetails(
    fqid="PipelineStopped",
    category=Category.OPERATION_STOPPED,
    message="The pipeline has been stopped.",
    exception_types=(
        "System.Management.Automation.PipelineStoppedException",
        _RUNTIME,
        "System.SystemException",
    ),
    reason="PipelineStoppedException",
)
"""The reason of a pipeline that a client stopped while it ran (psrp-facts 3)."""


def error_body(details: ErrorDetails, encoder: Encoder) -> str:
    """The body of an ErrorRecord message."""
    writer = Writer()
    _write_error(writer, details, encoder, name=None, in_stream=True)
    return writer.text()


def state_body(outcome: Outcome, encoder: Encoder) -> str:
    """The body of the final PipelineState message, with the reason where there is one."""
    writer = Writer()
    with writer.obj(), writer.element("MS"):
        writer.leaf("I32", str(STATES[outcome.state]), "PipelineState")
        if outcome.reason is not None:
            _write_error(writer, outcome.reason, encoder, name="ExceptionAsErrorRecord", in_stream=False)
    return writer.text()


def remark_body(kind: str, text: str) -> str:
    """The body of a record that is only a text; `kind` is Warning, Verbose or Debug."""
    types = (
        f"System.Management.Automation.{kind}Record",
        "System.Management.Automation.InformationalRecord",
        "System.Object",
    )
    writer = Writer()
    with writer.obj(types=types):
        writer.string(text, tag="ToString")
        with writer.element("MS"):
            writer.string(text, "InformationalRecord_Message")
            writer.leaf("B", "false", "InformationalRecord_SerializeInvocationInfo")
    return writer.text()


def progress_body(activity: str, status: str, *, completed: bool) -> str:
    """The body of a ProgressRecord message."""
    writer = Writer()
    with writer.obj(), writer.element("MS"):
        writer.string(activity, "Activity")
        writer.leaf("I32", str(zlib.crc32(activity.encode()) & 0x7FFFFFFF), "ActivityId")
        writer.string(status, "StatusDescription")
        writer.nil("CurrentOperation")
        writer.leaf("I32", "-1", "ParentActivityId")
        writer.leaf("I32", "100" if completed else "-1", "PercentComplete")
        kind = ("Completed", 1) if completed else ("Processing", 0)
        writer.enum("System.Management.Automation.ProgressRecordType", *kind, "Type")
        writer.leaf("I32", "0" if completed else "-1", "SecondsRemaining")
    return writer.text()


def _write_error(
    writer: Writer, details: ErrorDetails, encoder: Encoder, *, name: str | None, in_stream: bool
) -> None:
    types: tuple[str, ...] = ("System.Management.Automation.ErrorRecord", "System.Object")
    if details.remoting and in_stream:
        types = ("System.Management.Automation.Runspaces.RemotingErrorRecord", *types)
    with writer.obj(name, types):
        writer.string(details.message, tag="ToString")
        with writer.element("MS"):
            _write_exception(writer, details, in_stream=in_stream)
            encoder.write(writer, details.target_object, "TargetObject", whole=False)
            writer.string(details.fqid, "FullyQualifiedErrorId")
            if details.activity or _reason_of(details) not in _BEFORE_ANY_COMMAND:
                _write_invocation(writer, details.activity)
            else:
                writer.nil("InvocationInfo")
            _write_category(writer, details)
            writer.leaf("B", "false", "SerializeExtendedInfo")
            if in_stream:
                writer.nil("PSMessageDetails")


def _write_category(writer: Writer, details: ErrorDetails) -> None:
    reason = _reason_of(details)
    where = f"{_shortened(details.target_name)}:{_shortened(details.target_type)}"
    writer.leaf("I32", str(int(details.category)), "ErrorCategory_Category")
    writer.string(details.activity, "ErrorCategory_Activity")
    writer.string(reason, "ErrorCategory_Reason")
    writer.string(details.target_name, "ErrorCategory_TargetName")
    writer.string(details.target_type, "ErrorCategory_TargetType")
    category = category_name(details.category)
    writer.string(f"{category}: ({where}) [{details.activity}], {reason}", "ErrorCategory_Message")


def _write_exception(writer: Writer, details: ErrorDetails, *, in_stream: bool) -> None:
    types = details.exception_types
    types += tuple(base for base in _BASE_TYPES if base not in types)
    with writer.obj("Exception", types) as number:
        writer.string(f"{types[0]}: {details.message}", tag="ToString")
        with writer.element("Props"):
            if types[0].endswith("CimJobException") and in_stream:
                _write_inner_record(writer, details, number)
            elif _RUNTIME in types:
                writer.string(details.message, "ErrorRecord")
                writer.leaf("B", "false", "WasThrownFromThrowStatement")
            writer.nil("TargetSite")
            writer.string(details.message, "Message")
            with writer.obj("Data", ("System.Collections.ListDictionaryInternal", "System.Object")):
                writer.empty("DCT")
            for prop in ("InnerException", "HelpLink", "Source"):
                writer.nil(prop)
            writer.leaf("I32", str(_hresult_of(types)), "HResult")
            writer.nil("StackTrace")


def _write_inner_record(writer: Writer, details: ErrorDetails, exception: int) -> None:
    """The record inside a CimJobException: its text with the record's fields as notes (corpus cim/nf_one)."""
    with writer.obj("ErrorRecord"):
        writer.string(details.message)
        with writer.element("MS"):
            writer.reference(exception, "Exception")
            writer.string(details.target_name, "TargetObject")
            writer.string(details.fqid, "FullyQualifiedErrorId")
            writer.string("System.Management.Automation.InvocationInfo", "InvocationInfo")
            _write_category(writer, details)
            writer.leaf("B", "false", "SerializeExtendedInfo")


def _write_invocation(writer: Writer, command: str) -> None:
    text = "System.Management.Automation.InvocationInfo"
    with writer.obj("InvocationInfo", (text, "System.Object")):
        writer.string(text, tag="ToString")
        with writer.element("Props"):
            if command:
                writer.string(command, "MyCommand")
            else:
                writer.nil("MyCommand")
            with writer.obj("BoundParameters", (_DICTIONARY, "System.Object")):
                writer.empty("DCT")
            with writer.obj("UnboundArguments", (_LIST, "System.Object")):
                writer.empty("LST")
            writer.leaf("I32", "0", "ScriptLineNumber")
            writer.leaf("I32", "0", "OffsetInLine")
            writer.leaf("I64", "1", "HistoryId")
            for prop in ("ScriptName", "Line", "PositionMessage", "PSScriptRoot"):
                writer.string("", prop)
            writer.nil("PSCommandPath")
            writer.string(command, "InvocationName")
            writer.leaf("I32", "0", "PipelineLength")
            writer.leaf("I32", "0", "PipelinePosition")
            writer.leaf("B", "false", "ExpectingInput")
            writer.string("Internal", "CommandOrigin")
            writer.nil("DisplayScriptPosition")


def category_name(category: Category) -> str:
    """PowerShell's own spelling of a category: `ObjectNotFound`."""
    if category is Category.FROM_STD_ERR:
        return "FromStdErr"
    return "".join(word.capitalize() for word in category.name.split("_"))


def _shortened(name: str) -> str:
    """A long name as 5.1 shows it in a category: 15 characters of either end (field reports)."""
    return name if len(name) <= _LONG_NAME else f"{name[:15]}...{name[-15:]}"


def _reason_of(details: ErrorDetails) -> str:
    return details.reason or details.exception_types[0].rpartition(".")[2]


def _hresult_of(types: tuple[str, ...]) -> int:
    if types[0] in _HRESULTS:
        return _HRESULTS[types[0]]
    return _COR_E_SYSTEM if "System.SystemException" in types else _COR_E_EXCEPTION
