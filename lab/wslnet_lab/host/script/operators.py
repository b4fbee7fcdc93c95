"""The operators, on values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from wslnet_lab.host.contract import Category, CommandError, EnumValue, ErrorDetails, Number
from wslnet_lab.host.engine.values import number_in_text
from wslnet_lab.host.engine.wildcards import matches
from wslnet_lab.host.script.patterns import compiled
from wslnet_lab.host.script.syntax import NotInTheLab
from wslnet_lab.host.script.values import Array, Switch, enumerated, text_of, truth_of, type_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from wslnet_lab.host.script.values import TypeValue

_FORMAT = re.compile(r"\{(\d+)(?::(\w+))?\}")


def apply(operator: str, left: object, right: object) -> object:
    """The value of `left -operator right`.

    Raises:
        CommandError: A division by zero.
        NotInTheLab: The operator, or these operands for it, are not modelled.
    """
    cased = operator[0] == "c" and operator[1:] in _COMPARISONS
    name = operator[1:] if operator[0] in "ci" and operator[1:] in _COMPARISONS else operator
    if name in _COMPARISONS:
        compare = _COMPARISONS[name]
        if isinstance(left, list | tuple):
            return Array.of(item for item in left if compare(item, right, cased))
        return compare(left, right, cased)
    if name not in _OTHERS:
        raise NotInTheLab(f"-{operator}")
    return _OTHERS[name](left, right)


def runtime_error(message: str) -> CommandError:
    """An error that the language itself raises."""
    return CommandError(ErrorDetails("RuntimeException", Category.NOT_SPECIFIED, message))


def null_error(error_id: str, message: str) -> CommandError:
    """The same for what null does not have: a method, an item."""
    return CommandError(ErrorDetails(error_id, Category.INVALID_OPERATION, message))


def number_of(value: object) -> float | int:
    """A value as a number.

    Raises:
        CommandError: It is none.
    """
    match value:
        case None:
            return 0
        case bool() | int() | float():
            return value
        case Number(value=held) | EnumValue(number=held) | Switch(present=held):
            return held
        case str():
            found = number_in_text(value)
            if found is not None:
                return found
    raise runtime_error(f"{text_of(value)!r} is no number")


def _same(left: object, right: object, cased: bool) -> bool:  # noqa: FBT001 - one signature for all comparisons
    if left is None or right is None:
        return left is right
    if isinstance(left, bool | int | float | Number):
        try:
            return number_of(left) == number_of(right)
        except CommandError:
            return False
    one, other = text_of(left), text_of(right)
    return one == other if cased else one.lower() == other.lower()


def _ordered(test: Callable[[object, object], bool]) -> Callable[[object, object, bool], bool]:
    def compare(left: object, right: object, _cased: bool) -> bool:  # noqa: FBT001 - as above
        return test(number_of(left), number_of(right))

    return compare


def _negated(test: Callable[[object, object, bool], bool]) -> Callable[[object, object, bool], bool]:
    return lambda left, right, cased: not test(left, right, cased)


def _like(left: object, right: object, _cased: bool) -> bool:  # noqa: FBT001 - as above
    return matches(text_of(right), text_of(left))


def _match(left: object, right: object, cased: bool) -> bool:  # noqa: FBT001 - as above
    return compiled(text_of(right), ignore_case=not cased)(text_of(left))


_COMPARISONS: Mapping[str, Callable[[object, object, bool], bool]] = {
    "eq": _same,
    "ne": _negated(_same),
    "lt": _ordered(lambda left, right: left < right),  # type: ignore[operator]  # both are numbers by then
    "le": _ordered(lambda left, right: left <= right),  # type: ignore[operator]  # as above
    "gt": _ordered(lambda left, right: left > right),  # type: ignore[operator]  # as above
    "ge": _ordered(lambda left, right: left >= right),  # type: ignore[operator]  # as above
    "like": _like,
    "notlike": _negated(_like),
    "match": _match,
    "notmatch": _negated(_match),
}


def _contains(left: object, right: object) -> bool:
    return any(_same(item, right, False) for item in enumerated(left))  # noqa: FBT003 - as above


def _add(left: object, right: object) -> object:
    if isinstance(left, list | tuple):
        return Array.of([*left, *enumerated(right)])
    if isinstance(left, dict) and isinstance(right, dict):
        return {**left, **right}
    if isinstance(left, str):
        return left + text_of(right)
    return number_of(left) + number_of(right)


def _divide(left: object, right: object) -> object:
    divisor = number_of(right)
    if divisor == 0:
        raise runtime_error("Attempted to divide by zero.")
    result = number_of(left) / divisor
    return int(result) if result == int(result) else result


def _format(left: object, right: object) -> str:
    items = enumerated(right)

    def fill(found: re.Match[str]) -> str:
        value = items[int(found[1])]
        if found[2] is None:
            return text_of(value)
        kind, width = found[2][0], int(found[2][1:] or 0)
        if kind not in "xXdD":
            raise NotInTheLab(f"the format {found[0]}")
        return format(int(number_of(value)), f"0{width}{kind.lower() if kind in 'dD' else kind}")

    return _FORMAT.sub(fill, text_of(left))


def _is(left: object, right: object) -> bool:
    wanted: TypeValue | object = right
    return left is not None and type_of(left) == text_of(wanted)


_OTHERS: Mapping[str, Callable[[object, object], object]] = {
    "and": lambda left, right: truth_of(left) and truth_of(right),
    "or": lambda left, right: truth_of(left) or truth_of(right),
    "xor": lambda left, right: truth_of(left) != truth_of(right),
    "contains": _contains,
    "notcontains": lambda left, right: not _contains(left, right),
    "in": lambda left, right: _contains(right, left),
    "notin": lambda left, right: not _contains(right, left),
    "join": lambda left, right: text_of(right).join(text_of(item) for item in enumerated(left)),
    "is": _is,
    "isnot": lambda left, right: not _is(left, right),
    "+": _add,
    "-": lambda left, right: number_of(left) - number_of(right),
    "*": lambda left, right: number_of(left) * number_of(right),
    "/": _divide,
    "%": lambda left, right: number_of(left) % number_of(right),
    "f": _format,
    "..": lambda left, right: Array.of(range(int(number_of(left)), int(number_of(right)) + 1)),
}
