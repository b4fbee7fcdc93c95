"""Takes an op's JSON arguments apart, strictly: a wrong one is `bad-op` before anything is sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from wslnet_win_agent.errors import WindowsAgentError

if TYPE_CHECKING:
    from collections.abc import Mapping

_T = TypeVar("_T")
_OWN_PREFIX = "wslnet-"


@dataclass(frozen=True, slots=True)
class Arguments:
    """The arguments of one op; each method raises `bad-op` when the value is not of its kind."""

    verb: str
    given: Mapping[str, object]

    def text(self, name: str, default: str | None = None) -> str:
        """Give a text that is not empty."""
        value = self._value(name, str, default)
        if not value.strip():
            raise self._bad(name, value)
        return value

    def own_rule(self, name: str) -> str:
        """Give the name of a firewall rule of wslnet's: no other one is written or removed."""
        value = self.text(name)
        if not value.startswith(_OWN_PREFIX):
            raise WindowsAgentError("bad-op", f"{value!r} is not a rule of wslnet")
        return value

    def number(self, name: str) -> int:
        """Give a whole number, not negative."""
        value = self._value(name, int, None)
        if isinstance(value, bool) or value < 0:
            raise self._bad(name, value)
        return value

    def seconds(self, name: str, default: float) -> float:
        """Give a time in seconds, above zero."""
        value = self.given.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
            raise self._bad(name, value)
        return float(value)

    def flag(self, name: str, *, default: bool | None = None) -> bool:
        """Give true or false."""
        return self._value(name, bool, default)

    def texts(self, name: str) -> tuple[str, ...]:
        """Give a list of texts; an absent one is empty."""
        value = self._value(name, list, [])
        if not all(isinstance(each, str) and each.strip() for each in value):
            raise self._bad(name, value)
        return tuple(value)

    def mappings(self, name: str) -> tuple[Arguments, ...]:
        """Give a list of objects."""
        value = self._value(name, list, None)
        if not all(isinstance(each, dict) for each in value):
            raise self._bad(name, value)
        return tuple(Arguments(self.verb, each) for each in value)

    def mapping(self, name: str) -> Arguments:
        """Give one object."""
        return Arguments(self.verb, self._value(name, dict, None))

    def optional_text(self, name: str) -> str | None:
        """Give a text (it may be empty), None for null or absent."""
        value = self.given.get(name)
        if value is None or isinstance(value, str):
            return value
        raise self._bad(name, value)

    def _value(self, name: str, kind: type[_T], default: _T | None) -> _T:
        value = self.given.get(name, default)
        if not isinstance(value, kind):
            raise self._bad(name, value)
        return value

    def _bad(self, name: str, value: object) -> WindowsAgentError:
        return WindowsAgentError("bad-op", f"{self.verb}: {value!r} is not a valid {name}")
