"""What bodies see of the session that they run in: hidden commands, drives, .NET, automatic variables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet_lab.host.contract import CommandError
from wslnet_lab.host.endpoint.failures import provider_not_found
from wslnet_lab.host.engine.errors import command_not_found
from wslnet_lab.host.engine.silence import Silence, drop
from wslnet_lab.host.script import statements, texts
from wslnet_lab.host.script.dotnet import Statics
from wslnet_lab.host.script.scopes import Flow, Frame
from wslnet_lab.host.script.syntax import NotInTheLab
from wslnet_lab.host.script.values import Array, Opaque, ScriptBlock, text_of, truth_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from wslnet_lab.host.contract import Invocation, Session
    from wslnet_lab.host.endpoint.modules import Modules
    from wslnet_lab.host.endpoint.session import Commands, World
    from wslnet_lab.host.engine.commands import Runnable
    from wslnet_lab.host.script.interpreter import Interpreter

_ENGINE_PREFIX = "microsoft.powershell."
_SMA = "System.Management.Automation"
_PID = 4242


class SessionHost:
    """`script.interpreter.Host` of one session."""

    def __init__(self, world: World, environment: dict[str, str], commands: Commands) -> None:
        self.environment = {name.lower(): value for name, value in environment.items()}
        self.modules: Modules | None = None
        self.loaded: frozenset[str] = frozenset()
        self._world = world
        self._commands = commands
        self._statics = Statics(_Outside(world, self.environment))

    def find(self, invocation: Invocation, session: Session) -> Runnable:
        """A command of the session, hidden ones too.

        Raises:
            CommandError: There is none.
        """
        del session
        name = self._commands.aliases.get(invocation.name.lower(), invocation.name)
        lowered = name.lower()
        module, _, plain = lowered.rpartition("\\")
        if module:
            return self._qualified(module, plain, name)
        found = self._commands.entries.get(lowered)
        if found is None and self.modules is not None:
            home = self.modules.home_of(lowered)
            if home is not None and home.lower().startswith(_ENGINE_PREFIX):
                found = (self.modules.exports(home) or {}).get(lowered)
        if found is None:
            raise command_not_found(name)
        return found

    def _qualified(self, module: str, plain: str, name: str) -> Runnable:
        exports = self.modules.exports(module) if self.modules is not None else None
        found = (exports or {}).get(plain)
        if found is not None and (module in self.loaded or module.startswith(_ENGINE_PREFIX)):
            return found
        if found is not None:
            # Loading it would need the file system, which is hidden (jea-facts A10).
            raise CommandError(provider_not_found("FileSystem", ""))
        raise command_not_found(name)

    def drive_item(self, drive: str, name: str) -> object:
        """`$env:name` and `${function:name}`.

        Raises:
            NotInTheLab: Another drive.
        """
        if drive == "env":
            return self.environment.get(name.lower(), self._world.outside.variable(name))
        if drive == "function":
            found = self._commands.entries.get(name.lower())
            return ScriptBlock(found.block) if found is not None and hasattr(found, "block") else None
        raise NotInTheLab(f"the drive {drive}:")

    def static(self, type_name: str, name: str, arguments: list[object] | None) -> object:
        """A static member of .NET."""
        return self._statics.call(type_name, name, arguments)

    def native(self, path: str, arguments: list[str]) -> list[str]:
        """What a native program writes."""
        return self._world.native(path, arguments)


class _Outside:
    """The machine with the environment variables of the role over its own."""

    def __init__(self, world: World, environment: dict[str, str]) -> None:
        self._outside = world.outside
        self._environment = environment
        self.read = self._outside.read
        self.write = self._outside.write
        self.registry_value = self._outside.registry_value

    def variable(self, name: str) -> str | None:
        """An environment variable."""
        return self._environment.get(name.lower(), self._outside.variable(name))


def root_frame(variables: Iterable[tuple[str, object]], session: Session) -> Frame:
    """The global scope of a new session."""
    user = session.identity.user
    identity = Opaque("System.Security.Principal.GenericIdentity", {"Name": user})
    security = Opaque("System.Security.Principal.SecurityIdentifier", {"Value": session.identity.sid})
    windows = Opaque("System.Security.Principal.WindowsIdentity", {"Name": user, "User": security})
    principal = Opaque(f"{_SMA}.Remoting.PSPrincipal", {"Identity": identity, "WindowsIdentity": windows})
    sender = {"ConnectedUser": user, "UserInfo": principal, "ApplicationArguments": {}}
    root = Frame(
        variables={
            "erroractionpreference": "Continue",
            "warningpreference": "Continue",
            "verbosepreference": "SilentlyContinue",
            "debugpreference": "SilentlyContinue",
            "informationpreference": "SilentlyContinue",
            "confirmpreference": "High",
            "whatifpreference": False,
            "pid": _PID,
            "pwd": "<home>",
            "error": [],
            "pssenderinfo": Opaque(f"{_SMA}.Remoting.PSSenderInfo", sender),
        }
    )
    for name, value in variables:
        root.assign(name, value)
    return root


def with_context(root: Frame, run: Interpreter, session: Session) -> None:
    """Adds `$ExecutionContext`: the language that bodies run in, and expansion of text."""

    def expand(text: object) -> object:
        flow = Flow(root, session, Silence(), drop)
        return text_of(run.evaluate(texts.expandable(text_of(text)), flow))

    def invoke_script(text: object) -> object:
        found: list[object] = []
        run.execute(statements.script(text_of(text)).end, Flow(root, session, Silence(), found.append))
        return Array.of(found)

    state = Opaque(f"{_SMA}.SessionState", {"LanguageMode": "FullLanguage"})
    invoke = Opaque(
        f"{_SMA}.CommandInvocationIntrinsics", {}, {"ExpandString": expand, "InvokeScript": invoke_script}
    )
    context = {"SessionState": state, "InvokeCommand": invoke}
    root.assign("ExecutionContext", Opaque(f"{_SMA}.EngineIntrinsics", context))


def validate_by(run: Interpreter, root: Frame, session: Session) -> Callable[[object, object], bool]:
    """How a ValidateScript decides: its block, in full language, with `$_` as the value."""
    with_context(root, run, session)

    def holds(block: object, value: object) -> bool:
        if not isinstance(block, ScriptBlock):
            raise NotInTheLab("a ValidateScript without a block")
        frame = Frame(root, variables={"_": value})
        found = run.collected(block.block.end, Flow(frame, session, Silence(), drop))
        return bool(found) and truth_of(found[-1])

    return holds
