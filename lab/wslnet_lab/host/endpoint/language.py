"""What RestrictedLanguage refuses of a client's script before any of it runs (jea-facts H)."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING

from wslnet_lab.host.contract import Category, CommandError, ErrorDetails
from wslnet_lab.host.script.syntax import Assignment, BlockLiteral, FunctionSyntax, Member, Variable

if TYPE_CHECKING:
    from wslnet_lab.host.script.syntax import Statement

_READABLE = frozenset({"true", "false", "null", "psculture", "psuiculture"})
_TAIL = "NotSupportedInDataSection"


def check_restricted(statements: tuple[Statement, ...]) -> None:
    """Refuses the first thing, from the outside in, that is more than calls and plain expressions.

    Raises:
        CommandError: There is one; the script has not run.
    """
    for statement in statements:
        _check(statement)


def _check(node: object) -> None:
    refused = _refused(node)
    if refused is not None:
        raise CommandError(
            ErrorDetails(
                fqid=f"{refused}{_TAIL}",
                category=Category.PARSER_ERROR,
                message="That is not allowed in restricted language mode or a Data section.",
                exception_types=("System.Management.Automation.ParseException",),
                reason="ParseException",
            )
        )
    if isinstance(node, tuple):
        for item in node:
            _check(item)
    elif is_dataclass(node):
        for field in fields(node):
            _check(getattr(node, field.name))


def _refused(node: object) -> str | None:
    match node:
        case Assignment():
            return "AssignmentStatement"
        case FunctionSyntax():
            return "FunctionDeclaration"
        case BlockLiteral():
            return "ScriptBlock"
        case Member():
            return "PropertyReference" if node.arguments is None else "MethodCall"
        case Variable() if node.drive or node.name.lower() not in _READABLE:
            return "VariableReference"
    return None
