"""Proxies: fewer parameters and narrower values in front of the real command (jea-facts B5, D)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from wslnet_lab.host.contract import Argument
from wslnet_lab.host.engine.binder import Binding, bind
from wslnet_lab.host.engine.preferences import CommandSink
from wslnet_lab.host.engine.signatures import NO_SET, Parameter, Place, Signature
from wslnet_lab.host.engine.types import Kind, TypeSpec
from wslnet_lab.host.engine.windows_commands import WindowsCommand
from wslnet_lab.host.script.attributes import pattern
from wslnet_lab.host.script.command import ScriptFunction, accepted
from wslnet_lab.host.script.values import enumerated, text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from wslnet_lab.host.endpoint.files import Restriction
    from wslnet_lab.host.engine.commands import Runnable, Stage


@dataclass(frozen=True)
class Proxy:
    """The restricted command; `inner` is the renamed real one."""

    signature: Signature
    inner: Runnable

    def bind(self, arguments: tuple[Argument, ...], *, piped: bool) -> Binding:
        """Binds the arguments to what the role left.

        Raises:
            CommandError: They do not fit.
        """
        return bind(self.signature, arguments, piped=piped)

    def run(self, stage: Stage) -> None:
        """Hands on what was bound, and those piped objects that fit.

        Raises:
            CommandError: The real command ends by an error.
        """
        # A generated proxy makes any OutBuffer 1 (jea-facts, case p-common-OutBuffer-5).
        values = {name: 1 if name == "OutBuffer" else value for name, value in stage.binding.values.items()}
        given = tuple(Argument(name, value) for name, value in values.items())
        inner = self.inner.bind(given, piped=stage.objects is not None)
        objects = stage.objects
        if objects is not None:
            sink = CommandSink(self.signature, stage.binding.values, stage.sink, stage.emit)
            objects = tuple(value for value in objects if accepted(stage.binding, value, sink.error))
        self.inner.run(replace(stage, binding=inner, objects=objects))


def renamed(command: Runnable, name: str) -> Runnable:
    """A function under another name, which its errors then show; a cmdlet keeps its own."""
    if isinstance(command, WindowsCommand) and command.signature.function:
        model = command.model or command.signature.name
        signature = replace(command.signature, name=name, tail=name)
        return replace(command, signature=signature, model=model)
    if isinstance(command, ScriptFunction):
        return replace(command, signature=replace(command.signature, name=name, tail=name))
    return command


def narrowed(signature: Signature, name: str, restrictions: Iterable[Restriction]) -> Signature:
    """The signature of the proxy called `name`: the listed parameters, and the common ones."""
    held = {key.lower(): each for key, each in signature.parameters.items()}
    parameters: dict[str, Parameter] = {}
    for restriction in restrictions:
        found = held.get(restriction.name.lower())
        if found is None:
            # The proxy takes it, the real command then refuses it (jea-facts, case p-ghost-ok).
            found = Parameter(
                restriction.name,
                (),
                TypeSpec(Kind.OBJECT, "System.Object"),
                {NO_SET: Place(required=False, position=None)},
            )
        parameters[found.name] = replace(found, checks=(*found.checks, *_checks(restriction)))
    kept = {key: each for key, each in signature.parameters.items() if each.common or not each.own}
    return replace(
        signature, name=name, tail=name, function=True, module="", parameters={**parameters, **kept}
    )


def _checks(restriction: Restriction) -> tuple[Callable[[object], str | None], ...]:
    found: list[Callable[[object], str | None]] = []
    if restriction.accepted:
        found.append(_one_of(restriction.accepted))
    if restriction.patterns:
        # One more newline at the end passes, as on the real engine (jea-facts D).
        found.append(pattern(f"^({'|'.join(restriction.patterns)})$", ignore_case=True))
    return tuple(found)


def _one_of(values: tuple[str, ...]) -> Callable[[object], str | None]:
    lowered = {value.lower() for value in values}

    def check(value: object) -> str | None:
        for item in enumerated(value):
            if item is None or text_of(item).lower() not in lowered:
                return f"it is none of {','.join(values)}"
        return None

    return check
