"""Error records of the compiled cmdlets over PowerShell's providers (files, registry, environment).

Ids and categories are those of FileSystemProvider and the core cmdlets; where Windows was not seen to give
them, the function says so.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from wslnet_lab.host.contract import Category, CommandError, ErrorDetails
from wslnet_lab.host.hardware import HardwareError

if TYPE_CHECKING:
    from collections.abc import Iterator

_NOT_FOUND = (
    "System.Management.Automation.ItemNotFoundException",
    "System.Management.Automation.SessionStateException",
    "System.Management.Automation.RuntimeException",
)
_IO = ("System.IO.IOException", "System.SystemException")
_ARGUMENT = ("System.Management.Automation.PSArgumentException", "System.ArgumentException")


def record(
    command: str,
    error_id: str,
    category: Category,
    message: str,
    *,
    exceptions: tuple[str, ...],
    target: str,
) -> ErrorDetails:
    """One record of `command`; `target` is what it was about."""
    return ErrorDetails(
        fqid=f"{error_id},Microsoft.PowerShell.Commands.{command.replace('-', '')}Command",
        category=category,
        message=message,
        exception_types=exceptions,
        activity=command,
        reason=exceptions[0].rpartition(".")[2],
        target_name=target,
        target_type="String",
        target_object=target,
    )


def path_not_found(command: str, path: str) -> ErrorDetails:
    """Nothing is at this path (psrp-facts 10)."""
    message = f"Cannot find path '{path}' because it does not exist."
    return record(
        command, "PathNotFound", Category.OBJECT_NOT_FOUND, message, exceptions=_NOT_FOUND, target=path
    )


def key_refused(command: str, path: str) -> ErrorDetails:
    """A registry key whose list of rights does not name the caller (SecurityException of the provider)."""
    return record(
        command,
        "System.Security.SecurityException",
        Category.PERMISSION_DENIED,
        "Requested registry access is not allowed.",
        exceptions=("System.Security.SecurityException", "System.SystemException"),
        target=path,
    )


def drive_not_found(command: str, path: str) -> ErrorDetails:
    """The drive of this path does not exist."""
    drive = path.partition(":")[0]
    message = f"Cannot find drive. A drive with the name '{drive}' does not exist."
    exceptions = ("System.Management.Automation.DriveNotFoundException", *_NOT_FOUND[1:])
    return record(
        command, "DriveNotFound", Category.OBJECT_NOT_FOUND, message, exceptions=exceptions, target=drive
    )


def used_by_another(command: str, error_id: str, category: Category, path: str) -> ErrorDetails:
    """Another process holds the file. The ids for Get- and Set-Content are known, the rest inferred."""
    message = (
        f"The process cannot access the file '{path}' because it is being used by another process."
        if command in {"Get-Content", "Set-Content"}
        else "The process cannot access the file because it is being used by another process."
    )
    return record(command, error_id, category, message, exceptions=_IO, target=path)


def file_exists(command: str, error_id: str, path: str) -> ErrorDetails:
    """The destination is taken and Force was not given."""
    message = "Cannot create a file when that file already exists."
    return record(command, error_id, Category.WRITE_ERROR, message, exceptions=_IO, target=path)


def property_not_found(command: str, name: str, path: str) -> ErrorDetails:
    """A registry key without that value."""
    message = f"Property {name} does not exist at path {path}."
    return record(
        command,
        "System.Management.Automation.PSArgumentException",
        Category.INVALID_ARGUMENT,
        message,
        exceptions=_ARGUMENT,
        target=name,
    )


def no_such_name(command: str, error_id: str, message: str, target: str) -> ErrorDetails:
    """A service, process or command of that name does not exist."""
    exceptions = (f"Microsoft.PowerShell.Commands.{command.partition('-')[2]}CommandException",)
    return record(command, error_id, Category.OBJECT_NOT_FOUND, message, exceptions=exceptions, target=target)


@contextmanager
def hardware_failure(command: str) -> Iterator[None]:
    """Ends the command with the lab's own failure when the hardware refuses."""
    try:
        yield
    except HardwareError as error:
        raise CommandError(
            record(
                command,
                "LabHardware",
                Category.DEVICE_ERROR,
                f"lab hardware: {error}",
                exceptions=_IO,
                target=error.code,
            )
        ) from error


def not_modelled(command: str, what: str) -> ErrorDetails:
    """The lab lacks it; never a pretended success."""
    return record(
        command,
        "NotSupported",
        Category.NOT_IMPLEMENTED,
        f"the lab does not model {what}",
        exceptions=("System.Management.Automation.PSNotSupportedException",),
        target=what,
    )
