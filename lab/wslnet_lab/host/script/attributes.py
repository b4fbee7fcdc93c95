"""Attributes of parameters: what they make of a parameter, and the checks they put on its values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet_lab.host.contract import Number
from wslnet_lab.host.script.constants import constant
from wslnet_lab.host.script.patterns import compiled
from wslnet_lab.host.script.syntax import NotInTheLab
from wslnet_lab.host.script.values import enumerated, text_of, truth_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from wslnet_lab.host.script.syntax import Attribute

    Check = Callable[[object], str | None]

_PLAIN = frozenset(
    {
        *(
            "allownull",
            "allowemptystring",
            "allowemptycollection",
            "validatenotnull",
            "validatenotnullorempty",
        ),
        "allowemptyarray",
    }
)


@dataclass
class Traits:
    """What the attributes of one parameter say."""

    mandatory: bool = False
    position: int | None = None
    by_value: bool = False
    by_name: bool = False
    aliases: tuple[str, ...] = ()
    validation: tuple[str, ...] = ()
    accepted: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()


class Reader:
    """Reads attributes; `holds` runs the block of a ValidateScript on one value."""

    def __init__(self, holds: Callable[[object, object], bool]) -> None:
        self._holds = holds

    def traits(self, attributes: tuple[Attribute, ...]) -> Traits:
        """What all attributes of a parameter say together.

        Raises:
            NotInTheLab: One is not known here.
        """
        traits = Traits()
        for attribute in attributes:
            name = attribute.name.lower().removesuffix("attribute")
            if name == "parameter":
                self._parameter(attribute, traits)
            elif name == "alias":
                traits.aliases += tuple(text_of(value) for value in self._constants(attribute))
            elif name == "validateset":
                traits.accepted += tuple(text_of(value) for value in self._constants(attribute))
            elif name in _PLAIN:
                spelled = {each.lower(): each for each in _SPELLED}
                traits.validation += (spelled[name],)
            else:
                traits.checks += (self._check(name, attribute),)
        return traits

    def _constants(self, attribute: Attribute) -> list[object]:
        return [value for each in attribute.positional for value in enumerated(constant(each))]

    def _named(self, attribute: Attribute) -> dict[str, object]:
        return {name.lower(): True if value is None else constant(value) for name, value in attribute.named}

    def _parameter(self, attribute: Attribute, traits: Traits) -> None:
        for name, value in self._named(attribute).items():
            match name:
                case "mandatory":
                    traits.mandatory = truth_of(value)
                case "position" if isinstance(value, int):
                    traits.position = value
                case "valuefrompipeline":
                    traits.by_value = truth_of(value)
                case "valuefrompipelinebypropertyname":
                    traits.by_name = truth_of(value)
                case "helpmessage":
                    continue
                case _:
                    raise NotInTheLab(f"[Parameter({name})]")

    def _check(self, name: str, attribute: Attribute) -> Check:
        values = self._constants(attribute)
        if name == "validatepattern":
            options = text_of(self._named(attribute).get("options", "IgnoreCase"))
            return pattern(text_of(values[0]), ignore_case=options.lower() == "ignorecase")
        if name == "validatescript":
            return lambda value: None if self._all_hold(values[0], value) else "its script refuses it"
        low, high = values
        if not isinstance(low, int) or not isinstance(high, int):
            raise NotInTheLab(f"[{name}] of {values}")
        ranges = {"validaterange": _in_range, "validatecount": _count, "validatelength": _length}
        if name not in ranges:
            raise NotInTheLab(f"the attribute [{name}]")
        return ranges[name](low, high)

    def _all_hold(self, block: object, value: object) -> bool:
        return all(self._holds(block, item) for item in enumerated(value))


_SPELLED = (
    "AllowNull",
    "AllowEmptyString",
    "AllowEmptyCollection",
    "ValidateNotNull",
    "ValidateNotNullOrEmpty",
)


def pattern(text: str, *, ignore_case: bool) -> Check:
    """A check that every item's text matches."""
    test = compiled(text, ignore_case=ignore_case)

    def check(value: object) -> str | None:
        if all(test(text_of(item)) for item in enumerated(value)):
            return None
        return f'it does not match the "{text}" pattern'

    return check


def _in_range(low: int, high: int) -> Check:
    def check(value: object) -> str | None:
        for item in enumerated(value):
            number = item.value if isinstance(item, Number) else item
            if not isinstance(number, int | float) or not low <= number <= high:
                return f"{text_of(item)} is not between {low} and {high}"
        return None

    return check


def _count(low: int, high: int) -> Check:
    def check(value: object) -> str | None:
        number = 0 if value is None else len(enumerated(value))
        return None if low <= number <= high else f"it has {number} values, not {low} to {high}"

    return check


def _length(low: int, high: int) -> Check:
    def check(value: object) -> str | None:
        if all(low <= len(text_of(item)) <= high for item in enumerated(value)):
            return None
        return f"its length is not between {low} and {high}"

    return check
