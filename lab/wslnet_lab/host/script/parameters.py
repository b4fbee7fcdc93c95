"""Parses a param block: attributes, types, names and defaults."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from wslnet_lab.host.script import atoms, expressions
from wslnet_lab.host.script.syntax import Attribute, ParameterSyntax

if TYPE_CHECKING:
    from wslnet_lab.host.script.scanner import Scanner
    from wslnet_lab.host.script.syntax import Expression, TypeName

_PARAM = re.compile(r"param\s*\(", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"\[\s*([A-Za-z_][\w.]*)\s*\(")
_NAMED = re.compile(r"([A-Za-z_]\w*)\s*=(?!=)")
_SHORT = re.compile(r"([A-Za-z_]\w*)\s*(?=[,)])")


def param_block(scanner: Scanner) -> tuple[tuple[Attribute, ...], tuple[ParameterSyntax, ...]]:
    """The attributes and the parameters of a block; nothing when it has no param block.

    Raises:
        Malformed, NotInTheLab: It cannot be read.
    """
    start = scanner.at
    attributes: list[Attribute] = []
    scanner.statement_ends()
    while scanner.matches(_ATTRIBUTE) is not None:
        attributes.append(_attribute(scanner))
        scanner.statement_ends()
    if scanner.takes_match(_PARAM) is None:
        scanner.at = start
        return (), ()
    parameters: list[ParameterSyntax] = []
    scanner.lines()
    while not scanner.takes(")"):
        parameters.append(_parameter(scanner))
        scanner.lines()
        scanner.takes(",")
        scanner.lines()
    return tuple(attributes), tuple(parameters)


def _parameter(scanner: Scanner) -> ParameterSyntax:
    attributes: list[Attribute] = []
    kind: TypeName | None = None
    while scanner.sees("["):
        if scanner.matches(_ATTRIBUTE) is not None:
            attributes.append(_attribute(scanner))
        else:
            kind = atoms.type_name(scanner)
        scanner.lines()
    name = atoms.variable(scanner).name
    scanner.lines()
    default: Expression | None = None
    if scanner.takes("="):
        scanner.lines()
        default = expressions.one(scanner)
    return ParameterSyntax(name, tuple(attributes), kind, default)


def _attribute(scanner: Scanner) -> Attribute:
    found = scanner.takes_match(_ATTRIBUTE)
    name = found[1] if found else ""
    positional: list[Expression] = []
    named: list[tuple[str, Expression | None]] = []
    scanner.lines()
    while not scanner.takes(")"):
        key = scanner.takes_match(_NAMED)
        short = None if key else scanner.takes_match(_SHORT)
        if key is not None:
            scanner.lines()
            named.append((key[1], expressions.one(scanner)))
        elif short is not None:
            named.append((short[1], None))
        else:
            positional.append(expressions.one(scanner))
        scanner.lines()
        scanner.takes(",")
        scanner.lines()
    scanner.lines()
    scanner.expect("]")
    return Attribute(name, tuple(positional), tuple(named))
