"""Windows' own commands: found in the oracle's reading, run by the registered models."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from wslnet_lab.host.contract import BoundCall, CommandError
from wslnet_lab.host.engine.binder import Bound, bind
from wslnet_lab.host.engine.cdxml import run_cdxml
from wslnet_lab.host.engine.cdxml_call import Call, Place
from wslnet_lab.host.engine.errors import (
    command_not_found,
    input_not_bound,
    module_not_loaded,
    not_modelled,
    scripts_not_allowed,
)
from wslnet_lab.host.engine.lacking import fail, without_lacking
from wslnet_lab.host.engine.objects import COUNTS_NOTHING
from wslnet_lab.host.engine.piping import accept, accept_whole, takes_whole_objects
from wslnet_lab.host.engine.preferences import CommandSink

if TYPE_CHECKING:
    from wslnet_lab.host.contract import Argument, Invocation, Session
    from wslnet_lab.host.engine.binder import Binding
    from wslnet_lab.host.engine.commands import Stage
    from wslnet_lab.host.engine.registry import Registry
    from wslnet_lab.host.engine.signatures import Oracle, Signature


@dataclass(frozen=True)
class WindowsCommands:
    """`Commands` over an oracle and the registered models."""

    oracle: Oracle
    registry: Registry
    place: Place

    def find(self, invocation: Invocation, session: Session) -> WindowsCommand:
        """The command that this Windows has under that name.

        Raises:
            CommandError: There is none, or the invocation is script text.
        """
        if invocation.is_script:
            raise scripts_not_allowed()
        found = self.known(invocation.name, session)
        if found is None:
            qualified = "\\" in invocation.name
            raise module_not_loaded(invocation.name) if qualified else command_not_found(invocation.name)
        return found

    def known(self, name: str, session: Session) -> WindowsCommand | None:
        """The command of that name; None when this Windows has none."""
        known = self.oracle.command(name)
        signature = known and without_lacking(known, session.lacking)
        return None if signature is None else WindowsCommand(signature, self.registry, self.place)


@dataclass(frozen=True)
class WindowsCommand:
    """One of them; `model` is the name its model is registered under when it runs under another."""

    signature: Signature
    registry: Registry
    place: Place
    model: str = ""

    def bind(self, arguments: tuple[Argument, ...], *, piped: bool) -> Binding:
        """Binds the arguments.

        Raises:
            CommandError: They do not fit.
        """
        return bind(self.signature, arguments, piped=piped)

    def run(self, stage: Stage) -> None:
        """Runs it once, or for each object piped in.

        Raises:
            CommandError: It ends its statement.
        """
        binding = stage.binding
        sink = CommandSink(self.signature, binding.values, stage.sink, stage.emit)
        if stage.objects is None:
            self._run_bound(binding.result(), (), stage.session, sink)
            return
        if takes_whole_objects(binding):
            if stage.objects or self.signature.name in COUNTS_NOTHING:
                self._run_bound(accept_whole(binding), stage.objects, stage.session, sink)
            return
        for value in stage.objects:
            try:
                bound = accept(binding, value)
            except CommandError as error:
                # What does not fit is left out, the objects after it go on (jea-facts D, G).
                sink.error(replace(error.details, target_object=value))
                continue
            if bound is None:
                sink.error(input_not_bound(self.signature, value))
            else:
                self._run_bound(bound, (value,), stage.session, sink)

    def _run_bound(
        self, bound: Bound, objects: tuple[object, ...], session: Session, sink: CommandSink
    ) -> None:
        signature = self.signature
        model = self.model or signature.name
        if model in session.failing:
            fail(signature, session, sink)
            return
        cdxml = self.registry.cdxml(model)
        if cdxml is not None:
            run_cdxml(Call(cdxml, signature, bound.parameters, session, sink, self.place))
            return
        body = self.registry.body(model)
        if body is None:
            raise not_modelled(signature)
        call = BoundCall(signature.name, bound.parameter_set, bound.parameters, session, objects)
        for value in body(call, sink):
            sink.output(value)
