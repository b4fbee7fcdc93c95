"""Builds a constrained session: imports, what is public, what stands in front of what (jea-facts B)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from wslnet_lab.host.contract import Category, ErrorDetails
from wslnet_lab.host.endpoint import proxies
from wslnet_lab.host.endpoint.defaults import DEFAULT_ALIASES, DEFAULTS, default_commands
from wslnet_lab.host.endpoint.failures import OpenFailed
from wslnet_lab.host.endpoint.merge import merged
from wslnet_lab.host.endpoint.modules import ENGINE_PREFIX, ModuleFiles, Modules
from wslnet_lab.host.endpoint.script_host import SessionHost, root_frame, validate_by
from wslnet_lab.host.engine.wildcards import is_pattern, matches
from wslnet_lab.host.script.attributes import Reader
from wslnet_lab.host.script.command import ScriptFunction, Unmodelled
from wslnet_lab.host.script.core_commands import core_commands
from wslnet_lab.host.script.functions import signature_of
from wslnet_lab.host.script.interpreter import Interpreter
from wslnet_lab.host.script.syntax import NotInTheLab

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from wslnet_lab.host.contract import Session
    from wslnet_lab.host.endpoint.files import Capability, Configuration, Restriction
    from wslnet_lab.host.engine.commands import Runnable
    from wslnet_lab.host.engine.windows_commands import WindowsCommands
    from wslnet_lab.host.script.dotnet import Outside
    from wslnet_lab.host.script.scopes import Frame

_USER_DRIVE = ("PSCopyFromSessionHelper", "PSCopyRemoteUtils", "PSCopyToSessionHelper")


class World(Protocol):
    """The machine that a session is opened on."""

    @property
    def windows(self) -> WindowsCommands:
        """Windows' own commands."""

    @property
    def files(self) -> ModuleFiles:
        """Where script modules lie."""

    @property
    def outside(self) -> Outside:
        """What .NET reaches."""

    def native(self, path: str, arguments: list[str]) -> list[str]:
        """The lines that a native program writes."""

    def start_script(self, path: str) -> str | None:
        """The text of a start-up script; None when it is not there."""

    def keeps_transcripts(self, folder: str) -> bool:
        """Whether files can be written into that folder, which is made when it is not there."""


@dataclass
class Commands:
    """The commands of one session by lower-case name, and which of them a client may call."""

    entries: dict[str, Runnable] = field(default_factory=dict)
    spelled: dict[str, str] = field(default_factory=dict)
    public: set[str] = field(default_factory=set)
    qualified: dict[str, Runnable] = field(default_factory=dict)
    public_qualified: set[str] = field(default_factory=set)
    aliases: dict[str, str] = field(default_factory=dict)
    public_aliases: set[str] = field(default_factory=set)

    def add(self, name: str, command: Runnable, *, public: bool) -> None:
        """Puts a command under a name, over one that had it."""
        lowered = name.lower()
        self.entries[lowered] = command
        self.spelled[lowered] = name
        self.public.discard(lowered)
        if public:
            self.public.add(lowered)

    def listed(self, *, hidden: bool) -> Iterable[tuple[str, Runnable]]:
        """Names and commands; those that a client may not call only when asked for."""
        for key, command in self.entries.items():
            if hidden or key in self.public:
                yield self.spelled[key], command
        for key in self.public_qualified:
            command = self.qualified[key]
            if command.signature.name in DEFAULTS:
                yield command.signature.name, command

    def visible_aliases(self) -> dict[str, str]:
        """The aliases that a client may use, in lower case, and what they stand for."""
        return {name: self.aliases[name] for name in self.public_aliases}


@dataclass(frozen=True)
class RestrictedSession:
    """An open session."""

    configuration: Configuration
    capability: Capability
    commands: Commands
    modules: Modules
    run: Interpreter
    root: Frame
    loaded: frozenset[str]
    start: Callable[[str, list[str]], list[str]]


