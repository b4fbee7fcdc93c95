r"""Register-, Unregister- and Get-PSSessionConfiguration: files in SessionConfig on drive C:.

A real Windows lets a change hold once WinRM has restarted; this one at once.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from wslnet_lab.host.commands.provider_errors import no_such_name, not_modelled, record
from wslnet_lab.host.contract import BoundCall, Category, CommandError, PlainObject, Sink
from wslnet_lab.host.endpoint.failures import ConfigurationRefused
from wslnet_lab.host.endpoint.files import read_configuration
from wslnet_lab.host.endpoint.registered import CONFIGURATIONS
from wslnet_lab.host.engine.wildcards import is_pattern, matches

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from wslnet_lab.host.engine import Registry
    from wslnet_lab.host.state import MachineState

_TYPE = "Microsoft.PowerShell.Commands.PSSessionConfigurationCommands#PSSessionConfiguration"
_NAME = re.compile(r"[\w.-]{1,200}")
_ERROR = ("System.InvalidOperationException", "System.SystemException")


class SessionConfigurations:
    """The bodies."""

    def __init__(self, state: MachineState) -> None:
        self._state = state

    def register(self, call: BoundCall, _sink: Sink) -> Iterator[object]:
        """Copies the file; one of that name is replaced with -Force only."""
        self._demand_admin(call)
        if "Path" not in call.parameters:
            raise CommandError(not_modelled(call.command, "another set than -Path"))
        name, path = str(call.parameters["Name"]), str(call.parameters["Path"])
        if not _NAME.fullmatch(name):
            raise _refused(call, Category.INVALID_ARGUMENT, f"{name} is no name of a session configuration.")
        if self._exists(name) and call.parameters.get("Force") is not True:
            raise _refused(call, Category.INVALID_OPERATION, f"The session configuration {name} exists.")
        try:
            content = self._state.disk.read(path)
            read_configuration(content.decode("utf-8-sig"))
        except (FileNotFoundError, ConfigurationRefused) as error:
            raise _refused(call, Category.INVALID_ARGUMENT, f"{path}: {error}") from error
        self._folder().joinpath(f"{name}.pssc").write_bytes(content)
        yield _described(name)

    def unregister(self, call: BoundCall, sink: Sink) -> Iterator[object]:
        """Removes it."""
        self._demand_admin(call)
        name = str(call.parameters["Name"])
        if self._exists(name):
            self._folder().joinpath(f"{name}.pssc").unlink()
        else:
            sink.error(
                no_such_name(call.command, "InvalidOperation", f"No session configuration {name}.", name)
            )
        yield from ()

    def get(self, call: BoundCall, sink: Sink) -> Iterator[object]:
        """Those that fit -Name."""
        self._demand_admin(call)
        names = sorted(file.stem for file in self._folder().glob("*.pssc"))
        wanted = call.parameters.get("Name")
        for pattern in [str(each) for each in wanted] if isinstance(wanted, list) else ["*"]:
            found = [name for name in names if matches(pattern, name)]
            if not found and not is_pattern(pattern):
                message = f"No session configuration matches {pattern}."
                sink.error(no_such_name(call.command, "PSSessionConfigurationNotFound", message, pattern))
            for name in found:
                yield _described(name)

    def _folder(self) -> Path:
        drive = self._state.disk.locate("C:\\")
        if drive is None:
            raise FileNotFoundError(CONFIGURATIONS)
        place = self._state.disk.locate(CONFIGURATIONS) or drive.joinpath(*CONFIGURATIONS.split("\\")[1:])
        place.mkdir(parents=True, exist_ok=True)
        return place

    def _exists(self, name: str) -> bool:
        return any(file.name == f"{name}.pssc" for file in self._folder().iterdir())

    def _demand_admin(self, call: BoundCall) -> None:
        if not call.session.identity.admin:
            raise _refused(call, Category.PERMISSION_DENIED, "Access is denied.")


def register(registry: Registry, state: MachineState) -> None:
    """Enters the three."""
    bodies = SessionConfigurations(state)
    registry.add("Register-PSSessionConfiguration", bodies.register)
    registry.add("Unregister-PSSessionConfiguration", bodies.unregister)
    registry.add("Get-PSSessionConfiguration", bodies.get)


def _described(name: str) -> PlainObject:
    return PlainObject((_TYPE, "System.Object"), {}, {"Name": name, "PSVersion": "5.1", "Enabled": "True"})


def _refused(call: BoundCall, category: Category, message: str) -> CommandError:
    details = record(
        call.command,
        "InvalidOperation",
        category,
        message,
        exceptions=_ERROR,
        target=str(call.parameters.get("Name")),
    )
    return CommandError(details)
