"""The one place that decides what goes to Windows.

Every bridge takes a `Batch`, and a batch can only be made of calls that keep these rules (windows-facts
1.4 and 13, cdxml-facts 1): a write is alone in its pipeline, names exactly what it touches, stops at its
first error and never asks. It reads nothing back: that is the duty of the op that wrote.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from .call import Call
from .catalogue import cmdlet
from .check import check_call
from .crossing import Value, crossed
from .errors import CallRefused

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_READING_VERBS = frozenset({"Get", "Test"})
_READING_CMDLETS = frozenset({"Export-ScheduledTask"})
"""Reads in spite of their verb: it gives text and writes no file."""

SELECTORS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "Copy-Item": ("LiteralPath", "Destination"),
        "Move-Item": ("LiteralPath", "Destination"),
        "New-Item": ("Path",),
        "New-NetFirewallHyperVRule": ("Name", "VMCreatorId"),
        "New-NetFirewallHyperVVMSetting": ("Name",),
        "New-NetFirewallRule": ("Name",),
        "Register-PSSessionConfiguration": ("Name", "Path"),
        "Register-ScheduledTask": ("TaskName", "TaskPath"),
        "Remove-Item": ("LiteralPath",),
        "Remove-ItemProperty": ("LiteralPath", "Name"),
        "Remove-NetFirewallHyperVRule": ("Name",),
        "Remove-NetFirewallRule": ("Name",),
        "Set-Content": ("LiteralPath",),
        "Set-ItemProperty": ("LiteralPath", "Name"),
        "Set-NetFirewallHyperVVMSetting": ("Name",),
        "Set-NetIPInterface": ("InterfaceIndex", "AddressFamily"),
        "Set-Service": ("Name",),
        "Start-ScheduledTask": ("TaskName", "TaskPath"),
        "Start-Service": ("Name",),
        "Stop-ScheduledTask": ("TaskName", "TaskPath"),
        "Stop-Service": ("Name",),
        "Unregister-PSSessionConfiguration": ("Name",),
        "Unregister-ScheduledTask": ("TaskName", "TaskPath"),
    }
)
"""Every write that may be sent, with the parameters that must name its object; no other write is sent."""

_NEVER = frozenset(
    {
        "All",  # every object
        "AsJob",  # acts without asking and hides its errors (cdxml-facts 1.4)
        "CimSession",  # another machine
        "Confirm",  # set here
        "Credential",
        "Exclude",
        "Filter",
        "Include",
        "InputObject",  # an object instead of a name
        "Recurse",
        "ThrottleLimit",
        "UseTransaction",
        "WhatIf",  # looks like success and does nothing (cdxml-facts 1.13)
    }
)
# A text selector is a pattern on Windows unless the module says otherwise (cdxml-facts 1.6).
_PATTERN = re.compile(r"[*?\[\]`]")


@dataclass(frozen=True, slots=True)
class Statement:
    """One command line as it will be sent: plain values, the common parameters included."""

    cmdlet: str
    parameters: Mapping[str, Value]


@dataclass(frozen=True, slots=True, init=False)
class Batch:
    """What one pipeline carries: several reads, or one write. Making it is the check.

    Raises:
        CallRefused: a rule of this module is not kept; nothing of the batch may be sent.
    """

    statements: tuple[Statement, ...]
    writes: bool = field(compare=False)

    def __init__(self, calls: Sequence[Call]) -> None:
        checked = tuple(calls)
        if not checked:
            raise CallRefused("there is nothing to send")
        statements = tuple(_statement(each) for each in checked)
        writes = any(is_write(each.cmdlet) for each in statements)
        if writes and len(statements) > 1:
            # After a failure in a pipeline the rest still runs (windows-facts 13).
            raise CallRefused("a write must be alone in its pipeline")
        object.__setattr__(self, "statements", statements)
        object.__setattr__(self, "writes", writes)


def is_write(name: str) -> bool:
    """Say whether a cmdlet changes anything; every verb but the reading ones does."""
    return name not in _READING_CMDLETS and name.partition("-")[0] not in _READING_VERBS


def _statement(call: Call) -> Statement:
    if type(call) is not Call:
        raise CallRefused(f"{type(call).__name__} is not a call")
    # Read once and copied, then checked: what is checked is what is sent.
    name = call.cmdlet
    parameters = {key: crossed(value) for key, value in dict(call.parameters).items()}
    if type(name) is not str:
        raise CallRefused("the name of a cmdlet is plain text")
    signature = cmdlet(name)
    check_call(signature, parameters)
    for forbidden in sorted(_NEVER.intersection(parameters)):
        raise CallRefused(f"{name} -{forbidden} is never sent")
    if is_write(name):
        _check_selectors(name, parameters)
        parameters["ErrorAction"] = "Stop"
        if signature.confirms:
            parameters["Confirm"] = False
    return Statement(name, MappingProxyType(parameters))


def _check_selectors(name: str, parameters: Mapping[str, Value]) -> None:
    if name not in SELECTORS:
        raise CallRefused(f"{name} is not a write that wslnet makes")
    for selector in SELECTORS[name]:
        if selector not in parameters:
            raise CallRefused(f"{name} without -{selector} could touch every object")
        value = parameters[selector]
        for each in value if type(value) is list else [value]:
            if type(each) is str and not each.strip():
                raise CallRefused(f"{name} -{selector} is empty")
            if type(each) is str and _PATTERN.search(each):
                raise CallRefused(f"{name} -{selector} {each!r} is a pattern, not a name")
        if value == []:
            raise CallRefused(f"{name} -{selector} is empty")
