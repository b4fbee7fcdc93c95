"""Seconds since this machine started, the time in which it slept included.

What waits for a deadline of somebody else's must not stand still while the lid is closed.
"""

from __future__ import annotations

import sys
import time

if sys.platform == "win32":
    import ctypes

    _ticks = ctypes.windll.kernel32.GetTickCount64
    _ticks.restype = ctypes.c_ulonglong

    def seconds_since_boot() -> float:
        """The tick count of 64 bits, which counts sleep and goes on over a Fast Startup."""
        return float(_ticks()) / 1000

else:

    def seconds_since_boot() -> float:
        """The clock of that name."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)
