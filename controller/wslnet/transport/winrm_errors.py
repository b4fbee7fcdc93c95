"""What the WinRM libraries raise, as one clear error of ours; and what may be tried again.

The same words for pypsrp and pywinrm. It decides from codes and classes, never from localised text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import requests

from wslnet.errors import AuthenticationFailed, DeadlineExceeded, NeedsElevation, Unreachable, WslnetError
from wslnet.transport.agent_text import clean_line
from wslnet.transport.psrp_limits import LimitError

if TYPE_CHECKING:
    from wslnet.transport.winrm_endpoint import WinrmEndpoint

OPERATION_TIMEOUT = 2150858793
SHELL_GONE = 2150858843
UNKNOWN_CONFIGURATION = 2150858779
ACCESS_DENIED = 5
_LONGEST = 300
_QUOTA = frozenset({2150859173, 2150859174, 2150859175})


@dataclass(frozen=True, slots=True)
class Breakdown:
    """A call that the transport did not carry through.

    Attributes:
        error: what to raise when it is not tried again.
        may_have_run: the request was handed over and no answer says that it was not carried out.
        session_lost: the shell on the Windows side is gone; else only the connection is.
        again: a new attempt can succeed.
    """

    error: WslnetError
    may_have_run: bool
    session_lost: bool = False
    again: bool = False


class BrokenError(Exception):
    """A breakdown on its way to where it is decided what follows."""

    def __init__(self, breakdown: Breakdown) -> None:
        super().__init__(str(breakdown.error))
        self.breakdown = breakdown


def explain(error: Exception, endpoint: WinrmEndpoint) -> Breakdown:
    """Give the meaning of an exception of pypsrp, pywinrm, requests or spnego."""
    name = endpoint.machine
    code = _status(error)
    if code == "401" or type(error).__name__ in ("AuthenticationError", "InvalidCredentialsError"):
        text = f"{name}: WinRM on {endpoint.place} refuses {endpoint.who} (401): wrong user or password"
        return Breakdown(AuthenticationFailed(text, machine=name), may_have_run=False, again=True)
    fault = _fault_code(error)
    if fault is not None:
        return _fault(fault, error, endpoint)
    if isinstance(error, requests.ConnectTimeout):
        text = f"{name}: WinRM on {endpoint.place} does not answer in time"
        return Breakdown(DeadlineExceeded(text, machine=name), may_have_run=False)
    if isinstance(error, requests.ReadTimeout):
        text = f"{name}: WinRM on {endpoint.place} took a request and does not answer in time"
        return Breakdown(DeadlineExceeded(text, machine=name), may_have_run=True)
    if isinstance(error, requests.ConnectionError):
        return _connection(error, endpoint)
    text = f"{name}: WinRM on {endpoint.place}: {_line(error)}"
    # Who sends what no honest Windows sends would send it again.
    again = not isinstance(error, LimitError)
    return Breakdown(Unreachable(text, machine=name), may_have_run=True, again=again)


def _fault(code: int, error: Exception, endpoint: WinrmEndpoint) -> Breakdown:
    name = endpoint.machine
    if code == SHELL_GONE:
        text = f"{name}: the remote shell on {endpoint.place} is gone"
        # Said at once when a command arrives; a command that had begun is lost with its shell.
        return Breakdown(Unreachable(text, machine=name), may_have_run=False, session_lost=True, again=True)
    if code == UNKNOWN_CONFIGURATION:
        text = f"{name}: there is no session configuration {endpoint.configuration} on {endpoint.place}"
        return Breakdown(Unreachable(text, machine=name), may_have_run=False)
    if code == ACCESS_DENIED:
        text = f"{name}: {endpoint.who} may not open a remote shell on {endpoint.place}"
        return Breakdown(NeedsElevation(text, machine=name), may_have_run=False)
    if code in _QUOTA:
        text = f"{name}: WinRM on {endpoint.place} has no room for another shell (quota); try again later"
        return Breakdown(Unreachable(text, machine=name), may_have_run=False)
    if code == OPERATION_TIMEOUT:
        text = f"{name}: WinRM on {endpoint.place} does not answer in time"
        return Breakdown(DeadlineExceeded(text, machine=name), may_have_run=True)
    text = f"{name}: WinRM on {endpoint.place}: fault {code}: {_line(error)}"
    return Breakdown(Unreachable(text, machine=name), may_have_run=True)


def _connection(error: Exception, endpoint: WinrmEndpoint) -> Breakdown:
    """Refused or unresolved before anything was sent, or broken in the middle."""
    chain = " ".join(type(each).__name__ for each in _causes(error))
    name = endpoint.machine
    if "NewConnectionError" in chain or "NameResolutionError" in chain or "ProxyError" in chain:
        text = f"{name}: nothing answers as WinRM on {endpoint.place}: {_reason(error)}"
        return Breakdown(Unreachable(text, machine=name), may_have_run=False)
    text = f"{name}: the connection to WinRM on {endpoint.place} broke"
    return Breakdown(Unreachable(text, machine=name), may_have_run=True, again=True)


def _causes(error: BaseException) -> list[BaseException]:
    """The error and what is inside it: requests and urllib3 keep causes in arguments and `reason`."""
    found: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting:
        each = waiting.pop()
        if isinstance(each, BaseException) and each not in found:
            found.append(each)
            inner = (getattr(each, "reason", None), getattr(each, "socket_err", None), each.__cause__)
            waiting.extend([*each.args, *inner, each.__context__])
    return found


def _reason(error: Exception) -> str:
    """The words of the operating system, if one is in it."""
    for each in _causes(error):
        if isinstance(each, OSError) and each.strerror:
            return each.strerror
    return _line(_causes(error)[-1])


def _status(error: Exception) -> str:
    return str(getattr(error, "code", "")) if type(error).__name__ == "WinRMTransportError" else ""


def _fault_code(error: Exception) -> int | None:
    """The WSMan code: pypsrp's is `code`, pywinrm's `wsman_fault_code` beside the HTTP status."""
    if type(error).__name__ == "WinRMOperationTimeoutError":
        return OPERATION_TIMEOUT
    if type(error).__name__ != "WSManFaultError":
        return None
    code = getattr(error, "wsman_fault_code", getattr(error, "code", None))
    return code if isinstance(code, int) else -1


def _line(error: BaseException) -> str:
    return clean_line(" ".join(str(error).split())[:_LONGEST]) or type(error).__name__
