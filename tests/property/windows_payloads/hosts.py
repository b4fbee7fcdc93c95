"""Hostile Windows in this process: the lab's own, with what it says damaged on the way. No network, no child.

`Sent` keeps what reached the Windows, so that a test can say that nothing else did.
"""

from __future__ import annotations

import queue
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pypsrp.exceptions import WinRMTransportError

from wslnet.errors import DeadlineExceeded, Unreachable
from wslnet.transport.local_bridge import LocalBridge
from wslnet.transport.local_session import LocalSession, Patience
from wslnet.transport.pipe import left
from wslnet.transport.psrp_limits import demand_plain_xml
from wslnet.transport.windows_session import WindowsSession
from wslnet.transport.winrm import WinrmBridge
from wslnet.transport.winrm_endpoint import WinrmEndpoint
from wslnet_lab.host.contract import Identity, Outcome, Session
from wslnet_lab.host.local_session import KeptLog
from wslnet_lab.host.wire import soap
from wslnet_lab.host.wire.child_session import ChildSession
from wslnet_lab.host.wire.runspaces import Runspaces
from wslnet_lab.host.wire.service import DropConnectionError, Service
from wslnet_lab.host.wire.settings import Settings
from wslnet_win_agent.native import NativeResult

if TYPE_CHECKING:
    from wslnet_lab.host.contract import Engine, Sink, Statement

    from .mutate import Mutator

OWNER = Identity("owner", "S-1-5-21-1004336348-1177238915-682003330-1001")
SETTINGS = Settings(operation_timeout_s=0.05, first_call_delay_s=0.0)


@dataclass
class Sent:
    """An engine that notes what it is told before it does it."""

    engine: Engine
    names: list[str] = field(default_factory=list)

    def run(self, statements: tuple[Statement, ...], session: Session, sink: Sink) -> Outcome:
        self.names += [one.name for statement in statements for one in statement]
        return self.engine.run(statements, session, sink)


class NoPrograms:
    """No native program is ever there."""

    def run(self, *_: Any, **__: Any) -> NativeResult:
        return NativeResult(1, b"", b"")

    def hold(self, *_: Any) -> None:
        """Nothing to hold."""

    def close(self) -> None:
        """Nothing is open."""


class WinrmHost(WinrmBridge):
    """The bridge to a WinRM in this process; `mutator` damages its answers after they were unsealed."""

    def __init__(self, sent: Sent, mutator: Mutator) -> None:
        super().__init__(WinrmEndpoint("windows", "127.0.0.1", "owner", "secret"))
        self._service = Service(sent, NoPrograms(), KeptLog(), lambda: SETTINGS)  # type: ignore[arg-type]
        self._mutator = mutator

    def end(self) -> None:
        self._service.close()

    def _new_pool(self) -> Any:
        pool = super()._new_pool()
        # The seam below the limits: what the transport would give after unsealing.
        pool.connection.transport._send_request = self._answered
        pool.connection.transport.wrap_required = False
        return pool

    def _answered(self, request: Any, **_: Any) -> bytes:
        body = request.body if isinstance(request.body, bytes) else request.body.encode()
        try:
            is_fault, envelope = self._service.answer(soap.parse(body), OWNER)
        except DropConnectionError:
            raise AssertionError from None
        text = self._mutator.envelope(envelope.encode())
        shown = text.decode("utf-8", "replace")
        demand_plain_xml(shown if is_fault else text)
        if is_fault:
            raise WinRMTransportError("http", 500, shown)
        return text


class ChildHost:
    """A `ChildPipe` whose child is the lab's session in this process."""

    alive = True

    def __init__(self, sent: Sent, mutator: Mutator) -> None:
        self._came: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._mutator = mutator

        def pool() -> Runspaces:
            return Runspaces(Session(OWNER), sent, KeptLog(), SETTINGS)

        self._session = ChildSession(pool, lambda: SETTINGS, self)  # type: ignore[arg-type]

    def say(self, stdout: bytes, _stderr: bytes) -> None:
        """What the child writes."""
        if stdout:
            self._came.put(self._mutator.line(stdout))

    def send(self, data: bytes, _deadline: float) -> None:
        for line in data.splitlines():
            self._session._take(line)

    def recv(self, deadline: float) -> bytes:
        try:
            return self._came.get(timeout=max(left(deadline), 0.001))
        except queue.Empty:
            raise DeadlineExceeded("windows: powershell.exe gave no answer in time") from None

    def ended_early(self) -> Unreachable:
        return Unreachable("windows: powershell.exe ended")

    def close(self, _grace_s: float = 0.0) -> None:
        self._session._runspaces.close()


class ChildBridge(LocalBridge):
    """The local bridge to such a child."""

    def __init__(self, sent: Sent, mutator: Mutator) -> None:
        super().__init__("windows", ("powershell.exe",))
        self._made = (sent, mutator)

    def _opened(self, deadline: float) -> LocalSession:
        if self._session is not None and self._session.alive:
            return self._session
        patience = Patience(open_s=0.3, acknowledge_s=0.3, stop_s=0.05)
        session = LocalSession("windows", ChildHost(*self._made), patience)  # type: ignore[arg-type]
        try:
            session.open(deadline)
        except BaseException:
            session.close()
            raise
        self._session = session
        return session


def session_over(bridge: Any) -> WindowsSession:
    return WindowsSession("windows", bridge, NoPrograms())
