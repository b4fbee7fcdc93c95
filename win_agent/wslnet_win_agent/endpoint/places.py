r"""Where the endpoint's files lie: a module's folder that administrators alone can write."""

from __future__ import annotations

from .offer import MODULE
from .render import PSD1, PSM1, PSRC, PSSC

MODULES_FOLDER = r"C:\Program Files\WindowsPowerShell\Modules"
MODULE_FOLDER = rf"{MODULES_FOLDER}\{MODULE}"
ROLES_FOLDER = rf"{MODULE_FOLDER}\RoleCapabilities"
FILES = (PSM1, PSD1, PSRC, PSSC)
"""Below the module's folder, in the order in which they are written: what is registered last."""

VERDICT = rf"{MODULE_FOLDER}\local-use.json"
"""What the probe of its local use has shown; no file of the module."""


def path_of(name: str) -> str:
    """Give the full path of one of `FILES`."""
    return rf"{MODULE_FOLDER}\{name}"
