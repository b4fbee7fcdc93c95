"""One file for one topic of `wslnet explain`: facts in, words out. A new file here is found by itself.

Each module defines `TOPIC`. Nothing here reads a machine.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wslnet.model.topic import Topic


def discover() -> tuple[Topic, ...]:
    """All topics of this package, in the order of their names.

    Raises:
        AttributeError: a module of this package defines no `TOPIC`.
    """
    names = [module.name for module in pkgutil.iter_modules(__path__) if not module.ispkg]
    topics: list[Topic] = [importlib.import_module(f"{__name__}.{name}").TOPIC for name in names]
    return tuple(sorted(topics, key=lambda topic: topic.name))
