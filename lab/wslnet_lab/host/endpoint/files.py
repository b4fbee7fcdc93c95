"""Reads session configurations and role capabilities from their files into data.

What a key means is not known here. Only constants are read (jea-facts A18 tells what a real Windows does).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet_lab.host.endpoint.failures import ConfigurationRefused
from wslnet_lab.host.script.constants import statement_value
from wslnet_lab.host.script.statements import script
from wslnet_lab.host.script.syntax import Malformed, NotInTheLab
from wslnet_lab.host.script.values import ScriptBlock, enumerated, text_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from wslnet_lab.host.script.syntax import Block

_PARSED_ALONE = "FunctionDefinitions"


@dataclass(frozen=True)
class Restriction:
    """One parameter that a role lets a command have; `accepted` and `patterns` empty: any value."""

    name: str
    accepted: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Capability:
    """What one .psrc file grants.

    Attributes:
        plain: Names of VisibleFunctions and VisibleCmdlets, as written.
        restricted: Commands with the parameters they keep, by name; one map for each of the two keys.
        lists_functions: Whether the key VisibleFunctions is there.
        lists_commands: Whether any Visible* key is there: then what is imported is not public (jea-facts A3).
    """

    plain: tuple[str, ...] = ()
    restricted: tuple[Mapping[str, tuple[Restriction, ...]], ...] = ()
    lists_functions: bool = False
    lists_commands: bool = False
    modules: tuple[object, ...] = ()
    functions: tuple[tuple[str, Block], ...] = ()
    aliases: tuple[tuple[str, str], ...] = ()
    visible_aliases: tuple[str, ...] | None = None
    variables: tuple[tuple[str, object], ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    providers: tuple[str, ...] = ()
    externals: tuple[str, ...] = ()


@dataclass(frozen=True)
class Configuration:
    """What a .pssc file says. `roles` names role capabilities by the group that has them."""

    session_type: str
    language_mode: str
    roles: Mapping[str, tuple[str, ...]]
    user_drive: bool = False
    start_scripts: tuple[str, ...] = ()
    virtual_account: bool = False
    transcripts: str | None = None


def read_table(text: str, what: str) -> dict[str, object]:
    """The table that such a file is.

    Raises:
        ConfigurationRefused: It is none.
    """
    try:
        block = script(text.removeprefix("\ufeff"))
        if len(block.end) != 1:
            raise ConfigurationRefused(f"{what} is not one table")
        value = statement_value(block.end[0])
    except (Malformed, NotInTheLab) as error:
        raise ConfigurationRefused(f"{what}: {error}") from error
    if not isinstance(value, dict):
        raise ConfigurationRefused(f"{what} is not a table")
    return {text_of(key): held for key, held in value.items()}


def read_configuration(text: str) -> Configuration:
    """A session configuration.

    Raises:
        ConfigurationRefused: It cannot be used.
    """
    keys = _lowered(read_table(text, "the session configuration"))
    kind = text_of(keys.get("sessiontype", "Default"))
    implied = {"restrictedremoteserver": "NoLanguage", "empty": "NoLanguage"}.get(
        kind.lower(), "FullLanguage"
    )
    roles = keys.get("roledefinitions")
    return Configuration(
        session_type=kind,
        language_mode=text_of(keys.get("languagemode", implied)),
        roles={
            text_of(group): _texts(_lowered(held).get("rolecapabilities")) for group, held in _pairs(roles)
        },
        user_drive=keys.get("mountuserdrive") is True,
        start_scripts=_texts(keys.get("scriptstoprocess")),
        virtual_account=keys.get("runasvirtualaccount") is True,
        transcripts=text_of(keys["transcriptdirectory"]) if "transcriptdirectory" in keys else None,
    )


def read_capability(text: str) -> Capability:
    """A role capability.

    Raises:
        ConfigurationRefused: It cannot be used.
    """
    keys = _lowered(read_table(text, "the role capability"))
    if "languagemode" in keys:
        # Merged into an array, which is no language mode (jea-facts B10).
        raise ConfigurationRefused("Requested value 'System.Object[]' was not found.")
    visible = [_items(keys.get(key)) for key in ("visiblecmdlets", "visiblefunctions")]
    aliases = keys.get("visiblealiases")
    return Capability(
        plain=tuple(text_of(each) for entries in visible for each in entries if not isinstance(each, dict)),
        restricted=tuple(_restricted(entries) for entries in visible),
        lists_functions="visiblefunctions" in keys,
        lists_commands=any(key.startswith("visible") for key in keys),
        modules=tuple(_items(keys.get("modulestoimport"))),
        functions=tuple(_function(each) for each in _items(keys.get("functiondefinitions"))),
        aliases=tuple(_named(each) for each in _items(keys.get("aliasdefinitions"))),
        visible_aliases=None if aliases is None else _texts(aliases),
        variables=tuple(_variable(each) for each in _items(keys.get("variabledefinitions"))),
        environment=tuple((text_of(k), text_of(v)) for k, v in _pairs(keys.get("environmentvariables"))),
        providers=_texts(keys.get("visibleproviders")),
        externals=_texts(keys.get("visibleexternalcommands")),
    )


def _restricted(entries: list[object]) -> dict[str, tuple[Restriction, ...]]:
    found: dict[str, tuple[Restriction, ...]] = {}
    for each in entries:
        if not isinstance(each, dict):
            continue
        keys = _lowered(each)
        if "name" not in keys or "parameters" not in keys:
            raise ConfigurationRefused(
                f"Could not parse visible command definition for '{text_of(keys.get('name'))}'."
            )
        name = text_of(keys["name"])
        spelled = next((known for known in found if known.lower() == name.lower()), name)
        more = tuple(_restriction(item) for item in _items(keys["parameters"]))
        found[spelled] = united((*found.get(spelled, ()), *more))
    return found


def united(restrictions: Iterable[Restriction]) -> tuple[Restriction, ...]:
    """The parameters that several entries allow together; of one parameter all values and all patterns."""
    found: dict[str, Restriction] = {}
    for each in restrictions:
        before = found.get(each.name.lower(), Restriction(each.name))
        found[each.name.lower()] = Restriction(
            before.name, before.accepted + each.accepted, before.patterns + each.patterns
        )
    return tuple(found.values())


def _restriction(entry: object) -> Restriction:
    if not isinstance(entry, dict):
        raise ConfigurationRefused("Could not parse visible command definition.")
    name = text_of(_lowered(entry).get("name"))
    # These two keys alone are compared with their case: `validateset` restricts nothing (jea-facts B8).
    return Restriction(name, _texts(entry.get("ValidateSet")), _texts(entry.get("ValidatePattern")))


def _function(entry: object) -> tuple[str, Block]:
    keys = _lowered(entry)
    block = keys.get("scriptblock")
    if not isinstance(block, ScriptBlock):
        raise ConfigurationRefused(f"{_PARSED_ALONE} without a script block")
    return text_of(keys.get("name")), block.block


def _named(entry: object) -> tuple[str, str]:
    keys = _lowered(entry)
    return text_of(keys.get("name")), text_of(keys.get("value"))


def _variable(entry: object) -> tuple[str, object]:
    keys = _lowered(entry)
    value = keys.get("value")
    # A script block as value came out empty (jea-facts B11).
    return text_of(keys.get("name")), "" if isinstance(value, ScriptBlock) else value


def _lowered(value: object) -> dict[str, object]:
    return {text_of(key).lower(): held for key, held in _pairs(value)}


def _pairs(value: object) -> list[tuple[object, object]]:
    return list(value.items()) if isinstance(value, dict) else []


def _items(value: object) -> list[object]:
    return [] if value is None else enumerated(value)


def _texts(value: object) -> tuple[str, ...]:
    return tuple(text_of(each) for each in _items(value))
