"""Native programs that a role makes visible: found by their full path, run with texts.

What a program writes comes from the world; a program that the lab has not is refused by name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet_lab.host.engine.names import bare
from wslnet_lab.host.engine.signatures import Signature
from wslnet_lab.host.engine.wildcards import matches
from wslnet_lab.host.script.command import SimpleBinding
from wslnet_lab.host.script.ends import not_modelled
from wslnet_lab.host.script.syntax import NotInTheLab
from wslnet_lab.host.script.values import enumerated, text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from wslnet_lab.host.contract import Argument
    from wslnet_lab.host.engine.binder import Binding
    from wslnet_lab.host.engine.commands import Stage


@dataclass(frozen=True)
class NativeCommand:
    """One program; `start` gives the lines that it writes."""

    path: str
    start: Callable[[str, list[str]], list[str]]

    @property
    def signature(self) -> Signature:
        """A program has a name and takes anything."""
        return Signature(
            name=self.path,
            module="",
            function=False,
            cdxml=False,
            should_process=False,
            tail=self.path,
            sets=(),
            default_set=None,
            parameters={},
        )

    def bind(self, arguments: tuple[Argument, ...], *, piped: bool) -> Binding:
        """Takes all arguments as texts, in order; a name keeps its dash."""
        del piped
        rest: list[object] = []
        for argument in arguments:
            if argument.name is not None:
                rest.append(f"-{bare(argument.name)}")
            rest.extend(text_of(item) for item in enumerated(argument.value))
        return SimpleBinding(self.signature, rest=rest)

    def run(self, stage: Stage) -> None:
        """Starts it.

        Raises:
            CommandError: The lab has no such program.
        """
        rest = stage.binding.rest if isinstance(stage.binding, SimpleBinding) else []
        try:
            lines = self.start(self.path, [text_of(each) for each in rest])
        except NotInTheLab as error:
            raise not_modelled(error, self.path) from error
        for line in lines:
            stage.emit(line)


def find_program(called: str, visible: Iterable[str]) -> str | None:
    """The program that `called` names by its path, when a role shows it; a plain name finds none."""
    is_path = "/" in called or "\\" in called
    return called if is_path and any(matches(entry, called) for entry in visible) else None
