"""Start-, Stop-, Restart- and Set-Service over the service control manager."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet_lab.host.commands.provider_errors import hardware_failure, no_such_name, not_modelled, record
from wslnet_lab.host.commands.services import service_object
from wslnet_lab.host.contract import BoundCall, Category, CommandError, EnumValue, PlainObject, Sink
from wslnet_lab.host.engine.values import text_of
from wslnet_lab.host.service_control import ServiceControl, ServiceError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet_lab.host.engine import Registry
    from wslnet_lab.host.state import MachineState

_EXCEPTIONS = ("Microsoft.PowerShell.Commands.ServiceCommandException",)
_TARGETS = frozenset({"Name", "InputObject"})
_VERBS = {
    "CouldNotStartService": "started",
    "CouldNotStopService": "stopped",
    "CouldNotSetService": "configured",
}


class ServiceActsOfCmdlets:
    """The bodies of the four cmdlets."""

    def __init__(self, state: MachineState, control: ServiceControl) -> None:
        self._state = state
        self._control = control

    def start(self, call: BoundCall, sink: Sink) -> Iterator[object]:
        """Start-Service; that it runs already is no error."""
        for name in self._names(call, sink):
            if not self._control.running(name) and not self._begin(call, sink, name):
                continue
            yield from self._passed(call, name)

    def stop(self, call: BoundCall, sink: Sink) -> Iterator[object]:
        """Stop-Service; that it is stopped already is no error."""
        for name in self._names(call, sink):
            if self._control.running(name) and not self._end(call, sink, name):
                continue
            yield from self._passed(call, name)

    def restart(self, call: BoundCall, sink: Sink) -> Iterator[object]:
        """Restart-Service; a stopped one is started."""
        for name in self._names(call, sink):
            if self._control.running(name) and not self._end(call, sink, name):
                continue
            if self._begin(call, sink, name):
                yield from self._passed(call, name)

    def configure(self, call: BoundCall, sink: Sink) -> Iterator[object]:
        """Set-Service: the start type alone; display name, description and status are not modelled."""
        other = next(
            (name for name in ("DisplayName", "Description", "Status") if name in call.parameters), None
        )
        if other is not None:
            raise CommandError(not_modelled(call.command, f"-{other}"))
        given = call.parameters.get("StartupType")
        for name in self._names(call, sink):
            if given is not None:
                try:
                    start = given.name if isinstance(given, EnumValue) else str(given)
                    self._control.configure(name, start, call.session.identity)
                except ServiceError as error:
                    self._refused(call, sink, "CouldNotSetService", Category.PERMISSION_DENIED, name, error)
                    continue
            yield from self._passed(call, name)

    def _names(self, call: BoundCall, sink: Sink) -> Iterator[str]:
        other = next(
            (name for name in ("DisplayName", "Include", "Exclude") if name in call.parameters), None
        )
        if other is not None:
            raise CommandError(not_modelled(call.command, f"-{other}"))
        given = next((call.parameters[name] for name in _TARGETS if name in call.parameters), None)
        for item in given if isinstance(given, list) else [given]:
            if isinstance(item, PlainObject):
                item = item.properties.get("ServiceName", item.to_string)  # noqa: PLW2901 - the name it stands for
            text = text_of(item)
            try:
                yield self._control.find(text)
            except ServiceError:
                message = f"Cannot find any service with service name '{text}'."
                sink.error(no_such_name(call.command, "NoServiceFoundForGivenName", message, text))

    def _begin(self, call: BoundCall, sink: Sink, name: str) -> bool:
        try:
            with hardware_failure(call.command):
                self._control.start(name, call.session.identity)
        except ServiceError as error:
            self._refused(call, sink, "CouldNotStartService", Category.OPEN_ERROR, name, error)
            return False
        return True

    def _end(self, call: BoundCall, sink: Sink, name: str) -> bool:
        try:
            with hardware_failure(call.command):
                self._control.stop(name, call.session.identity)
        except ServiceError as error:
            self._refused(call, sink, "CouldNotStopService", Category.CLOSE_ERROR, name, error)
            return False
        return True

    def _refused(  # noqa: PLR0917 - the parts of one error record
        self, call: BoundCall, sink: Sink, error_id: str, category: Category, name: str, error: ServiceError
    ) -> None:
        verb = _VERBS[error_id]
        message = f"Service '{name}' cannot be {verb} due to the following error: {error}"
        sink.error(record(call.command, error_id, category, message, exceptions=_EXCEPTIONS, target=name))

    def _passed(self, call: BoundCall, name: str) -> Iterator[object]:
        if call.parameters.get("PassThru"):
            yield service_object(name, self._state.services.data[name])


def register(registry: Registry, state: MachineState, control: ServiceControl) -> None:
    """Enters the four cmdlets."""
    acts = ServiceActsOfCmdlets(state, control)
    registry.add("Start-Service", acts.start)
    registry.add("Stop-Service", acts.stop)
    registry.add("Restart-Service", acts.restart)
    registry.add("Set-Service", acts.configure)
