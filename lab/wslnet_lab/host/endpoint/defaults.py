"""The eight commands of every restricted session: functions in front of the real ones (jea-facts F)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from wslnet_lab.host.contract import BoundCall, CommandError, EnumValue, PlainObject
from wslnet_lab.host.endpoint.failures import provider_not_found
from wslnet_lab.host.engine import objects
from wslnet_lab.host.engine.binder import Binding, bind
from wslnet_lab.host.engine.catalogue import absent
from wslnet_lab.host.engine.piping import takes_whole_objects
from wslnet_lab.host.engine.preferences import CommandSink
from wslnet_lab.host.engine.signatures import load_oracle
from wslnet_lab.host.engine.wildcards import is_pattern, matches
from wslnet_lab.host.script.attributes import Reader
from wslnet_lab.host.script.functions import signature_of
from wslnet_lab.host.script.statements import script
from wslnet_lab.host.script.values import text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from wslnet_lab.host.contract import Argument
    from wslnet_lab.host.engine.commands import Runnable, Stage
    from wslnet_lab.host.engine.signatures import Signature
    from wslnet_lab.host.engine.windows_commands import WindowsCommand

_SMA = "System.Management.Automation"
_INPUT = "[Parameter(ValueFromPipeline)]$InputObject"
_NAMES = (
    "'ModuleName', 'Namespace', 'OutputType', 'Count', 'HelpUri', 'Name', 'CommandType',"
    " 'ResolvedCommandName', 'DefaultParameterSet', 'CmdletBinding', 'Parameters'"
)
_PARAMETERS: Mapping[str, str] = {
    "Clear-Host": "",
    "Exit-PSSession": "[CmdletBinding()] param()",
    "Get-Command": "[CmdletBinding()] param([ValidateLength(0, 1000)][ValidateCount(0, 1000)][string[]]$Name,"
    " [ValidateLength(0, 1000)][ValidateCount(0, 100)][string[]]$Module,"
    " [Alias('Args')][object[]]$ArgumentList, [string]$CommandType, [switch]$ListImported,"
    " [switch]$ShowCommandInfo)",
    "Get-FormatData": "[CmdletBinding()] param([ValidateLength(0, 1000)][string[]]$TypeName,"
    " [version]$PowerShellVersion)",
    "Get-Help": "[CmdletBinding()] param([ValidatePattern('^[-\\w*?\\\\. ]+$')][string]$Name,"
    " [string[]]$Category)",
    "Measure-Object": f"[CmdletBinding()] param({_INPUT})",
    "Out-Default": f"[CmdletBinding()] param({_INPUT})",
    "Select-Object": f"[CmdletBinding()] param([ValidateSet({_NAMES})][object[]]$Property, {_INPUT})",
}
DEFAULTS = tuple(_PARAMETERS)
DEFAULT_ALIASES: Mapping[str, str] = {
    "cls": "Clear-Host",
    "exsn": "Exit-PSSession",
    "gcm": "Get-Command",
    "measure": "Measure-Object",
    "select": "Select-Object",
}
"""Those that a client of a restricted session has beside the eight (jea-facts, case n-metadata-message)."""
_ALIAS, _FUNCTION, _CMDLET = 1, 2, 8


@dataclass(frozen=True)
class DefaultCommand:
    """One of them; `body` is what it does with what was bound and piped."""

    signature: Signature
    body: Callable[[Stage, CommandSink], None]
    inside: Callable[[Stage, CommandSink], None] | None = None

    def bind(self, arguments: tuple[Argument, ...], *, piped: bool) -> Binding:
        """Binds the arguments.

        Raises:
            CommandError: They do not fit.
        """
        return bind(self.signature, arguments, piped=piped)

    def run(self, stage: Stage) -> None:
        """Runs it.

        Raises:
            CommandError: It ends by an error.
        """
        self.body(stage, CommandSink(self.signature, stage.binding.values, stage.sink, stage.emit))

    def run_in(self, stage: Stage, _flow: object) -> None:
        """Runs it from a body: the same command, but it sees what is hidden.

        Raises:
            CommandError: It ends by an error.
        """
        sink = CommandSink(self.signature, stage.binding.values, stage.sink, stage.emit)
        (self.inside or self.body)(stage, sink)


def default_commands(
    windows: Callable[[str], WindowsCommand | None],
    listed: Callable[[], Iterable[tuple[str, Runnable]]],
    hidden: Callable[[], Iterable[tuple[str, Runnable]]],
    aliases: Callable[[], Mapping[str, str]],
) -> dict[str, DefaultCommand]:
    """All eight, by lower-case name.

    Args:
        windows: Windows' own command of a name, which does the work of some.
        listed: The commands that Get-Command shows a client.
        hidden: Those that it shows a body.
        aliases: Names that a client may use, and what they stand for.
    """
    reader = Reader(lambda _block, _value: True)
    bodies: dict[str, Callable[[Stage, CommandSink], None]] = {
        "Get-Command": lambda stage, sink: _get_command(stage, sink, listed, aliases),
        "Get-Help": lambda stage, sink: _get_help(stage, sink, listed),
        "Measure-Object": _through(windows("Measure-Object")),
        "Select-Object": _through(windows("Select-Object")),
    }
    made: dict[str, DefaultCommand] = {}
    for name, text in _PARAMETERS.items():
        signature = signature_of(name, script(text), reader)
        if name == "Get-Command":
            signature = _with_command_types(signature)
        made[name.lower()] = DefaultCommand(signature, bodies.get(name, _nothing))
    seen = made["get-command"]
    made["get-command"] = replace(seen, inside=lambda stage, sink: _get_command(stage, sink, hidden, aliases))
    return made


def _with_command_types(signature: Signature) -> Signature:
    real = load_oracle("all").command("Get-Command")
    if real is None:
        return signature
    kind = replace(signature.parameters["CommandType"], type=real.parameters["CommandType"].type)
    return replace(signature, parameters={**signature.parameters, "CommandType": kind})


def _nothing(_stage: Stage, _sink: CommandSink) -> None:
    """Out-Default swallows (jea-facts F); the others show nothing over a protocol."""


def _through(command: WindowsCommand | None) -> Callable[[Stage, CommandSink], None]:
    """Runs the real command with what the proxy took."""
    if command is None:
        return _nothing
    body = objects.BODIES[command.signature.name]

    def run(stage: Stage, sink: CommandSink) -> None:
        values = dict(stage.binding.result().parameters)
        piped = stage.objects if takes_whole_objects(stage.binding) else None
        call = BoundCall(command.signature.name, "", values, stage.session, tuple(piped or ()))
        for value in body(call, sink):
            sink.output(value)

    return run


def _get_command(
    stage: Stage,
    sink: CommandSink,
    listed: Callable[[], Iterable[tuple[str, Runnable]]],
    aliases: Callable[[], Mapping[str, str]],
) -> None:
    given = stage.binding.result().parameters
    commands = sorted(listed(), key=lambda entry: entry[0].lower())
    names = given.get("Name")
    for wanted in [text_of(each) for each in names] if isinstance(names, list) else ["*"]:
        found = [(name, each) for name, each in commands if matches(wanted, name)]
        named = [name for name in sorted(aliases()) if _alias_wanted(wanted, name, given)]
        for name in named:
            target = aliases()[name]
            sink.output(_alias(name, target, next((each for key, each in commands if key == target), None)))
        if not named and not found and not is_pattern(wanted):
            sink.error(absent(wanted))
        for name, each in found:
            if _wanted(each.signature, given):
                sink.output(_described(name, each.signature, short=given.get("ShowCommandInfo") is True))


def _get_help(stage: Stage, sink: CommandSink, listed: Callable[[], Iterable[tuple[str, Runnable]]]) -> None:
    """Help on a command that the client sees; for any other name it looks for files, which are hidden."""
    wanted = stage.binding.result().parameters.get("Name")
    if not isinstance(wanted, str):
        return
    found = [name for name, _ in listed() if matches(wanted, name)]
    if not found:
        raise CommandError(provider_not_found("FileSystem", "Microsoft.PowerShell.Commands.GetHelpCommand"))
    for name in found:
        sink.output(PlainObject(("ExtendedCmdletHelpInfo", f"{_SMA}.PSCustomObject"), {}, {"Name": name}))


def _wanted(signature: Signature, given: Mapping[str, object]) -> bool:
    modules = given.get("Module")
    if isinstance(modules, list) and not any(matches(text_of(each), signature.module) for each in modules):
        return False
    kind = given.get("CommandType")
    if isinstance(kind, EnumValue):
        return bool(kind.number & (_FUNCTION if signature.function else _CMDLET))
    return True


def _alias_wanted(wanted: str, name: str, given: Mapping[str, object]) -> bool:
    """By its own name always; by a pattern only when aliases are asked for."""
    kind = given.get("CommandType")
    if isinstance(kind, EnumValue):
        return bool(kind.number & _ALIAS) and matches(wanted, name)
    return wanted.lower() == name


def _alias(name: str, target: str, command: Runnable | None) -> PlainObject:
    types = (f"{_SMA}.AliasInfo", f"{_SMA}.CommandInfo", "System.Object")
    parameters = () if command is None else command.signature.parameters
    properties = {
        "Name": name,
        "CommandType": "Alias",
        "Definition": target,
        "ResolvedCommandName": target,
        "Parameters": dict.fromkeys(parameters, f"{_SMA}.ParameterMetadata"),
    }
    return PlainObject(types, properties, to_string=name)


def _described(name: str, signature: Signature, *, short: bool) -> PlainObject:
    kind = "Function" if signature.function else "Cmdlet"
    if short:
        keys = ("CommandType", "Definition", "Module", "ModuleName", "Name", "ParameterSets")
        return PlainObject((f"{_SMA}.PSCustomObject", "System.Object"), {}, dict.fromkeys(keys, name))
    return PlainObject(
        (f"{_SMA}.{kind}Info", f"{_SMA}.CommandInfo", "System.Object"),
        {
            "Name": name,
            "CommandType": kind,
            "ModuleName": signature.module,
            "Module": signature.module or None,
            "Source": signature.module,
            "Visibility": "Public",
            # The text of functions crosses too (jea-facts A15); the lab's clients read it nowhere.
            "Definition": f"function {name}",
            "Parameters": dict.fromkeys(signature.parameters, f"{_SMA}.ParameterMetadata"),
        },
        to_string=name,
    )