def open_session(
    configuration: Configuration, capabilities: Iterable[Capability], world: World, session: Session
) -> RestrictedSession:
    """Opens a session with the roles that a client has.

    Raises:
        ConfigurationRefused: The files cannot be used.
        OpenFailed: The session broke while it was built.
    """
    return _Opening(configuration, merged(capabilities), world, session).finish()


class _Opening:
    """One session while it is built."""

    def __init__(
        self, configuration: Configuration, capability: Capability, world: World, session: Session
    ) -> None:
        self._configuration = configuration
        self._capability = capability
        self._world = world
        self._session = session
        self._commands = Commands()
        self._root = root_frame(capability.variables, session)
        self._host = SessionHost(world, dict(capability.environment), self._commands)
        self._run = Interpreter(self._host)
        self._reader = Reader(validate_by(self._run, self._root, session))
        core = core_commands(self._run, self._root)
        self._modules = Modules(world.windows, session, core, world.files)
        self._host.modules = self._modules
        self._loaded: dict[str, bool] = {}
        self._named: set[tuple[str, str]] = set()

    def finish(self) -> RestrictedSession:
        """The open session.

        Raises:
            OpenFailed: It breaks.
        """
        for path in self._configuration.start_scripts:
            if self._world.start_script(path) is None:
                raise OpenFailed(_no_script(path))
        folder = self._configuration.transcripts
        if folder is not None and not self._world.keeps_transcripts(folder):
            raise OpenFailed(_no_transcript(folder))
        self._add_defaults()
        self._import_all()
        self._add_imported()
        self._add_functions()
        for name, restrictions in self._capability.restricted[0].items():
            self._restrict(name, restrictions)
        self._add_aliases()
        self._host.loaded = frozenset(name.lower() for name in self._loaded)
        return RestrictedSession(
            self._configuration,
            self._capability,
            self._commands,
            self._modules,
            self._run,
            self._root,
            self._host.loaded,
            self._world.native,
        )

    def _add_defaults(self) -> None:
        session = self._session
        defaults = default_commands(
            lambda name: self._world.windows.known(name, session),
            lambda: self._commands.listed(hidden=False),
            lambda: (*self._modules.own(), *self._commands.listed(hidden=True)),
            self._commands.visible_aliases,
        )
        restricted = self._configuration.session_type.lower() == "restrictedremoteserver"
        for command in defaults.values():
            self._commands.add(command.signature.name, command, public=restricted)
        if restricted:
            self._commands.aliases.update(DEFAULT_ALIASES)
            self._commands.public_aliases.update(DEFAULT_ALIASES)
        if self._configuration.user_drive:
            for name in _USER_DRIVE:
                self._commands.add(name, defaults["clear-host"], public=True)

    def _import_all(self) -> None:
        missing: str | None = None
        for entry in self._capability.modules:
            if isinstance(entry, dict):
                # A version needs Get-Module, which is hidden (jea-facts B7).
                raise OpenFailed(_no_get_module())
            missing = None if self._import(str(entry)) else str(entry)
        for name in self._capability.plain:
            module, _, plain = name.rpartition("\\")
            if module:
                missing = None if self._import(module) else module
            elif not is_pattern(plain) and (home := self._modules.home_of(plain)) is not None:
                self._import(home)
        if missing is not None:
            # Only the last import's failure counts, and the search for a plain name is none (jea-facts B6).
            raise OpenFailed(_not_loaded(missing))

    def _import(self, module: str) -> bool:
        if not self._modules.load(module, self._run, self._root, self._reader):
            return False
        self._loaded[module.lower()] = True
        return True

    def _add_imported(self) -> None:
        everything = not self._capability.lists_commands
        for module in self._loaded:
            for command in (self._modules.exports(module) or {}).values():
                name = command.signature.name
                named = self._is_named(module, name)
                if name in DEFAULTS:
                    # The session's own function stands in front; the real one has its qualified name.
                    if named:
                        key = f"{module}\\{name.lower()}"
                        self._commands.qualified[key] = command
                        self._commands.public_qualified.add(key)
                    continue
                # The engine's own modules are there without being imported: only what is named shows.
                public = named or (everything and not module.startswith(ENGINE_PREFIX.lower()))
                self._commands.add(name, command, public=public)
                key = f"{module}\\{name.lower()}"
                self._commands.qualified[key] = command
                if public:
                    self._commands.public_qualified.add(key)
        for key, command in self._modules.private.items():
            self._commands.entries.setdefault(key, command)
            self._commands.spelled.setdefault(key, command.signature.name)

    def _is_named(self, module: str, name: str) -> bool:
        for wanted in self._capability.plain:
            home, _, plain = wanted.rpartition("\\")
            if matches(plain, name) and (not home or home.lower() == module):
                return True
        return False

    def _add_functions(self) -> None:
        for name, block in self._capability.functions:
            function: Runnable
            try:
                signature = signature_of(name, block, self._reader)
                function = ScriptFunction(signature, block, self._run, self._root)
            except NotInTheLab as error:
                function = Unmodelled(name, error)
            listed = any(matches(wanted, name) for wanted in self._capability.plain)
            public = listed or not self._capability.lists_functions
            self._commands.add(name, function, public=public)
        for name, value in self._capability.environment:
            self._host.environment[name.lower()] = value

    def _restrict(self, name: str, restrictions: Iterable[Restriction]) -> None:
        module, _, plain = name.rpartition("\\")
        commands = self._commands
        real = commands.qualified.get(name.lower()) if module else commands.entries.get(plain.lower())
        if real is None:
            return
        was_public = not module and plain.lower() in commands.public and not self._only_restricted(plain)
        if module:
            was_public = plain.lower() in commands.public
        inner_name = f"{real.signature.name}_{secrets.token_hex(16)}"
        inner = proxies.renamed(real, inner_name)
        commands.add(inner_name, inner, public=was_public)
        shown = name if module else commands.spelled[plain.lower()]
        signature = proxies.narrowed(real.signature, shown, restrictions)
        commands.add(shown, proxies.Proxy(signature, inner), public=True)

    def _only_restricted(self, name: str) -> bool:
        """Whether a function is public only because nothing lists functions."""
        return not any(matches(wanted.rpartition("\\")[2], name) for wanted in self._capability.plain)

    def _add_aliases(self) -> None:
        visible = self._capability.visible_aliases
        for name, target in self._capability.aliases:
            self._commands.aliases[name.lower()] = target
            if visible is None or any(matches(each, name) for each in visible):
                self._commands.public_aliases.add(name.lower())


