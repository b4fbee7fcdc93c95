"""Stops and starts WSL, and waits until Windows says so."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

from wslnet_win_agent.errors import DeliveryUnknown, WindowsAgentError

if TYPE_CHECKING:
    from collections.abc import Callable

    from wslnet_win_agent.host import Host

    from .arguments import Arguments

_POLL_S = 0.2
_SETTLE_S = 20.0


def shutdown(host: Host, _arguments: Arguments) -> dict[str, object]:
    """Stop all distros of this user and the VM.

    Raises:
        WindowsAgentError: `failed` when a distro runs again (another client restarts WSL at once) or still.
    """
    before = _running(host)
    # Without an answer it may have been done: what wsl.exe lists next decides.
    with suppress(DeliveryUnknown):
        host.wsl.shutdown()
    host.touched = True
    _await(host, lambda names: not names, "WSL still runs, or another program started it again")
    return {"before": {"running": before}, "after": {"running": []}}


def update(host: Host, arguments: Arguments) -> dict[str, object]:
    """Install the newest WSL (`pre`: or pre-release); that there is none newer is no error.

    Raises:
        WindowsAgentError: `failed` with WSL's own code, or `timed-out`.
    """
    host.wsl.update(pre=arguments.given.get("pre") is True)
    host.touched = True
    host.forget_versions()
    return {}


def start(host: Host, arguments: Arguments) -> dict[str, object]:
    """Start one distro; with `hold_s` it is kept up for so many seconds, or until this session ends.

    Raises:
        WindowsAgentError: `not-found` for a distro that is not installed, `failed` with WSL's own code.
    """
    distro = arguments.text("distro")
    installed = host.wsl.distros()
    if distro not in [each.name for each in installed]:
        names = ", ".join(each.name for each in installed) or "none"
        raise WindowsAgentError("not-found", f"there is no distro {distro!r} (installed: {names})")
    before = [each.name for each in installed if each.state == "Running"]
    warnings: tuple[str, ...] = ()
    with suppress(DeliveryUnknown):
        warnings = host.wsl.start(distro)
    host.touched = True
    if arguments.given.get("hold_s") is not None:
        host.wsl.hold(distro, arguments.number("hold_s"))
    after = _await(host, lambda names: distro in names, f"{distro} was started and does not run")
    return {"before": {"running": before}, "after": {"running": after}, "warnings": list(warnings)}


def hold(host: Host, arguments: Arguments) -> dict[str, object]:
    """Keep a running distro up for `seconds`; returns when that is over, or WSL was shut down before.

    The caller looks first whether it runs: a client of wsl.exe would start it.
    """
    host.wsl.keep(arguments.text("distro"), arguments.number("seconds"))
    return {}


def _running(host: Host) -> list[str]:
    return [each.name for each in host.wsl.distros() if each.state == "Running"]


def _await(host: Host, is_reached: Callable[[list[str]], bool], otherwise: str) -> list[str]:
    deadline = time.monotonic() + _SETTLE_S
    while True:
        names = _running(host)
        if is_reached(names):
            return names
        if time.monotonic() > deadline:
            raise WindowsAgentError("failed", otherwise)
        time.sleep(_POLL_S)
