"""Scopes of variables, and what a running block carries along."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wslnet_lab.host.contract import Invocation, Session, Sink
    from wslnet_lab.host.engine.commands import Runnable

Convert = Callable[[object], object]


@dataclass
class Frame:
    """One scope. `hides_drives` is true in a function with cmdlet binding (jea-facts A11).

    Attributes:
        parent: The scope that is searched next.
        function: The function whose scope it is, as error ids name it; empty for a simple one.
        kept: Parameters keep their type and checks when they are assigned again (jea-facts A12).
    """

    parent: Frame | None = None
    function: str = ""
    hides_drives: bool = False
    variables: dict[str, object] = field(default_factory=dict)
    kept: dict[str, Convert] = field(default_factory=dict)

    def find(self, name: str) -> object:
        """The value of a variable in this scope or one around it; None when there is none."""
        lowered = name.lower()
        frame: Frame | None = self
        while frame is not None:
            if lowered in frame.variables:
                return frame.variables[lowered]
            frame = frame.parent
        return None

    def assign(self, name: str, value: object) -> None:
        """Sets a variable of this scope."""
        lowered = name.lower()
        keep = self.kept.get(lowered)
        self.variables[lowered] = keep(value) if keep is not None else value

    @property
    def root(self) -> Frame:
        """The global scope."""
        frame = self
        while frame.parent is not None:
            frame = frame.parent
        return frame


@dataclass(frozen=True)
class Flow:
    """Where a block runs: its scope, whose session it is, and where records and output go."""

    frame: Frame
    session: Session
    sink: Sink
    emit: Callable[[object], None]
    caught: bool = False
    """Whether a `try` around it takes every error that ends a statement."""
    find: Callable[[Invocation, Session], Runnable] | None = None
    """Who finds the commands of the client's own text: only what the client may call (jea-facts H)."""

    def into(self, emit: Callable[[object], None]) -> Flow:
        """The same with another place for output."""
        return replace(self, emit=emit)

    def inside(self, frame: Frame) -> Flow:
        """The same in another scope: that of a block, which counts as internal."""
        return replace(self, frame=frame, find=None)
