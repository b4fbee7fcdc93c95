"""Commands of the engine's own modules that bodies use and that need the scope they are called from.

Signatures are written as param blocks and read by the lab's own parser; what a command does is one small
function. Windows' own commands are not here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from wslnet_lab.host.contract import BoundCall, Category, CommandError, ErrorDetails, Information, PlainObject
from wslnet_lab.host.engine.binder import Binding, bind
from wslnet_lab.host.engine.objects import where
from wslnet_lab.host.engine.preferences import CONTINUE
from wslnet_lab.host.engine.signatures import load_oracle
from wslnet_lab.host.script import calling, members
from wslnet_lab.host.script.attributes import Reader
from wslnet_lab.host.script.command import accepted
from wslnet_lab.host.script.ends import not_modelled
from wslnet_lab.host.script.functions import signature_of
from wslnet_lab.host.script.scopes import Flow, Frame
from wslnet_lab.host.script.statements import script
from wslnet_lab.host.script.syntax import NotInTheLab
from wslnet_lab.host.script.values import ScriptBlock, enumerated, text_of, truth_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from wslnet_lab.host.contract import Argument
    from wslnet_lab.host.engine.commands import Stage
    from wslnet_lab.host.engine.signatures import Signature
    from wslnet_lab.host.script.interpreter import Interpreter

    Body = Callable[["Interpreter", Mapping[str, object], Flow], None]

_UTILITY = "Microsoft.PowerShell.Utility"
_CORE = "Microsoft.PowerShell.Core"
_MANAGEMENT = "Microsoft.PowerShell.Management"


@dataclass(frozen=True)
class CoreCommand:
    """One of them, as the engine's `Runnable`."""

    signature: Signature
    body: Body
    run_with: Interpreter
    root: Frame

    def bind(self, arguments: tuple[Argument, ...], *, piped: bool) -> Binding:
        """Binds the arguments.

        Raises:
            CommandError: They do not fit.
        """
        return bind(self.signature, arguments, piped=piped)

    def run(self, stage: Stage) -> None:
        """Runs it from the client.

        Raises:
            CommandError: It ends by an error.
        """
        try:
            self.run_in(stage, Flow(self.root, stage.session, stage.sink, stage.emit))
        except NotInTheLab as error:
            raise not_modelled(error, self.signature.tail) from error

    def run_in(self, stage: Stage, flow: Flow) -> None:
        """Runs it from a body.

        Raises:
            CommandError: It ends by an error.
        """
        target = replace(flow, emit=stage.emit)
        if stage.objects is None:
            self.body(self.run_with, stage.binding.result().parameters, target)
            return
        for value in stage.objects:
            bound = accepted(stage.binding, value, stage.sink.error)
            if bound is not None:
                self.body(self.run_with, bound.parameters, target)


def _each(run: Interpreter, given: Mapping[str, object], flow: Flow) -> None:
    block = given.get("Process")
    if not isinstance(block, ScriptBlock):
        _each_member(given, flow)
        return
    # Its block runs in the caller's own scope.
    frame = Frame(flow.frame, flow.frame.function, variables={"_": given.get("InputObject")})
    run.execute(block.block.end, flow.inside(frame))


def _each_member(given: Mapping[str, object], flow: Flow) -> None:
    """Members by name: properties, and methods, on any object that comes along (jea-facts A17)."""
    value, name = given.get("InputObject"), text_of(given.get("MemberName"))
    arguments = given.get("ArgumentList")
    if isinstance(arguments, list) or members.is_method(value, name):
        found = members.call(value, name, arguments if isinstance(arguments, list) else [])
    else:
        found = members.member(value, name)
    for each in enumerated(found):
        flow.emit(each)


def _where(run: Interpreter, given: Mapping[str, object], flow: Flow) -> None:
    block, value = given.get("FilterScript"), given.get("InputObject")
    if not isinstance(block, ScriptBlock):
        for each in where(BoundCall("Where-Object", "", given, flow.session), flow.sink):
            flow.emit(each)
        return
    frame = Frame(flow.frame, flow.frame.function, variables={"_": value})
    if truth_of(next(iter(run.collected(block.block.end, flow.inside(frame))), None)):
        flow.emit(value)


