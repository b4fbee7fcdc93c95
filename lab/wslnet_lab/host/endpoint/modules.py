"""Modules that a constrained session can import: Windows' own, the engine's, and script modules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from wslnet_lab.host.endpoint.files import read_table
from wslnet_lab.host.script.command import ScriptFunction
from wslnet_lab.host.script.constants import constant
from wslnet_lab.host.script.functions import signature_of
from wslnet_lab.host.script.scopes import Frame
from wslnet_lab.host.script.statements import script
from wslnet_lab.host.script.syntax import CommandCall, FunctionSyntax, Literal, NotInTheLab, PipelineSyntax
from wslnet_lab.host.script.values import enumerated, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from wslnet_lab.host.contract import Session
    from wslnet_lab.host.engine.commands import Runnable
    from wslnet_lab.host.engine.windows_commands import WindowsCommands
    from wslnet_lab.host.script.attributes import Reader
    from wslnet_lab.host.script.interpreter import Interpreter

ENGINE_PREFIX = "Microsoft.PowerShell."
"""The engine's own modules: loaded in every session, public only when a role names a command."""


class ModuleFiles(Protocol):
    """Where script modules lie."""

    def text(self, module: str, name: str) -> str | None:
        """The text of a file of a module; None when there is none."""


class Modules:
    """All of them, for one session."""

    def __init__(
        self,
        windows: WindowsCommands,
        session: Session,
        core: Mapping[str, Runnable],
        files: ModuleFiles,
    ) -> None:
        self._windows = windows
        self._session = session
        self._core = core
        self._files = files
        self._loaded: dict[str, dict[str, Runnable]] = {}
        self.private: dict[str, Runnable] = {}

    def home_of(self, name: str) -> str | None:
        """The module that exports a command of that name."""
        lowered = name.lower()
        if lowered in self._core:
            return self._core[lowered].signature.module
        found = self._windows.known(name, self._session)
        return None if found is None else found.signature.module

    def exports(self, module: str) -> dict[str, Runnable] | None:
        """What a module exports, by lower-case name; None when there is no such module."""
        lowered = module.lower()
        if lowered not in self._loaded:
            found: dict[str, Runnable] = {}
            for signature in self._windows.oracle.commands.values():
                known = self._windows.known(signature.name, self._session)
                if known is not None and signature.module.lower() == lowered:
                    found[signature.name.lower()] = known
            core = {key: each for key, each in self._core.items() if each.signature.module.lower() == lowered}
            # Those of the lab itself take blocks, which no model of a Windows command can.
            self._loaded[lowered] = {**found, **core}
        return self._loaded[lowered] or None

    def own(self) -> Iterator[tuple[str, Runnable]]:
        """The commands of the engine's own modules, which bodies see unasked."""
        for signature in self._windows.oracle.commands.values():
            known = self._windows.known(signature.name, self._session)
            if known is not None and signature.module.startswith(ENGINE_PREFIX):
                yield signature.name, known

    def load(self, module: str, run: Interpreter, root: Frame, reader: Reader) -> bool:
        """Loads a script module from its files, if it is one; its private functions go to `private`.

        Raises:
            NotInTheLab: It holds what the lab does not model.
            Malformed: It cannot be read.
        """
        text = self._files.text(module, f"{module}.psm1")
        if text is None or self.exports(module) is not None:
            return self.exports(module) is not None
        home = Frame(parent=root)
        functions: dict[str, Runnable] = {}
        public = self._manifest(module)
        for statement in script(text.removeprefix("\ufeff")).end:
            match statement:
                case FunctionSyntax(name=name, block=block):
                    signature = signature_of(name, block, reader)
                    functions[name.lower()] = ScriptFunction(signature, block, run, home)
                case PipelineSyntax(elements=(CommandCall(name=Literal(value=str() as command)) as call,)):
                    public = _exported(command, call) or public
                case _:
                    raise NotInTheLab(f"a statement of {module}.psm1 that is neither function nor export")
        shown = {name.lower() for name in public} if public is not None else set(functions)
        self._loaded[module.lower()] = {key: each for key, each in functions.items() if key in shown}
        self.private |= {key: each for key, each in functions.items() if key not in shown}
        return True

    def _manifest(self, module: str) -> tuple[str, ...] | None:
        text = self._files.text(module, f"{module}.psd1")
        if text is None:
            return None
        keys = {key.lower(): value for key, value in read_table(text, f"{module}.psd1").items()}
        return tuple(text_of(each) for each in enumerated(keys.get("functionstoexport", [])))


def _exported(command: str, call: CommandCall) -> tuple[str, ...]:
    if command.lower() == "set-strictmode":
        return ()
    if command.lower() != "export-modulemember":
        raise NotInTheLab(f"{command} in a module's own body")
    values = [each.value for each in call.arguments if each.value is not None]
    return tuple(text_of(item) for value in values for item in enumerated(constant(value)))
