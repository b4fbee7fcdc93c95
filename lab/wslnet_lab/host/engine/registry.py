"""What `host.commands` registers: CDXML commands over providers, and bodies of the other commands.

A registry is filled by functions of `host.commands` (`registry.add("Get-Item", model.get_item)`,
`registry.add_cdxml(CdxmlCommand(…))`) and then only read. It does not know the oracle; names are checked
against it when the engine is built.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from wslnet_lab.host.contract import Command
    from wslnet_lab.host.engine.provider import Provider


class Act(Enum):
    """What a CDXML command does with the rows it selected, or without rows (`CREATE`, `STATIC`)."""

    GET = "get"
    MODIFY = "modify"
    DELETE = "delete"
    CREATE = "create"
    INVOKE = "invoke"
    STATIC = "static"


@dataclass(frozen=True)
class CdxmlCommand:
    """One CDXML command.

    Attributes:
        name: The command, as in the oracle.
        class_name: The CIM class.
        act: What it does.
        provider: Who answers for the class.
        query: Query parameter → CIM property where they differ (`Name` → `InstanceID`); else the same name.
            Which parameters are queries is derived from the oracle (lists that the `InputObject` set lacks).
        options: Parameters that are query or operation options: given to the provider in `Context.options`,
            neither filtered nor written (added to those derived: scalars of the query sets, GPOSession, …).
        values: Written parameter → CIM property or method argument where they differ (`NlMtuBytes` →
            `NlMtu`).
        method: The CIM method of `INVOKE` and `STATIC`.
        prompts: ConfirmImpact High: asks unless Confirm is false (windows-facts 1.4).
        literal: Query parameters whose text is no wildcard (AllowGlobbing=false).
    """

    name: str
    class_name: str
    act: Act
    provider: Provider
    query: Mapping[str, str] = field(default_factory=dict)
    options: frozenset[str] = frozenset()
    values: Mapping[str, str] = field(default_factory=dict)
    method: str = ""
    prompts: bool = False
    literal: frozenset[str] = frozenset()


class Registry:
    """Commands by name, in any case."""

    def __init__(self) -> None:
        self._bodies: dict[str, Command] = {}
        self._cdxml: dict[str, CdxmlCommand] = {}

    def add(self, name: str, body: Command) -> None:
        """Registers the body of a compiled or script command.

        A body is called once per input object when objects are piped in (the object bound to the parameter
        that takes it). A command that takes `InputObject` gets all of them at once in
        `BoundCall.pipeline_input`, and is not called when nothing came down the pipe.

        Raises:
            ValueError: The name is registered already.
        """
        self._claim(name)
        self._bodies[name.lower()] = body

    def add_cdxml(self, *commands: CdxmlCommand) -> None:
        """Registers CDXML commands.

        Raises:
            ValueError: A name is registered already.
        """
        for command in commands:
            self._claim(command.name)
            self._cdxml[command.name.lower()] = command

    def body(self, name: str) -> Command | None:
        """The body registered for `name`."""
        return self._bodies.get(name.lower())

    def cdxml(self, name: str) -> CdxmlCommand | None:
        """The CDXML command registered for `name`."""
        return self._cdxml.get(name.lower())

    def names(self) -> Iterator[str]:
        """All registered names, in lower case."""
        yield from self._bodies
        yield from self._cdxml

    def _claim(self, name: str) -> None:
        if name.lower() in self._bodies or name.lower() in self._cdxml:
            raise ValueError(f"{name} is registered twice")