def _write_error(_run: Interpreter, given: Mapping[str, object], flow: Flow) -> None:
    category = text_of(given.get("Category", "NotSpecified"))
    number = next((each for each in Category if each.name.replace("_", "").lower() == category.lower()), None)
    error_id = text_of(given.get("ErrorId")) or "Microsoft.PowerShell.Commands.WriteErrorException"
    calling.BodySink(flow).error(
        ErrorDetails(
            fqid=f"{error_id},{flow.frame.function}" if flow.frame.function else error_id,
            category=number or Category.NOT_SPECIFIED,
            message=text_of(given.get("Message")),
            exception_types=("Microsoft.PowerShell.Commands.WriteErrorException",),
            activity="Write-Error",
            reason="WriteErrorException",
            target_object=given.get("TargetObject"),
        )
    )


def _write_output(_run: Interpreter, given: Mapping[str, object], flow: Flow) -> None:
    for each in enumerated(given.get("InputObject")):
        flow.emit(each)


def _write_warning(_run: Interpreter, given: Mapping[str, object], flow: Flow) -> None:
    flow.sink.warning(text_of(given.get("Message")))


def _write_verbose(_run: Interpreter, given: Mapping[str, object], flow: Flow) -> None:
    if given.get("Verbose") is True or flow.frame.find("VerbosePreference") == CONTINUE:
        flow.sink.remark("verbose", text_of(given.get("Message")))


def _write_debug(_run: Interpreter, given: Mapping[str, object], flow: Flow) -> None:
    if given.get("Debug") is True or flow.frame.find("DebugPreference") == CONTINUE:
        flow.sink.remark("debug", text_of(given.get("Message")))


def _write_information(_run: Interpreter, given: Mapping[str, object], flow: Flow) -> None:
    flow.sink.notice(Information(given.get("MessageData"), "Write-Information"))


def _write_host(_run: Interpreter, given: Mapping[str, object], flow: Flow) -> None:
    text = text_of(given.get("Object"))
    message = PlainObject(
        ("System.Management.Automation.HostInformationMessage", "System.Object"),
        {"Message": text, "NoNewLine": False, "ForegroundColor": None, "BackgroundColor": None},
        to_string=text,
    )
    flow.sink.notice(Information(message, "Write-Host", ("PSHOST",)))


def _read_host(_run: Interpreter, _given: Mapping[str, object], _flow: Flow) -> None:
    raise CommandError(
        ErrorDetails(
            fqid="HostFunctionNotImplemented,Microsoft.PowerShell.Commands.ReadHostCommand",
            category=Category.NOT_IMPLEMENTED,
            message="A command that prompts the user failed: the host does not support interaction.",
            exception_types=("System.Management.Automation.Host.HostException",),
            activity="Read-Host",
            reason="HostException",
        )
    )


def _invoke_expression(run: Interpreter, given: Mapping[str, object], flow: Flow) -> None:
    run.execute(script(text_of(given.get("Command"))).end, flow)


def _get_location(_run: Interpreter, _given: Mapping[str, object], flow: Flow) -> None:
    path = text_of(flow.frame.root.find("pwd"))
    flow.emit(
        PlainObject(
            ("System.Management.Automation.PathInfo",),
            {
                "Drive": path[:1] if path.startswith("/") else "/",
                "Provider": f"{_CORE}\\FileSystem",
                "ProviderPath": path,
                "Path": path,
            },
            to_string=path,
        )
    )


def _set_location(_run: Interpreter, given: Mapping[str, object], flow: Flow) -> None:
    flow.frame.root.assign("pwd", text_of(given.get("Path")))


def _get_variable(_run: Interpreter, given: Mapping[str, object], flow: Flow) -> None:
    names = given.get("Name")
    for name in names if isinstance(names, list) else []:
        value = flow.frame.find(text_of(name))
        if given.get("ValueOnly") is True:
            flow.emit(value)
            continue
        properties = {"Name": text_of(name), "Value": value, "Options": "None"}
        flow.emit(
            PlainObject(("System.Management.Automation.PSVariable",), properties, to_string=_PSVARIABLE)
        )


def _set_variable(_run: Interpreter, given: Mapping[str, object], flow: Flow) -> None:
    scope = text_of(given.get("Scope")).lower()
    if scope not in ("", "local", "0", "global"):
        raise NotInTheLab(f"the scope {scope}")
    frame = flow.frame.root if scope == "global" else flow.frame
    names = given.get("Name")
    for name in names if isinstance(names, list) else []:
        frame.assign(text_of(name), given.get("Value"))


