"""WSL as Windows sees it. Looks into a distro only while one runs: asking would start it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from wslnet_win_agent import registry
from wslnet_win_agent.errors import WindowsAgentError
from wslnet_win_agent.wsl_exe import Distro, chosen_distro

if TYPE_CHECKING:
    from wslnet_win_agent.host import Host
    from wslnet_win_agent.registry import RegistryKeys

_LOOPBACK = "127.0.0.1"
_OWN_ADDRESS_MODES = frozenset({"nat", "bridged"})


def wsl(host: Host, keys: RegistryKeys) -> dict[str, object]:
    """Give the fact of docs/protocols.md 2; `error` (in a word `error_code`): why wsl.exe was not asked."""
    version = keys.text(registry.WSL_MSI, "Version")
    fact: dict[str, object] = {
        "installed": version is not None,
        "version": version,
        "kernel_version": None,
        "versions": None,
        "distros": [],
        "running": False,
        "mode": None,
        "address": None,
        "error": None,
        "error_code": None,
    }
    if version is None:
        return fact
    try:
        told = host.wsl_versions()
        fact |= {"kernel_version": told.kernel, "versions": asdict(told)}
        distros = host.wsl.distros()
        fact["distros"] = [
            {"name": each.name, "state": each.state, "version": each.version, "default": each.default}
            for each in distros
        ]
        fact["running"] = any(each.state == "Running" for each in distros)
        inside = chosen_distro(distros)
        if inside is not None:
            fact |= _running(host, inside, keys.text(registry.WSL_USER, "NatIpAddress"))
    except WindowsAgentError as error:
        fact |= {"error": error.message, "error_code": error.code}
    return fact


def _running(host: Host, distro: Distro, remembered: str | None) -> dict[str, object]:
    mode = host.wsl.networking_mode(distro.name)
    if mode == "none" or mode is None:
        return {"mode": mode}
    if mode not in _OWN_ADDRESS_MODES:
        # By number, never localhost: ::1 is tried first and does not cross (wsl-facts 6, 21).
        return {"mode": mode, "address": _LOOPBACK}
    return {"mode": mode, "address": _address(host.wsl.addresses(distro.name), remembered)}


def _address(found: tuple[str, ...], remembered: str | None) -> str | None:
    """The address of WSL among all of its addresses: Windows remembers it, the guest confirms it."""
    if remembered is not None and (remembered in found or not found):
        return remembered
    return next((each for each in found if "." in each), None)
