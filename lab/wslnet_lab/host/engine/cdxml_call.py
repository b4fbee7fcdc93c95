"""One call of a CDXML command under way: what it was given, and how its objects and errors leave it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from wslnet_lab.host.contract import CimInstance, CommandError
from wslnet_lab.host.engine import cim_errors
from wslnet_lab.host.engine.preferences import StoppedByPreference
from wslnet_lab.host.engine.provider import Context
from wslnet_lab.host.engine.roles import options_of, written_by

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wslnet_lab.host.contract import ErrorDetails, Session
    from wslnet_lab.host.engine.preferences import CommandSink
    from wslnet_lab.host.engine.provider import ProviderError
    from wslnet_lab.host.engine.registry import CdxmlCommand
    from wslnet_lab.host.engine.signatures import Signature

_TERMINATING_SEVERITY = 7


@dataclass(frozen=True)
class Place:
    """What a CDXML command needs to know of its machine: its name, and the CIM namespace of each class."""

    computer_name: str
    namespaces: Mapping[str, str] = field(default_factory=dict)

    def namespace(self, class_name: str) -> str:
        """The namespace of a class; most of ours live in StandardCimv2."""
        return self.namespaces.get(class_name, "ROOT/StandardCimv2")


@dataclass
class Call:
    """A bound call with its sink. `stopped` is the first error that met ErrorAction Stop."""

    command: CdxmlCommand
    signature: Signature
    values: Mapping[str, object]
    session: Session
    sink: CommandSink
    place: Place
    stopped: StoppedByPreference | None = None
    context: Context = field(init=False)
    written: dict[str, object] = field(init=False)

    def __post_init__(self) -> None:
        options = options_of(self.command, self.signature, self.values)
        self.context = Context(self.signature.name, self.session, options)
        self.written = written_by(self.command, self.signature, self.values)

    def given(self, switch: str) -> bool:
        """Whether a switch is on."""
        return self.values.get(switch) is True

    def emit(self, value: object, computer: str | None) -> None:
        """Puts one object out, marked with the session it came by; nothing after the call was stopped."""
        if self.stopped is not None:
            return
        if computer and isinstance(value, CimInstance):
            value = replace(value, computer_name=computer)
        self.sink.output(value)

    def report(self, error: ProviderError) -> None:
        """Writes a provider's refusal.

        Raises:
            CommandError: It is of severity 7.
        """
        class_name = self.command.class_name
        namespace = self.place.namespace(class_name)
        details = cim_errors.provider_error(self.signature.name, namespace, class_name, error)
        if error.severity == _TERMINATING_SEVERITY:
            raise CommandError(details)
        self.error(details)

    def error(self, details: ErrorDetails) -> None:
        """Writes a non-terminating error; under ErrorAction Stop it ends the call only after its last object.

        Calls on other objects are under way when the first error stops the pipeline (cdxml-facts 1.11).
        """
        try:
            self.sink.error(details)
        except StoppedByPreference as stop:
            self.stopped = self.stopped or stop

    def code(self, row: CimInstance | None, code: int) -> None:
        """Writes that the method returned `code`."""
        self.error(
            cim_errors.method_code(
                self.signature.name, self.command.method, row, self.command.class_name, code
            )
        )
