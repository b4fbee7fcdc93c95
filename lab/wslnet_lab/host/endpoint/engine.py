"""The engine of a constrained session: what a client may call, and what it may not (jea-facts F)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet_lab.host.contract import Category, CommandError, ErrorDetails, Outcome
from wslnet_lab.host.endpoint.failures import provider_not_found
from wslnet_lab.host.endpoint.language import check_restricted
from wslnet_lab.host.endpoint.natives import NativeCommand, find_program
from wslnet_lab.host.engine.errors import binding_error, command_not_found, scripts_not_allowed
from wslnet_lab.host.engine.pipeline import PipelineEngine
from wslnet_lab.host.engine.preferences import CommandSink
from wslnet_lab.host.script.ends import Exited, not_modelled
from wslnet_lab.host.script.operators import runtime_error
from wslnet_lab.host.script.scopes import Flow
from wslnet_lab.host.script.statements import script
from wslnet_lab.host.script.syntax import Malformed, NotInTheLab
from wslnet_lab.host.script.values import enumerated, text_of

if TYPE_CHECKING:
    from wslnet_lab.host.contract import Argument, Invocation, Session, Sink, Statement
    from wslnet_lab.host.endpoint.session import RestrictedSession
    from wslnet_lab.host.engine.binder import Binding
    from wslnet_lab.host.engine.commands import Runnable, Stage
    from wslnet_lab.host.engine.signatures import Signature

_VARIABLES = ("OutVariable", "ErrorVariable", "WarningVariable", "InformationVariable", "PipelineVariable")
_DRIVE = re.compile(r"\+?(env|function|alias):", re.IGNORECASE)
_PROVIDERS = {
    "env": "Environment",
    "function": "Function",
    "variable": "Variable",
    "alias": "Alias",
    "hklm": "Registry",
    "hkcu": "Registry",
    "cert": "Certificate",
    "wsman": "WSMan",
}
_NEEDS_PROVIDER = re.compile(
    r"(Get|Set|New|Remove|Copy|Move|Rename|Clear|Add)-(Item|ItemProperty|ChildItem|Content|Acl)|Test-Path",
    re.IGNORECASE,
)


class RestrictedEngine:
    """`contract.Engine` of one session."""

    def __init__(self, opened: RestrictedSession) -> None:
        self._opened = opened
        self._pipeline = PipelineEngine(_Public(opened))

    def run(self, statements: tuple[Statement, ...], session: Session, sink: Sink) -> Outcome:
        """Runs what a client sent; script text only where the language mode lets it."""
        first = statements[0][0] if statements and statements[0] else None
        mode = self._opened.configuration.language_mode.lower()
        if first is not None and first.is_script and mode != "nolanguage":
            return self._script(first.name, session, sink)
        return self._pipeline.run(statements, session, sink)

    def _script(self, text: str, session: Session, sink: Sink) -> Outcome:
        """A script where language is allowed: visible commands; its blocks call hidden ones (jea-facts H)."""
        flow = Flow(self._opened.root, session, sink, sink.output, find=_Public(self._opened).find)
        try:
            statements = script(text).end
            if self._opened.configuration.language_mode.lower() == "restrictedlanguage":
                check_restricted(statements)
            self._opened.run.execute(statements, flow)
        except Exited:
            return Outcome("Completed")
        except CommandError as error:
            return Outcome("Failed", error.details)
        except (NotInTheLab, Malformed) as error:
            return Outcome("Failed", not_modelled(NotInTheLab(str(error)), "script").details)
        return Outcome("Completed")


@dataclass(frozen=True)
class _Public:
    """`engine.commands.Commands` as a client sees it."""

    opened: RestrictedSession

    def find(self, invocation: Invocation, session: Session) -> _Guarded:
        """A command that the client may call.

        Raises:
            CommandError: Script text, or a name that is hidden or unknown: the same error for both.
        """
        del session
        if invocation.is_script:
            raise scripts_not_allowed()
        if not invocation.name:
            raise runtime_error("An empty name is no command.")
        commands = self.opened.commands
        name = re.sub(r"^global:", "", invocation.name, flags=re.IGNORECASE)
        lowered = name.lower()
        if lowered in commands.public_aliases:
            name = commands.aliases[lowered]
            lowered = name.lower()
        if lowered in commands.public:
            return self._guarded(commands.entries[lowered])
        if lowered in commands.public_qualified:
            return self._guarded(commands.qualified[lowered])
        program = find_program(invocation.name, self.opened.capability.externals)
        if program is not None:
            return self._guarded(NativeCommand(program, self.opened.start))
        raise command_not_found(name.rpartition("\\")[2] if lowered in commands.qualified else name)

    def _guarded(self, command: Runnable) -> _Guarded:
        return _Guarded(command, frozenset(each.lower() for each in self.opened.capability.providers))


@dataclass(frozen=True)
class _Guarded:
    """A public command, with what NoLanguage takes from its common parameters and from providers."""

    command: Runnable
    providers: frozenset[str]

    @property
    def signature(self) -> Signature:
        """How its arguments bind."""
        return self.command.signature

    def bind(self, arguments: tuple[Argument, ...], *, piped: bool) -> Binding:
        """Binds the arguments; a common parameter that writes a variable is refused.

        Raises:
            CommandError: They do not fit.
        """
        binding = self.command.bind(arguments, piped=piped)
        for name in _VARIABLES:
            if name not in binding.values:
                continue
            if _DRIVE.match(text_of(binding.values[name])):
                raise binding_error(
                    self.signature, "ParameterArgumentValidationError", f"{name} names a drive"
                )
            raise CommandError(_no_variables())
        return binding

    def run(self, stage: Stage) -> None:
        """Runs it, unless it needs a provider that the session hides.

        Raises:
            CommandError: It ends by an error.
        """
        if self.signature.function or not _NEEDS_PROVIDER.fullmatch(self.signature.name):
            self.command.run(stage)
            return
        values = stage.binding.values
        sink = CommandSink(self.signature, values, stage.sink, stage.emit)
        refused = False
        for path in enumerated(values.get("LiteralPath", values.get("Path", ""))):
            provider = _provider_of(text_of(path))
            if provider.lower() in self.providers:
                continue
            refused = True
            if self.signature.name == "Test-Path":
                sink.output(value=False)
            else:
                sink.error(provider_not_found(provider, self.signature.tail))
        if not refused:
            self.command.run(stage)


def _provider_of(path: str) -> str:
    drive, colon, _ = path.partition(":")
    return _PROVIDERS.get(drive.lower(), "FileSystem") if colon else "FileSystem"


def _no_variables() -> ErrorDetails:
    return ErrorDetails(
        fqid="VariableReferenceNotSupportedInDataSection",
        category=Category.INVALID_OPERATION,
        message="A variable that cannot be referenced in restricted language mode is being referenced.",
        exception_types=("System.Management.Automation.PSInvalidOperationException",),
        reason="PSInvalidOperationException",
    )
