"""Static members of .NET that bodies may use in the lab: a short list; any other is refused by name."""

from __future__ import annotations

import base64
import binascii
import ntpath
import re
from typing import TYPE_CHECKING, Protocol

from wslnet_lab.host.contract import Category, CommandError, ErrorDetails
from wslnet_lab.host.script.operators import runtime_error
from wslnet_lab.host.script.statements import script
from wslnet_lab.host.script.syntax import Malformed, NotInTheLab
from wslnet_lab.host.script.values import ExceptionValue, ScriptBlock, enumerated, text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_SYSTEM = re.compile(r"^(system\.)?(management\.automation\.)?", re.IGNORECASE)


class Outside(Protocol):
    """What .NET reaches of the machine."""

    def variable(self, name: str) -> str | None:
        """An environment variable."""

    def read(self, path: str) -> bytes | None:
        """A file's bytes; None when it is not there."""

    def write(self, path: str, content: bytes) -> None:
        """Puts bytes into a file."""

    def registry_value(self, key: str, name: str) -> object:
        """A value of the registry; None when it is not there."""


class Statics:
    """The list, over one machine."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside
        self._methods: Mapping[str, Callable[..., object]] = {
            "environment.getenvironmentvariable": lambda name: outside.variable(text_of(name)),
            "io.file.exists": lambda path: outside.read(text_of(path)) is not None,
            "io.file.readallbytes": self._read,
            "io.file.writeallbytes": self._write,
            "io.path.combine": lambda *parts: ntpath.join(*(text_of(each) for each in parts)),
            "convert.frombase64string": _from_base64,
            "convert.tobase64string": lambda value: base64.b64encode(bytes_of(value)).decode(),
            "string.isnullorempty": lambda value: text_of(value) == "",
            "scriptblock.create": _block,
            "errorrecord.new": _record,
            "microsoft.win32.registry.getvalue": self._registry,
        }

    def call(self, type_name: str, name: str, arguments: list[object] | None) -> object:
        """`[type]::name(arguments)`.

        Raises:
            CommandError: It fails.
            NotInTheLab: It is not on the list.
        """
        plain = _SYSTEM.sub("", type_name).lower()
        if arguments is not None and name.lower() == "new" and plain.endswith("exception"):
            full = type_name if type_name.lower().startswith("system.") else f"System.{type_name}"
            return ExceptionValue(full, text_of(arguments[0] if arguments else ""))
        method = self._methods.get(f"{plain}.{name.lower()}")
        if method is None or arguments is None:
            raise NotInTheLab(f"[{type_name}]::{name}")
        return method(*arguments)

    def _read(self, path: object) -> object:
        content = self._outside.read(text_of(path))
        if content is None:
            raise _method_failed("FileNotFoundException", f"Could not find file '{text_of(path)}'.")
        return content

    def _write(self, path: object, content: object) -> None:
        try:
            self._outside.write(text_of(path), bytes_of(content))
        except OSError as error:
            raise _method_failed("IOException", f"{text_of(path)}: {error}") from error

    def _registry(self, key: object, name: object, default: object) -> object:
        found = self._outside.registry_value(text_of(key), text_of(name))
        return default if found is None else found


def bytes_of(value: object) -> bytes:
    """A byte array's bytes.

    Raises:
        CommandError: It holds something else.
    """
    if isinstance(value, bytes):
        return value
    numbers = [item for item in enumerated(value) if isinstance(item, int)]
    try:
        return bytes(numbers)
    except ValueError as error:
        raise runtime_error("not a byte array") from error


def _from_base64(value: object) -> bytes:
    try:
        return base64.b64decode(re.sub(r"\s", "", text_of(value)), validate=True)
    except binascii.Error as error:
        raise _method_failed("FormatException", "The input is not a valid Base-64 string.") from error


def _block(text: object) -> ScriptBlock:
    try:
        return ScriptBlock(script(text_of(text)))
    except Malformed as error:
        raise _method_failed("ParseException", str(error)) from error


def _record(exception: object, error_id: object, category: object, target: object) -> ErrorDetails:
    wanted = text_of(category).lower()
    number = next((each for each in Category if each.name.replace("_", "").lower() == wanted), None)
    if not isinstance(exception, ExceptionValue) or number is None:
        raise NotInTheLab("an error record of other parts")
    return ErrorDetails(
        fqid=text_of(error_id),
        category=number,
        message=exception.message,
        exception_types=(exception.type_name, "System.Exception"),
        reason=exception.type_name.rpartition(".")[2],
        target_name=text_of(target),
        target_object=target,
    )


def _method_failed(reason: str, message: str) -> CommandError:
    return CommandError(
        ErrorDetails(
            fqid=reason,
            category=Category.NOT_SPECIFIED,
            message=f"Exception calling a method: {message}",
            exception_types=("System.Management.Automation.MethodInvocationException",),
            reason="MethodInvocationException",
        )
    )
