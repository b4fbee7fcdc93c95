"""Why WSL runs in another networking mode than it was told: it falls back by itself and still exits with 0.

From wsl-facts 2.1. The codes of its warnings are the same in every language.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wslnet.model.windows_facts import WindowsFacts

_MIRRORED, _FSE = "mirrored", "fse hostvnic"

_BY_MODE = {
    "nat": "WSL fell back to NAT: it does so when IPv6 is off altogether, the Hyper-V firewall is missing or "
    "disabled, or Windows or the kernel is too old",
    "none": "WSL fell back to no network: its network engine failed at start; Windows' event log, source "
    "WSL, has the code",
    "consomme": "WSL fell back to consomme because it could not make its NAT network",
    "virtioproxy": "WSL fell back to virtioproxy because it could not make its NAT network",
}
_NO_PORTS, _NO_NETWORK = "0x8007054f", "none"
_BY_CODE = {
    _NO_PORTS: "Windows has no free block of 4096 ports for it (microsoft/WSL#12351)",
    "0x80070422": "the service SharedAccess is disabled (microsoft/WSL#12074)",
    "0x80041002": "an uninstalled VMware left its bindings behind (microsoft/WSL#12022)",
    "0x80070002": "an uninstalled VMware left its bindings behind (microsoft/WSL#12022)",
    "0x80070005": "Windows' network service (HNS) denied it (microsoft/WSL#11980)",
    "e_accessdenied": "Windows' network service (HNS) denied it (microsoft/WSL#11980)",
    "error_unhandled_exception": "an adapter was bridged by hand (microsoft/WSL#11389)",
}
_ENGINE_CODE = re.compile(r"ConfigureNetworking/(?:\w+/)*(\w+)")


def why_fallen_back(mode: str, warnings: Iterable[str] = ()) -> str:
    """Why WSL came up in `mode`, in words; `warnings` are the lines that wsl.exe said at its start."""
    reason = _BY_MODE.get(mode.lower(), "WSL chose another mode")
    codes = [match[1] for line in warnings for match in _ENGINE_CODE.finditer(line)]
    for code in codes:
        known = _BY_CODE.get(code.lower())
        return f"{reason.partition(';')[0]} ({code}{f': {known}' if known else ''})"
    return reason


def codes_told(windows: WindowsFacts | None, mode: str | None = None) -> tuple[str, ...]:
    """The error paths of WSL's last fallback in the event log: it stands there whoever started WSL.

    With `mode` only of one that ended in that mode: any other was an earlier start's.
    """
    events = (windows.wsl_events if windows is not None else None) or ()
    told = [place for place, one in enumerate(events) if one.modes and mode in {None, one.modes[-1]}]
    if not told:
        return ()
    # The path is logged right before the fallback; what lies further back was another start's.
    around = events[told[0] : told[0] + 2]
    return tuple(code for one in around for code in one.codes)


def lacks_ports(windows: WindowsFacts | None, mode: str | None) -> bool:
    """Whether WSL came up in `mode` because Windows had no 4096 ports in a row for it (wsl-facts 6, 4)."""
    return any(_NO_PORTS in code.lower() for code in codes_told(windows, mode))


def ports_behind_boot(windows: WindowsFacts | None, mode: str | None) -> str | None:
    """Why a WSL without network may have its mirrored mode after a boot of Windows; None: no reason to.

    Ports that were given away come back at a boot only, however the range was set (wsl-facts 6, 4).
    """
    if mode != _NO_NETWORK or not lacks_ports(windows, mode):
        return None
    return f"{_BY_CODE[_NO_PORTS]}: reboot Windows, which gives them anew, then wslnet resume"


def held_by_boot(windows: WindowsFacts | None, mode: str | None, wanted: str) -> str | None:
    """Why WSL gets mirrored mode only after Windows has booted; None when nothing says so.

    The adapter of an earlier mirrored start is there, so this Windows can; and HNS, which has one
    configuration for each boot, does not give WSL that network again (wsl-facts 2.1, windows-facts 2).
    """
    left = any(_FSE in one.name.lower() for one in (windows.adapters if windows is not None else None) or ())
    if wanted != _MIRRORED or mode == _MIRRORED or not left:
        return None
    return (
        "WSL ran in mirrored mode before in this boot of Windows, and Windows does not give it that network "
        "again until it has booted: reboot Windows, then wslnet resume"
    )
