"""The seam between a pipeline and what it runs: a table that finds commands, and what a command is to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from wslnet_lab.host.contract import Argument, Invocation, Session, Sink
    from wslnet_lab.host.engine.binder import Binding
    from wslnet_lab.host.engine.signatures import Signature


@dataclass(frozen=True)
class Stage:
    """One command of a statement as it runs.

    Attributes:
        binding: Its arguments, bound as far as they go.
        objects: What is piped in; None when nothing stands before it.
        session: Whose it is.
        sink: Where its records go.
        emit: Where its output goes: the next command, or the client.
        errors_end_it: Whether the errors of commands inside its body have no stream (`Invocation`).
    """

    binding: Binding
    objects: tuple[object, ...] | None
    session: Session
    sink: Sink
    emit: Callable[[object], None]
    errors_end_it: bool = False


class Runnable(Protocol):
    """A command that was found."""

    @property
    def signature(self) -> Signature:
        """How its arguments bind."""

    def bind(self, arguments: tuple[Argument, ...], *, piped: bool) -> Binding:
        """Binds the arguments; raises CommandError before anything has run."""

    def run(self, stage: Stage) -> None:
        """Runs it to its end; raises CommandError when it ends its statement."""


class Commands(Protocol):
    """Who knows commands by name."""

    def find(self, invocation: Invocation, session: Session) -> Runnable:
        """The command that an invocation names; raises CommandError when there is none, or it is script."""
