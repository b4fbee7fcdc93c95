"""Events that wake tasks, and whether a subscription of a task means one.

Of XPath only what subscriptions of tasks use is understood: an event id, and a provider by name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from xml.etree import ElementTree as ET

_EVENT_ID = re.compile(r"EventID\s*=\s*(\d+)")
_PROVIDER = re.compile(r"Provider\[@Name\s*=\s*'([^']+)'\]")


@dataclass(frozen=True, slots=True)
class Event:
    """One record in a log of Windows."""

    channel: str
    provider: str
    id: int


CONNECTED = Event("Microsoft-Windows-NetworkProfile/Operational", "Microsoft-Windows-NetworkProfile", 10000)
BOOT_TYPE = Event("System", "Microsoft-Windows-Kernel-Boot", 27)
"""Written at each power-on, cold or with Fast Startup, and at a resume from hibernation."""

RESUMED = Event("System", "Microsoft-Windows-Power-Troubleshooter", 1)


def means(subscription: str, event: Event) -> bool:
    """Whether a query list selects the event."""
    for select in ET.fromstring(subscription).iter("Select"):  # noqa: S314 - read when it was registered
        text = select.text or ""
        ids = [int(number) for number in _EVENT_ID.findall(text)]
        providers = _PROVIDER.findall(text)
        if (
            select.get("Path") == event.channel
            and (not ids or event.id in ids)
            and (not providers or event.provider in providers)
        ):
            return True
    return False