def _no_model(_run: Interpreter, _given: Mapping[str, object], _flow: Flow) -> None:
    raise NotInTheLab("what this command does")


_PSVARIABLE = "System.Management.Automation.PSVariable"
_PIPED = "[Parameter(ValueFromPipeline)]$InputObject"
_MEMBER = "[string]$MemberName, [object[]]$ArgumentList"
_MESSAGE = "[Parameter(Mandatory, Position=0)][string]$Message"
_ROWS: tuple[tuple[str, str, str, Body], ...] = (
    (_CORE, "ForEach-Object", f"{_PIPED}, [Parameter(Position=0)][scriptblock]$Process, {_MEMBER}", _each),
    (_CORE, "Where-Object", "", _where),
    (_CORE, "Get-Module", "[Parameter(Position=0)][string[]]$Name, [switch]$ListAvailable", _no_model),
    (_CORE, "Invoke-Command", "[Parameter(Position=0)][scriptblock]$ScriptBlock", _no_model),
    (
        _UTILITY,
        "Write-Error",
        f"{_MESSAGE}, [string]$ErrorId, [string]$Category, $TargetObject",
        _write_error,
    ),
    (_UTILITY, "Write-Warning", _MESSAGE, _write_warning),
    (_UTILITY, "Write-Verbose", _MESSAGE, _write_verbose),
    (_UTILITY, "Write-Debug", _MESSAGE, _write_debug),
    (_UTILITY, "Write-Information", _MESSAGE.replace("[string]$Message", "$MessageData"), _write_information),
    (_UTILITY, "Write-Host", "[Parameter(Position=0)]$Object", _write_host),
    (_UTILITY, "Write-Output", "[Parameter(Position=0, ValueFromPipeline)]$InputObject", _write_output),
    (_UTILITY, "Read-Host", "[Parameter(Position=0)]$Prompt", _read_host),
    (_UTILITY, "Invoke-Expression", "[Parameter(Mandatory, Position=0)][string]$Command", _invoke_expression),
    (_UTILITY, "Get-Variable", "[Parameter(Position=0)][string[]]$Name, [switch]$ValueOnly", _get_variable),
    (
        _UTILITY,
        "Set-Variable",
        "[Parameter(Mandatory, Position=0)][string[]]$Name, [Parameter(Position=1)]$Value, [string]$Scope",
        _set_variable,
    ),
    (_UTILITY, "Get-Date", "[Parameter(Position=0)]$Date", _no_model),
    (_UTILITY, "Set-PSBreakpoint", "[Parameter(Position=0)][string[]]$Script", _no_model),
    (_MANAGEMENT, "Get-Location", "[string[]]$PSProvider", _get_location),
    (_MANAGEMENT, "Set-Location", "[Parameter(Position=0)][string]$Path", _set_location),
    (
        _MANAGEMENT,
        "Set-Item",
        "[Parameter(Position=0, Mandatory)][string[]]$Path, [Parameter(Position=1)]$Value",
        _no_model,
    ),
)
_TAILS = {
    "ForEach-Object": f"{_CORE.replace('Core', 'Commands')}.ForEachObjectCommand",
    "Get-Variable": "Microsoft.PowerShell.Commands.GetVariableCommand",
    "Set-Item": "Microsoft.PowerShell.Commands.SetItemCommand",
    "Write-Output": "Microsoft.PowerShell.Commands.WriteOutputCommand",
}


def core_commands(run: Interpreter, root: Frame) -> dict[str, CoreCommand]:
    """All of them, by lower-case name; `root` is the scope they run in from the client."""
    reader = Reader(lambda _block, _value: True)
    found: dict[str, CoreCommand] = {}
    for module, name, parameters, body in _ROWS:
        block = script(f"[CmdletBinding()] param({parameters})")
        signature = load_oracle("all").command(name) or signature_of(name, block, reader)
        tail = _TAILS.get(name, f"Microsoft.PowerShell.Commands.{name.replace('-', '')}Command")
        signature = replace(signature, module=module, function=False, tail=tail)
        found[name.lower()] = CoreCommand(signature, body, run, root)
    return found
