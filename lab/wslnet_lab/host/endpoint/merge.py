"""Several role capabilities as one, with the holes that the real merge has (jea-facts C)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from wslnet_lab.host.endpoint.failures import ConfigurationRefused
from wslnet_lab.host.endpoint.files import Capability, Restriction, united

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Restricted = dict[str, tuple[Restriction, ...]]


def merged(capabilities: Iterable[Capability]) -> Capability:
    """The union of the roles; of a function that two define, the last one's.

    Raises:
        ConfigurationRefused: A command is restricted as a cmdlet and as a function.
    """
    whole = Capability(restricted=({}, {}))
    for each in capabilities:
        whole = _union(whole, each)
    cmdlets, functions = whole.restricted
    seen = {name.lower() for name in cmdlets}
    for name in functions:
        if name.lower() in seen:
            raise ConfigurationRefused(f"An item with the same key has already been added. Key: {name}")
    return replace(whole, restricted=({**cmdlets, **functions},))


def _union(one: Capability, other: Capability) -> Capability:
    aliases = one.visible_aliases
    if other.visible_aliases is not None:
        aliases = (*(aliases or ()), *other.visible_aliases)
    return Capability(
        plain=one.plain + other.plain,
        restricted=tuple(
            _commands(left, right) for left, right in zip(one.restricted, other.restricted, strict=True)
        ),
        lists_functions=one.lists_functions or other.lists_functions,
        lists_commands=one.lists_commands or other.lists_commands,
        modules=one.modules + other.modules,
        functions=one.functions + other.functions,
        aliases=one.aliases + other.aliases,
        visible_aliases=aliases,
        variables=one.variables + other.variables,
        environment=one.environment + other.environment,
        providers=one.providers + other.providers,
        externals=one.externals + other.externals,
    )


def _commands(
    one: Mapping[str, tuple[Restriction, ...]], other: Mapping[str, tuple[Restriction, ...]]
) -> Restricted:
    found: Restricted = dict(one)
    spelled = {name.lower(): name for name in one}
    for name, restrictions in other.items():
        key = spelled.get(name.lower(), name)
        found[key] = united((*found.get(key, ()), *restrictions))
    return found
