"""Bodies of the PSRP records: errors, warnings, progress, information, state (psrp-facts 3 and 5).

What the engine fills in is filled in here: strings never null, HResult, the tail of the error category. Stack
traces and source locations are left out.
"""

from __future__ import annotations

import zlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from wslnet_lab.host.contract import Category, ErrorDetails, Outcome
from wslnet_lab.host.wire import clixml
from wslnet_lab.host.wire.clixml import Writer

if TYPE_CHECKING:
    from wslnet_lab.host.contract import Information, Progress
    from wslnet_lab.host.wire.encode import Encoder

STATES = {"Stopped": 3, "Completed": 4, "Failed": 5}
"""PSInvocationState numbers of the final states."""

_RUNTIME = "System.Management.Automation.RuntimeException"
_LONG_NAME = 40
_BASE_TYPES = ("System.Exception", "System.Object")
# .NET's own, which a class hands down to those made of it.
_HRESULTS = {
    "System.UnauthorizedAccessException": -2147024891,
    "System.IO.FileNotFoundException": -2147024894,
    "System.IO.DirectoryNotFoundException": -2147024893,
    "System.IO.IOException": -2146232800,
    "System.ArgumentNullException": -2147467261,
    "System.NullReferenceException": -2147467261,
    "System.ArgumentException": -2147024809,
    "System.InvalidCastException": -2147467262,
    "System.InvalidOperationException": -2146233079,
    "System.NotImplementedException": -2147467263,
    "System.NotSupportedException": -2146233067,
    "System.TimeoutException": -2146233083,
    "System.Security.SecurityException": -2146233078,
    "System.ComponentModel.Win32Exception": -2147467259,
    "System.SystemException": -2146233087,
}
_COR_E_EXCEPTION = -2146233088
_BEFORE_ANY_COMMAND = frozenset({"CommandNotFoundException", "ParseException", "PipelineStoppedException"})
"""Reasons of records that belong to no command: they have no InvocationInfo (corpus psrp and cim)."""

_DICTIONARY = (
    "System.Collections.Generic.Dictionary`2[[System.String, mscorlib, Version=4.0.0.0, Culture=neutral, "
    "PublicKeyToken=b77a5c561934e089],[System.Object, mscorlib, Version=4.0.0.0, Culture=neutral, "
    "PublicKeyToken=b77a5c561934e089]]"
)
_TEXT_LIST = (
    "System.Collections.Generic.List`1[[System.String, mscorlib, Version=4.0.0.0, Culture=neutral, "
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


def progress_body(record: Progress) -> str:
    """The body of a ProgressRecord message."""
    number = zlib.crc32(record.activity.encode()) & 0x7FFFFFFF if record.number is None else record.number
    writer = Writer()
    with writer.obj(), writer.element("MS"):
        writer.string(record.activity, "Activity")
        writer.leaf("I32", str(number), "ActivityId")
        writer.string(record.status, "StatusDescription")
        if record.operation is None:
            writer.nil("CurrentOperation")
        else:
            writer.string(record.operation, "CurrentOperation")
        writer.leaf("I32", str(record.parent), "ParentActivityId")
        writer.leaf("I32", str(record.percent), "PercentComplete")
        kind = ("Completed", 1) if record.completed else ("Processing", 0)
        writer.enum("System.Management.Automation.ProgressRecordType", *kind, "Type")
        writer.leaf("I32", str(record.seconds_left), "SecondsRemaining")
    return writer.text()


def information_body(record: Information, encoder: Encoder) -> str:
    """The body of an InformationRecord message; who and where are this host's own (psrp-facts 5)."""
    writer = Writer()
    with writer.obj(), writer.element("MS"):
        encoder.write(writer, record.message, "MessageData")
        writer.string(record.source, "Source")
        writer.leaf("DT", clixml.datetime_text(datetime.now(UTC)), "TimeGenerated")
        with writer.obj("Tags", (_TEXT_LIST, "System.Object")):
            if record.tags:
                with writer.element("LST"):
                    for tag in record.tags:
                        writer.string(tag)
            else:
                writer.empty("LST")
        writer.string(encoder.user, "User")
        writer.string(encoder.server_name, "Computer")
        for name in ("ProcessId", "NativeThreadId", "ManagedThreadId"):
            writer.leaf("U32", "1", name)
    return writer.text()


def _write_error(
    writer: Writer, details: ErrorDetails, encoder: Encoder, *, name: str | None, in_stream: bool
) -> None:
    types: tuple[str, ...] = ("System.Management.Automation.ErrorRecord", "System.Object")
    if details.remoting and in_stream:
        types = ("System.Management.Automation.Runspaces.RemotingErrorRecord", *types)
    with writer.obj(name, types):
        writer.string(details.details or details.message, tag="ToString")
        with writer.element("MS"):
            _write_exception(writer, details, in_stream=in_stream)
            encoder.write(writer, details.target_object, "TargetObject", whole=False)
            writer.string(details.fqid, "FullyQualifiedErrorId")
            if details.activity or _reason_of(details) not in _BEFORE_ANY_COMMAND:
                _write_invocation(writer, details.activity)
            else:
                writer.nil("InvocationInfo")
            _write_category(writer, details)
            if details.details:
                writer.string(details.details, "ErrorDetails_Message")
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
    return next((_HRESULTS[name] for name in types if name in _HRESULTS), _COR_E_EXCEPTION)
