"""Get-Command: the commands that this build has, by the reading of a real machine that stands for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet_lab.host.commands.provider_errors import record
from wslnet_lab.host.contract import BoundCall, Category, ErrorDetails, PlainObject, Sink
from wslnet_lab.host.engine.build import reading_of
from wslnet_lab.host.engine.signatures import Signature, load_oracle
from wslnet_lab.host.engine.wildcards import is_pattern, matches

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet_lab.host.engine import Registry
    from wslnet_lab.host.state import MachineState

_FUNCTION = ("System.Management.Automation.FunctionInfo", "System.Management.Automation.CommandInfo")
_CMDLET = ("System.Management.Automation.CmdletInfo", "System.Management.Automation.CommandInfo")
_NOT_FOUND = (
    "System.Management.Automation.CommandNotFoundException",
    "System.Management.Automation.RuntimeException",
)


class CommandList:
    """The body."""

    def __init__(self, state: MachineState) -> None:
        self._commands = load_oracle(reading_of(state.settings.build)).commands

    def get(self, call: BoundCall, sink: Sink) -> Iterator[object]:
        """By -Name (wildcards), -Module, -Verb, -Noun; a plain name that is missing is an error."""
        wanted = call.parameters.get("Name")
        for pattern in [str(item) for item in wanted] if isinstance(wanted, list) else ["*"]:
            found = [each for each in self._commands.values() if matches(pattern, each.name)]
            if not found and not is_pattern(pattern):
                sink.error(_missing(call.command, pattern))
            for each in found:
                if _fits(call, each):
                    yield _described(each)


def register(registry: Registry, state: MachineState) -> None:
    """Enters Get-Command."""
    registry.add("Get-Command", CommandList(state).get)


def _fits(call: BoundCall, command: Signature) -> bool:
    verb, _, noun = command.name.partition("-")
    held = {"Module": command.module, "Verb": verb, "Noun": noun}
    for name, text in held.items():
        wanted = call.parameters.get(name)
        if isinstance(wanted, list) and not any(matches(str(item), text) for item in wanted):
            return False
    return True


def _described(command: Signature) -> PlainObject:
    properties = {
        "Name": command.name,
        "CommandType": "Function" if command.function else "Cmdlet",
        "ModuleName": command.module,
        "Module": command.module,
        "Source": command.module,
        "Version": "1.0.0.0",
        "Visibility": "Public",
        "Parameters": dict.fromkeys(command.parameters, "System.Management.Automation.ParameterMetadata"),
    }
    types = (*(_FUNCTION if command.function else _CMDLET), "System.Object")
    return PlainObject(types, properties, {}, to_string=command.name)


def _missing(command: str, name: str) -> ErrorDetails:
    message = (
        f"The term '{name}' is not recognized as the name of a cmdlet, function, script file, or operable "
        "program. Check the spelling of the name, or if a path was included, verify that the path is correct "
        "and try again."
    )
    return record(
        command,
        "CommandNotFoundException",
        Category.OBJECT_NOT_FOUND,
        message,
        exceptions=_NOT_FOUND,
        target=name,
    )
