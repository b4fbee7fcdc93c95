"""Numbers of the facts and ops: families of addresses, and the kernel's main table of routes."""

from __future__ import annotations

from typing import Final

IPV4: Final = 4
IPV6: Final = 6
MAIN_TABLE: Final = 254
