"""The ways to a Windows host: over WinRM to its address, or, without one, on this very machine.

Decided here once, for PowerShell and native programs alike; everything above sees a `WindowsSession`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from wslnet.errors import InputError, Unsupported
from wslnet.model.plan import plan_id
from wslnet.transport.own_endpoint import by_own_token, demand_passed, is_own, over_loopback
from wslnet.transport.secrets import password_of
from wslnet.transport.windows_session import WindowsSession
from wslnet_win_agent.facts.session import user_sid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wslnet.model.machine import Machine
    from wslnet.transport.elevated_session import ElevatedSession


def session_of(machine: Machine) -> WindowsSession:
    """Give a session with the Windows host that an entry of the inventory describes.

    Raises:
        InputError: the entry does not say enough to sign in, or contradicts itself.
        Unsupported: it must be this machine, and this is no Windows; or it is this machine's own constrained
            endpoint, of which no probe has shown that it may be used here.
    """
    if is_own(machine):
        demand_passed(machine, here(replace(machine, address=None, configuration=None)))
        if machine.user is None and machine.client_certificate is None:
            return by_own_token(machine)
        return remote(over_loopback(machine), password_of(machine))
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


def elevated(machine: Machine, own: WindowsSession, plan: Mapping[str, object]) -> ElevatedSession:
    """Give a session of which what needs it is done by an elevated child, for one plan's document.

    Raises:
        NeedsElevation: the prompt was declined, or the child refuses the plan.
    """
    from wslnet.transport.elevated_session import ElevatedSession  # noqa: PLC0415 - few runs need it
    from wslnet.transport.elevated_way import PROMPT_S, start_elevated  # noqa: PLC0415 - as above
    from wslnet.transport.local_native import LocalNative  # noqa: PLC0415 - as above

    owner = user_sid(LocalNative(machine.name))
    session = ElevatedSession(machine.name, own, start_elevated(machine.name, plan_id(plan), owner))
    try:
        session.open(plan, PROMPT_S)
    except BaseException:
        session.end()
        raise
    return session


def remote(machine: Machine, password: str | None) -> WindowsSession:
    """Give a session over WinRM; see `session_of`."""
    from wslnet.transport.owners_programs import OwnersPrograms  # noqa: PLC0415 - as below
    from wslnet.transport.task_programs import TaskPrograms  # noqa: PLC0415 - as below
    from wslnet.transport.winrm import WinrmBridge  # noqa: PLC0415 - loads pypsrp
    from wslnet.transport.winrm_endpoint import endpoint_of  # noqa: PLC0415 - as above
    from wslnet.transport.winrs import WinrsRunner  # noqa: PLC0415 - loads pywinrm

    endpoint = endpoint_of(machine, password)
    bridge = WinrmBridge(endpoint)
    programs = OwnersPrograms(machine.name, WinrsRunner(endpoint), TaskPrograms(machine.name, bridge))
    return WindowsSession(machine.name, bridge, programs)
