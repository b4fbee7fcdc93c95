"""The constrained endpoint of this very machine: used where a probe at its installation has passed, else not.

Windows keeps WinRM over loopback for administrators (windows-facts 5 and 11), so nothing is tried here that
no probe has shown to work. What an address means for another machine is not judged: there Windows decides.
"""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import replace
from typing import TYPE_CHECKING

from wslnet.errors import Unsupported, WslnetError
from wslnet.model.change import Op
from wslnet.model.families import IPV4
from wslnet.model.machine import Kind, Machine
from wslnet.transport.local_native import LocalNative, find_powershell
from wslnet.transport.windows_session import WindowsSession
from wslnet_win_agent.boot.call_files import is_owners
from wslnet_win_agent.endpoint.local_use import PASSED
from wslnet_win_agent.endpoint.offer import CONFIGURATION
from wslnet_win_agent.errors import WindowsAgentError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wslnet_win_agent.native import NativeResult

_LOOPBACK = "127.0.0.1"
_VERDICT_S = 30.0


class OwnPrograms(LocalNative):
    """WSL's program as the user of this process; the rest is for administrators, as through any endpoint."""

    def run(
        self, argv: Sequence[str], *, timeout_s: float, stdin: bytes = b"", changes: bool = False
    ) -> NativeResult:
        """As `NativeRunner.run`.

        Raises:
            WindowsAgentError: `not-permitted`: another program.
        """
        _demand_owners(argv)
        return super().run(argv, timeout_s=timeout_s, stdin=stdin, changes=changes)

    def hold(self, argv: Sequence[str]) -> None:
        """As `NativeRunner.hold`; raises as `run` does."""
        _demand_owners(argv)
        super().hold(argv)


def is_own(machine: Machine) -> bool:
    """Whether an entry means the constrained endpoint of the machine that this runs on.

    It has no address, or one of this machine's own, and this is Windows or a WSL that shares its addresses.
    """
    if machine.configuration is None or machine.configuration.casefold() != CONFIGURATION:
        return False
    if machine.address is None:
        return True
    return machine.proxy is None and _is_ours(machine.address) and find_powershell() is not None


def demand_passed(machine: Machine, plain: WindowsSession) -> None:
    """Let an entry of which `is_own` is true pass; `plain` is a session without the endpoint, and is closed.

    Raises:
        Unsupported: no probe has passed.
        Unreachable: this machine's PowerShell does not answer.
    """
    said, why = _verdict(plain)
    if said != PASSED:
        raise Unsupported(
            f"{machine.name}: the endpoint is not used on its own machine: {why}; use it from another one, "
            "or here without `configuration`, in an elevated terminal for changes",
            machine=machine.name,
            hint="`wslnet endpoint install` by an administrator probes it",
        )


def by_own_token(machine: Machine) -> WindowsSession:
    """Give a session over loopback as the user of this process, whom Windows' own sign-in vouches for."""
    from wslnet.transport.winrm import WinrmBridge  # noqa: PLC0415 - loads pypsrp
    from wslnet.transport.winrm_endpoint import own_user_of  # noqa: PLC0415 - as above

    endpoint = own_user_of(over_loopback(machine))
    return WindowsSession(machine.name, WinrmBridge(endpoint), OwnPrograms(machine.name))


def over_loopback(machine: Machine) -> Machine:
    """The entry with an address."""
    return replace(machine, address=machine.address or _LOOPBACK)


def probe_own(deadline_s: float) -> None:
    """Open one session on the endpoint over loopback, with this process's own rights, and read once.

    Raises:
        WslnetError: what stood in the way.
    """
    session = by_own_token(Machine("windows", Kind.WINDOWS, configuration=CONFIGURATION))
    try:
        (found,) = session.execute([Op("facts", {"needs": ["elevated"]})], deadline_s=deadline_s)
    finally:
        session.close()
    if not found.ok or found.value != {"elevated": True}:
        raise WslnetError(f"a session opened and could not read: {found.message or found.value}")


def _demand_owners(argv: Sequence[str]) -> None:
    if not is_owners(argv):
        raise WindowsAgentError("not-permitted", f"{argv[0]} runs for administrators only")


def _verdict(plain: WindowsSession) -> tuple[str, str]:
    try:
        (found,) = plain.execute([Op("facts", {"needs": ["endpoint_local"]})], deadline_s=_VERDICT_S)
    finally:
        plain.close()
    fact = found.value.get("endpoint_local") if isinstance(found.value, dict) else None
    if not isinstance(fact, dict):
        return "", f"its verdict cannot be read: {found.message}"
    return str(fact.get("verdict")), str(fact.get("why"))


def _is_ours(address: str) -> bool:
    """Whether an address leads back to this machine; nobody is asked for a name."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address.rstrip(".").casefold() in {"localhost", socket.gethostname().casefold()}
    family = socket.AF_INET if parsed.version == IPV4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((str(parsed), 0))
    except OSError:
        return False
    return True
