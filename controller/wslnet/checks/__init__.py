"""One file for one check: facts in, findings out, nothing else. A new file here is found by itself.

Each module defines `CHECK`; what several of them share lies in `wslnet.checks.parts`. Checks are pure, so a
stored snapshot is judged anywhere as it was where it was taken.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wslnet.model.finding import Check


def discover() -> tuple[Check, ...]:
    """All checks of this package, in the order of their codes.

    Raises:
        AttributeError: a module of this package defines no `CHECK`.
    """
    names = [module.name for module in pkgutil.iter_modules(__path__) if not module.ispkg]
    modules = [importlib.import_module(f"{__name__}.{name}") for name in names]
    checks: list[Check] = [module.CHECK for module in modules]
    return tuple(sorted(checks, key=lambda check: check.code))
