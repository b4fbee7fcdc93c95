"""The ways to a Windows host: over WinRM to its address, or, without one, on this very machine.

Decided here once, for PowerShell and native programs alike; everything above sees a `WindowsSession`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.errors import InputError, Unsupported
from wslnet.transport.secrets import password_of
from wslnet.transport.windows_session import WindowsSession

if TYPE_CHECKING:
    from wslnet.model.machine import Machine


def session_of(machine: Machine) -> WindowsSession:
    """Give a session with the Windows host that an entry of the inventory describes.

    Raises:
        InputError: the entry does not say enough to sign in, or contradicts itself.
        Unsupported: it must be this machine, and this is no Windows.
    """
    return here(machine) if is_here(machine) else remote(machine, password_of(machine))


def is_here(machine: Machine) -> bool:
    """Whether an entry means this very machine: it has no address."""
    return machine.address is None


def here(machine: Machine) -> WindowsSession:
    """Give a session with this machine; see `session_of`."""
    from wslnet.transport.local_bridge import LocalBridge  # noqa: PLC0415 - loads psrpcore
    from wslnet.transport.local_native import LocalNative, find_powershell  # noqa: PLC0415 - as above

    if machine.configuration is not None:
        # Windows PowerShell 5.1 has no restricted sessions without WinRM (psrp-facts 4).
        raise InputError(f"machines.{machine.name}: a configuration needs an address", machine=machine.name)
    powershell = find_powershell()
    if powershell is None:
        raise Unsupported(
            f"machines.{machine.name} has no address, so it is this machine, and here is no powershell.exe",
            machine=machine.name,
            hint="give it an address, or run wslnet on Windows",
        )
    return WindowsSession(machine.name, LocalBridge(machine.name, (powershell,)), LocalNative(machine.name))


def remote(machine: Machine, password: str | None) -> WindowsSession:
    """Give a session over WinRM; see `session_of`."""
    from wslnet.transport.winrm import WinrmBridge  # noqa: PLC0415 - loads pypsrp
    from wslnet.transport.winrm_endpoint import endpoint_of  # noqa: PLC0415 - as above
    from wslnet.transport.winrs import WinrsRunner  # noqa: PLC0415 - loads pywinrm

    endpoint = endpoint_of(machine, password)
    return WindowsSession(machine.name, WinrmBridge(endpoint), WinrsRunner(endpoint))
