"""The endpoint's files as they are to lie on one Windows.

The module's functions are fixed text of this package; what depends on the machine (which modules it has,
who may connect) goes into two small data files. A missing module would break every open (jea-facts B6).
"""

from __future__ import annotations

import re
from importlib import resources
from typing import TYPE_CHECKING

from wslnet_win_agent.errors import CallRefused

from .offer import ENGINE_MODULES, FUNCTIONS, MODULE, READS, ROLE

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_GUID = "4f1f8d52-6b0e-4a6e-9f0c-3f6f0d6c7e11"
_ACCOUNT = re.compile(
    r"[^\\/\"'\[\]:;|=,+*?<>@`$\x00-\x1f]{1,64}\\[^\\/\"'\[\]:;|=,+*?<>@`$\x00-\x1f]{1,104}"
)
PSM1 = f"{MODULE}.psm1"
PSD1 = f"{MODULE}.psd1"
PSRC = f"RoleCapabilities\\{ROLE}.psrc"
PSSC = f"{ROLE}.pssc"


def files(*, modules: Collection[str], account: str) -> Mapping[str, str]:
    r"""Give the text of each file by its path below the module's folder.

    Args:
        modules: The modules that this Windows has.
        account: Who may connect, `MACHINE\name` or `DOMAIN\name`.

    Raises:
        CallRefused: the account is not written so.
    """
    return {
        PSM1: _windows_lines(resources.files(__package__).joinpath("module", PSM1).read_text("utf-8")),
        PSD1: _windows_lines(_manifest()),
        PSRC: _windows_lines(capability(modules)),
        PSSC: _windows_lines(configuration(account)),
    }


def capability(modules: Collection[str]) -> str:
    """Give the role capability for a Windows that has these modules."""
    known = [name for name in READS if name in modules]
    plain = [name for name in known if name not in ENGINE_MODULES]
    reads = [f"{module}\\{name}" for module in plain for name in READS[module]]
    cmdlets = [f"{module}\\{name}" for module in known if module in ENGINE_MODULES for name in READS[module]]
    own = [f"{MODULE}\\{name}" for name in FUNCTIONS]
    lines = ["@{", f"    GUID = '{_GUID}'"]
    if plain:
        lines.append(f"    ModulesToImport = {_list(plain)}")
    if cmdlets:
        lines.append(f"    VisibleCmdlets = {_list(cmdlets)}")
    # Ours are last: only the last import's failure breaks the open, and without them there is no endpoint.
    lines.append(f"    VisibleFunctions = {_list([*reads, *own])}")
    return "\n".join([*lines, "}", ""])


def configuration(account: str) -> str:
    r"""Give the session configuration: one role, no language, and a virtual account.

    Raises:
        CallRefused: the account is no `MACHINE\name`.
    """
    if _ACCOUNT.fullmatch(account) is None:
        raise CallRefused(f"{account!r} is not an account like MACHINE\\name")
    return "\n".join(
        [
            "@{",
            "    SchemaVersion = '2.0.0.0'",
            f"    GUID = '{_GUID[:-1]}2'",
            "    SessionType = 'RestrictedRemoteServer'",
            "    RunAsVirtualAccount = $true",
            "    RoleDefinitions = @{",
            f"        '{account}' = @{{ RoleCapabilities = '{MODULE}\\{ROLE}' }}",
            "    }",
            "}",
            "",
        ]
    )


def _manifest() -> str:
    return "\n".join(
        [
            "@{",
            f"    RootModule = '{PSM1}'",
            "    ModuleVersion = '1.0.0'",
            f"    GUID = '{_GUID[:-1]}3'",
            f"    FunctionsToExport = {_list(FUNCTIONS)}",
            "    CmdletsToExport = @()",
            "    VariablesToExport = @()",
            "    AliasesToExport = @()",
            "}",
            "",
        ]
    )


def _list(names: Collection[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _windows_lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\n", "\r\n")
