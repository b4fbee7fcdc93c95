"""What ErrorAction and WarningAction make of a command's records (binder-facts 7, psrp-facts 10).

`CommandSink` stands between a running command and the pipeline's sink: it hands outputs on and applies the
command's preferences to errors and warnings.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from wslnet_lab.host.contract import Category, CommandError, EnumValue, ErrorDetails

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from wslnet_lab.host.contract import Notice, Remark, Sink
    from wslnet_lab.host.engine.signatures import Signature

CONTINUE = "Continue"
STOP = "Stop"
INQUIRE = "Inquire"
SILENT = frozenset({"SilentlyContinue", "Ignore"})


class StoppedByPreference(CommandError):
    """A record met the command's own `ErrorAction=Stop`: alone this keeps later statements from running."""


class PipelineStopped(Exception):
    """The client asked to stop while a command ran."""


def preference(parameters: Mapping[str, object], name: str) -> str:
    """The value of an action preference parameter, `Continue` when it was not given."""
    value = parameters.get(name)
    return value.name if isinstance(value, EnumValue) else CONTINUE


class CommandSink:
    """A `contract.Sink` for one command of a pipeline."""

    def __init__(
        self,
        signature: Signature,
        parameters: Mapping[str, object],
        target: Sink,
        emit: Callable[[object], None],
    ) -> None:
        self._signature = signature
        self._target = target
        self._emit = emit
        self.error_action = preference(parameters, "ErrorAction")
        self._warning_action = preference(parameters, "WarningAction")
        self._wanted = {kind: parameters.get(kind.capitalize()) is True for kind in ("verbose", "debug")}

    def output(self, value: object) -> None:
        """Hands one object to the next command, or to the client.

        Raises:
            PipelineStopped: The client asked to stop.
        """
        if self._target.stopping():
            raise PipelineStopped
        self._emit(value)

    def error(self, details: ErrorDetails) -> None:
        """One non-terminating error, as the preference has it.

        Raises:
            StoppedByPreference: ErrorAction is Stop.
            CommandError: ErrorAction is Inquire: no host can ask.
        """
        details = details if details.activity else replace(details, activity=self._signature.name)
        if self.error_action in SILENT:
            return
        if self.error_action == STOP:
            raise StoppedByPreference(details)
        if self.error_action != CONTINUE:
            raise cannot_ask(self._signature)
        self._target.error(details)

    def warning(self, text: str) -> None:
        """One warning, as the preference has it.

        Raises:
            StoppedByPreference: WarningAction is Stop.
        """
        if self._warning_action in SILENT:
            return
        self._target.warning(text)
        if self._warning_action == STOP:
            raise StoppedByPreference(
                ErrorDetails(
                    fqid=f"ActionPreferenceStop,{self._signature.tail}",
                    category=Category.OPERATION_STOPPED,
                    message=f"The running command stopped because of a warning: {text}",
                    exception_types=("System.Management.Automation.ActionPreferenceStopException",),
                    activity=self._signature.name,
                    reason="ActionPreferenceStopException",
                )
            )

    def remark(self, kind: Remark, text: str) -> None:
        """One verbose or debug record, where it is wanted."""
        if self._wanted.get(kind):
            self._target.remark(kind, text)

    def notice(self, record: Notice) -> None:
        """One progress or information record."""
        self._target.notice(record)

    def stopping(self) -> bool:
        """Whether the client asked to stop."""
        return self._target.stopping()


class EndingSink:
    """The sink of a body whose errors have no stream to go to: the first one ends the pipeline."""

    def __init__(self, sink: Sink, signature: Signature) -> None:
        self._signature = signature
        self.output = sink.output
        self.warning = sink.warning
        self.remark = sink.remark
        self.notice = sink.notice
        self.stopping = sink.stopping

    def error(self, details: ErrorDetails) -> None:
        """Ends it.

        Raises:
            StoppedByPreference: Always.
        """
        tail = "" if "," in details.fqid else f",{self._signature.tail}"
        raise StoppedByPreference(replace(details, fqid=details.fqid + tail, activity=self._signature.name))


def cannot_ask(signature: Signature) -> CommandError:
    """ErrorAction Inquire without a host (binder-facts 7)."""
    return CommandError(
        ErrorDetails(
            fqid=f"HostFunctionNotImplemented,{signature.tail}",
            category=Category.NOT_IMPLEMENTED,
            message=(
                "A command that prompts the user failed because the host program or the command type does"
                " not support user interaction."
            ),
            exception_types=("System.Management.Automation.Host.HostException",),
            activity=signature.name,
            reason="HostException",
        )
    )