def _not_loaded(module: str) -> ErrorDetails:
    return ErrorDetails(
        fqid="ErrorLoadingModulesOnRunspaceOpen",
        category=Category.OPEN_ERROR,
        message=f"Errors occurred while loading the module '{module}'.",
        exception_types=("System.Management.Automation.RuntimeException",),
        reason="RuntimeException",
    )


def _no_get_module() -> ErrorDetails:
    return ErrorDetails(
        fqid="CommandNotFoundException",
        category=Category.OBJECT_NOT_FOUND,
        message="The term 'Get-Module' is not recognized.",
        exception_types=("System.Management.Automation.CommandNotFoundException",),
        reason="CommandNotFoundException",
        target_name="Get-Module",
    )


def _no_script(path: str) -> ErrorDetails:
    return ErrorDetails(
        fqid="InvalidOperation",
        category=Category.INVALID_OPERATION,
        message=f"Running startup script threw an error: The term '{path}' is not recognized.",
        exception_types=("System.Management.Automation.PSInvalidOperationException",),
        reason="PSInvalidOperationException",
    )


def _no_transcript(folder: str) -> ErrorDetails:
    return ErrorDetails(
        fqid="CannotStartTranscription,Microsoft.PowerShell.Commands.StartTranscriptCommand",
        category=Category.INVALID_OPERATION,
        message=f"Transcription cannot be started due to the error: Could not find file '{folder}'.",
        exception_types=("System.Management.Automation.PSInvalidOperationException",),
        activity="Start-Transcript",
        reason="PSInvalidOperationException",
    )
