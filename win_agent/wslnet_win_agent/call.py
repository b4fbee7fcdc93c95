"""One typed call: a cmdlet and its named parameters, checked when it is made.

A call is data. It is built by the functions of `calls`, and reaches Windows only through `send`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from .catalogue import cmdlet
from .check import check_call
from .crossing import crossed

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Call:
    """A cmdlet by its full name, and its parameters by their full names.

    Raises:
        CallRefused: Windows would not bind it, or a value cannot cross.
    """

    cmdlet: str
    parameters: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        own = {name: crossed(value) for name, value in self.parameters.items()}
        check_call(cmdlet(self.cmdlet), own)
        object.__setattr__(self, "parameters", MappingProxyType(own))
