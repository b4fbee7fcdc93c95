"""Where the boot tasks find their program, their data and their guards' files.

What SYSTEM runs and reads lies in folders that administrators alone can write; what the owner's task reads
for its guard lies in the owner's own profile, where nobody else writes.
"""

from __future__ import annotations

PROGRAM = r"C:\Program Files\wslnet\wslnet.exe"
PROGRAM_FOLDER = r"C:\Program Files\wslnet"
DATA_FOLDER = r"C:\ProgramData\wslnet"
DATA_FILE = rf"{DATA_FOLDER}\boot.json"
OWNER_FOLDER = r"AppData\Local\wslnet"
"""Below the owner's profile."""


def order_name(half: str) -> str:
    """Name of the file in which the controller tells a half's guard what to watch over."""
    return f"guard-{half}.order.json"


def report_name(half: str) -> str:
    """Name of the file in which a half's guard says how it stands."""
    return f"guard-{half}.json"
