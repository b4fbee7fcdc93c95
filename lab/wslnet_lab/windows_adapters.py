"""The adapters of Windows as one boot has them: names by language, and what each boot makes anew.

The virtual switches' adapters come back after a boot with another index and GUID, so that nothing stored for
them fits any more (wsl-facts 4). Pure.
"""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wslnet_lab.topology.model import Machine, WindowsAdapter

_MADE_ANEW = frozenset({"wsl-nat", "fse", "default-switch"})
# Away from the small numbers that the kernel deals out by itself.
_FIRST_INDEX, _INDICES_PER_BOOT = 100, 20


def adapters_of_boot(windows: Machine, boot: int) -> tuple[WindowsAdapter, ...]:
    """The adapters in the `boot`-th session since `lab up`; the first one has them as the topology says."""
    culture = str(windows.settings.get("culture", ""))
    named = (replace(one, name=one.localised.get(culture, one.name)) for one in windows.adapters)
    return tuple(_made_anew(one, boot, position) for position, one in enumerate(named))


def _made_anew(adapter: WindowsAdapter, boot: int, position: int) -> WindowsAdapter:
    if boot <= 1 or adapter.kind not in _MADE_ANEW:
        return adapter
    guid = "{" + str(uuid.uuid5(uuid.UUID(adapter.guid), str(boot))).upper() + "}"
    index = _FIRST_INDEX + boot * _INDICES_PER_BOOT + position
    return replace(adapter, guid=guid, nic=replace(adapter.nic, index=index))
