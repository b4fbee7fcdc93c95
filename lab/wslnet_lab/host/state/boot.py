"""What a reboot of Windows loses: creators of the Hyper-V firewall, active stores, running distros.

Its dynamic ports as they were at the boot are there, too: who took some of them keeps them until the next.

Kept in `boot.json` so that a Fast-Startup power-on (a resume, wsl-facts 9) can go on with it; a real boot
starts with a fresh one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wslnet_lab.host.state.json_file import JsonFile

if TYPE_CHECKING:
    from pathlib import Path


def fresh_boot() -> dict[str, Any]:
    """The volatile state right after a boot: WSL never ran, nothing is in an active store."""
    return {
        "hyperv_creators": {},
        "hyperv_system_defaults": {"settings": {}, "rules": {}},
        "hyperv_active": {"settings": {}, "profiles": {}, "rules": {}},
        "firewall_rules": {},
        "interfaces": {},
        "running_distros": [],
        "wsl_firewall": True,
        "wsl_idle": {},
        "dynamic_ports": {},
        "given_from": [],
    }


def open_boot(path: Path, *, resumed: bool) -> JsonFile:
    """The volatile state: the one of before when Windows was `resumed`, else a fresh one."""
    if not resumed:
        path.unlink(missing_ok=True)
    return JsonFile(path, fresh_boot)
