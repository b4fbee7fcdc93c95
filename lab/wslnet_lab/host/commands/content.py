"""Get-Content and Set-Content over files, in the encodings of Windows PowerShell 5.1.

Without a BOM and without -Encoding text is the ANSI code page of the culture, as 5.1 has it: UTF-8 text
without BOM comes out wrong. `-Encoding Byte` is exact both ways.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet_lab.host.commands.file_objects import provider_notes
from wslnet_lab.host.commands.paths import Paths, Place, switch
from wslnet_lab.host.commands.provider_errors import (
    drive_not_found,
    not_modelled,
    path_not_found,
    record,
    used_by_another,
)
from wslnet_lab.host.contract import (
    BoundCall,
    Category,
    CommandError,
    EnumValue,
    ErrorDetails,
    Number,
    PlainObject,
    Sink,
)
from wslnet_lab.host.engine.values import text_of
from wslnet_lab.host.state.disk import SharingViolation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet_lab.host.engine import Registry
    from wslnet_lab.host.state import MachineState

_BOMS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
_ENCODINGS = {
    "ASCII": "ascii",
    "UTF8": "utf-8",
    "Unicode": "utf-16-le",
    "String": "utf-16-le",
    "Unknown": "utf-16-le",
    "BigEndianUnicode": "utf-16-be",
    "UTF32": "utf-32-le",
    "UTF7": "utf-7",
}
_WRITTEN_BOMS = {"UTF8": b"\xef\xbb\xbf", "Unicode": b"\xff\xfe", "BigEndianUnicode": b"\xfe\xff"}
_ANSI = {"zh-cn": "gbk", "en-us": "cp1252", "de-de": "cp1252"}


class Content:
    """The bodies of both cmdlets."""

    def __init__(self, state: MachineState, paths: Paths) -> None:
        self._state = state
        self._paths = paths

    def get(self, call: BoundCall, sink: Sink) -> Iterator[object]:
        """Get-Content: lines, or all at once with -Raw; bytes with -Encoding Byte."""
        for name in ("Wait", "Delimiter", "Stream"):
            if call.parameters.get(name):
                raise CommandError(not_modelled(call.command, f"-{name}"))
        for place in self._paths.places(call):
            content = self._read(call, place, sink)
            if content is None:
                continue
            if self._encoding(call) == "Byte":
                yield from _byte_blocks(call, content)
                continue
            text = self._decode(call, content)
            if switch(call, "Raw"):
                if text:
                    yield _line(text, place.path, 1)
                continue
            lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
            lines = lines[:-1] if lines and not lines[-1] else lines
            for number, line in enumerate(_chosen(call, lines), 1):
                yield _line(line, place.path, number)

    def set(self, call: BoundCall, sink: Sink) -> Iterator[object]:
        """Set-Content: the values as lines, or as bytes; the file is made when it is not there."""
        for name in ("Stream", "Include", "Exclude", "Filter"):
            if call.parameters.get(name):
                raise CommandError(not_modelled(call.command, f"-{name}"))
        content = self._encoded(call)
        for place in self._paths.places(call):
            if place.kind != "file":
                sink.error(drive_not_found(call.command, place.given))
                continue
            if call.parameters.get("WhatIf") is True:
                continue
            try:
                self._state.disk.write(place.path, content)
            except SharingViolation:
                sink.error(
                    used_by_another(call.command, "GetContentWriterIOError", Category.WRITE_ERROR, place.path)
                )
                continue
            except FileNotFoundError:
                sink.error(_no_folder(call.command, place.path))
                continue
            except IsADirectoryError:
                sink.error(_no_file(call.command, place.path))
                continue
            if switch(call, "PassThru"):
                value = call.parameters.get("Value")
                yield from value if isinstance(value, list) else [value]

    def _read(self, call: BoundCall, place: Place, sink: Sink) -> bytes | None:
        if place.kind == "unknown":
            sink.error(drive_not_found(call.command, place.given))
            return None
        try:
            return self._state.disk.read(place.path)
        except FileNotFoundError:
            sink.error(path_not_found(call.command, place.path))
        except SharingViolation:
            sink.error(
                used_by_another(call.command, "GetContentReaderIOError", Category.READ_ERROR, place.path)
            )
        return None

    def _encoding(self, call: BoundCall) -> str:
        given = call.parameters.get("Encoding")
        return given.name if isinstance(given, EnumValue) else ""

    def _codec(self, call: BoundCall) -> str:
        return _ENCODINGS.get(self._encoding(call), _ANSI.get(self._state.culture().lower(), "cp1252"))

    def _decode(self, call: BoundCall, content: bytes) -> str:
        for mark, codec in _BOMS:
            if content.startswith(mark):
                return content[len(mark) :].decode(codec, "replace")
        return content.decode(self._codec(call), "replace")

    def _encoded(self, call: BoundCall) -> bytes:
        value = call.parameters.get("Value")
        values = value if isinstance(value, list) else [value]
        if self._encoding(call) == "Byte":
            return b"".join(_bytes_of(call, item) for item in values)
        newline = "" if switch(call, "NoNewline") else "\r\n"
        text = "".join(f"{text_of(item)}{newline}" for item in values if item is not None)
        return _WRITTEN_BOMS.get(self._encoding(call), b"") + text.encode(self._codec(call), "replace")


def register(registry: Registry, state: MachineState, paths: Paths) -> None:
    """Enters both cmdlets."""
    content = Content(state, paths)
    registry.add("Get-Content", content.get)
    registry.add("Set-Content", content.set)


def _byte_blocks(call: BoundCall, content: bytes) -> Iterator[object]:
    """All bytes as one array with -Raw or -ReadCount 0, else one by one; nothing for an empty file."""
    count = call.parameters.get("ReadCount")
    if not content:
        return
    if switch(call, "Raw") or (isinstance(count, int) and count == 0):
        yield content
        return
    step = count if isinstance(count, int) and count > 1 else 1
    for start in range(0, len(content), step):
        block = content[start : start + step]
        yield block if step > 1 else Number("By", block[0])


def _bytes_of(call: BoundCall, item: object) -> bytes:
    if isinstance(item, bytes):
        return item
    if isinstance(item, list):
        return b"".join(_bytes_of(call, part) for part in item)
    number = item.value if isinstance(item, Number) else item
    if isinstance(number, int) and not isinstance(number, bool) and 0 <= number <= 255:  # noqa: PLR2004 - a byte
        return bytes([number])
    raise CommandError(
        record(
            call.command,
            "GetContentWriterArgumentError",
            Category.INVALID_ARGUMENT,
            "Cannot proceed with byte encoding. When using byte encoding the content must be of type byte.",
            exceptions=("System.ArgumentException", "System.SystemException"),
            target=text_of(item),
        )
    )


def _chosen(call: BoundCall, lines: list[str]) -> list[str]:
    first, last = call.parameters.get("TotalCount"), call.parameters.get("Tail")
    if isinstance(first, int) and first >= 0:
        return lines[:first]
    if isinstance(last, int) and last >= 0:
        return lines[len(lines) - last :] if last else []
    return lines


def _line(text: str, path: str, number: int) -> PlainObject:
    # A line carries the provider's notes, so it crosses as an object (windows-facts 13).
    notes = {**provider_notes(path), "ReadCount": Number("I64", number)}
    return PlainObject(("System.String", "System.Object"), {}, notes, to_string=text)


def _no_file(command: str, path: str) -> ErrorDetails:
    """A folder is there instead; the id is the engine's for what Windows denies (inferred)."""
    return record(
        command,
        "GetContentWriterUnauthorizedAccessError",
        Category.PERMISSION_DENIED,
        f"Access to the path '{path}' is denied.",
        exceptions=("System.UnauthorizedAccessException", "System.SystemException"),
        target=path,
    )


def _no_folder(command: str, path: str) -> ErrorDetails:
    message = f"Could not find a part of the path '{path}'."
    exceptions = ("System.IO.DirectoryNotFoundException", "System.IO.IOException")
    return record(
        command,
        "GetContentWriterDirectoryNotFoundError",
        Category.OBJECT_NOT_FOUND,
        message,
        exceptions=exceptions,
        target=path,
    )
