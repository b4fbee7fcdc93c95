"""The `winrm` bridge: typed calls as PSRP pipelines over WSMan, by pypsrp.

One connection, one thread at a time. It keeps deadlines, comes back after idleness or a lost shell, and
never sends a write a second time: one whose answer was lost is `DeliveryUnknown`, and its op reads back.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.wsman import NAMESPACES, WSMan, WSManAction, _TransportHTTP

from wslnet.errors import DeadlineExceeded
from wslnet.transport.library_logs import mute
from wslnet.transport.winrm_endpoint import DEFAULT_CONFIGURATION
from wslnet.transport.winrm_errors import Breakdown, BrokenError, explain
from wslnet.transport.winrm_limits import begin_call, limit_pool, limit_wsman
from wslnet.transport.winrm_values import fill, reply_of
from wslnet_win_agent.bridge import Bridge, Reply
from wslnet_win_agent.endpoint.spelling import is_constrained, probe, spelled
from wslnet_win_agent.errors import DeliveryUnknown
from wslnet_win_agent.send import Batch

if TYPE_CHECKING:
    from collections.abc import Sequence
    from xml.etree.ElementTree import Element

    from wslnet.transport.winrm_endpoint import WinrmEndpoint

RUNSPACES = 4
SHELL_IDLE_S = 60
"""A crashed controller leaves its shell for this long; Windows allows 30 per user (windows-facts 5)."""

FRESH_FOR_S = 60.0
"""After this much idleness Windows may have dropped the connection and its encryption context with it."""

_OPERATION_TIMEOUT_S = 20
_STOP_TIMEOUT_S = 3
_TURN_S = 1.0
_ATTEMPTS = 2
_RUNNING_STATES = frozenset({0, 1, 2})


class OneTryWsman(WSMan):  # type: ignore[misc]  # pypsrp is untyped here
    """pypsrp's client without its own repeats: six read timeouts in a row would outlive any deadline."""

    def receive(self, resource_uri: str, resource: Element, **options: object) -> Element:
        """Ask once for output; pypsrp sends the same request up to six times."""
        answer = self.invoke(WSManAction.RECEIVE, resource_uri, resource, **options)
        body: Element = answer.find("s:Body", namespaces=NAMESPACES)
        return body


class WinrmBridge(Bridge):
    """A bridge to one WinRM endpoint; opened by its first call."""

    def __init__(self, endpoint: WinrmEndpoint) -> None:
        mute("pypsrp", "spnego")
        self._endpoint = endpoint
        self._pool: RunspacePool | None = None
        self._used_at = 0.0
        self._constrained = False

    def deliver(self, batch: Batch, *, deadline_s: float) -> Reply:
        """Carry one batch as one pipeline.

        Raises:
            Unreachable: no connection, refused sign-in, or no answer in time (for reads).
            DeliveryUnknown: a write was handed over and its outcome is not known.
        """
        (reply,) = self._carry((batch,), deadline_s)
        if reply is None:
            one = self._endpoint
            text = f"{one.machine}: Windows ({one.place}) does not answer in time"
            if batch.writes:
                raise DeliveryUnknown(text)
            raise DeadlineExceeded(text, machine=one.machine)
        return reply

    def deliver_each(self, batches: Sequence[Batch], *, deadline_s: float) -> tuple[Reply, ...]:
        """Carry several reads side by side; one that does not end in time is `Stopped`."""
        replies = self._carry(batches, deadline_s)
        return tuple(Reply(state="Stopped") if each is None else each for each in replies)

    def _carry(self, batches: Sequence[Batch], deadline_s: float) -> tuple[Reply | None, ...]:
        """Carry batches, a second time where that cannot do a thing twice; None for what was too late."""
        deadline = time.monotonic() + deadline_s
        writes = any(each.writes for each in batches)
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return self._attempt(batches, deadline)
            except BrokenError as broken:
                found = broken.breakdown
                self._drop(session_lost=found.session_lost)
                if writes and found.may_have_run:
                    raise DeliveryUnknown(found.error.message) from found.error
                if not found.again or attempt == _ATTEMPTS or time.monotonic() >= deadline:
                    raise found.error from broken
        raise AssertionError  # the last attempt returns or raises

    def close(self) -> None:
        """Delete the shell; a host that is gone keeps it until it is idle for SHELL_IDLE_S."""
        pool, self._pool = self._pool, None
        if pool is None:
            return
        # Whatever the libraries raise here, the session is over.
        with suppress(Exception):
            self._limit(pool, _STOP_TIMEOUT_S)
            self._refresh(pool)
            pool.close()
        pool.connection.transport.close()

    def _attempt(self, batches: Sequence[Batch], deadline: float) -> tuple[Reply | None, ...]:
        pool = self._open_pool(deadline)
        begin_call(pool)
        pipelines = [self._begin(pool, each, deadline) for each in batches]
        replies = self._finish(pipelines, deadline)
        self._used_at = time.monotonic()
        return replies

    def _open_pool(self, deadline: float) -> RunspacePool:
        if self._pool is not None:
            self._refresh(self._pool)
            return self._pool
        pool = self._new_pool()
        try:
            self._limit(pool, deadline - time.monotonic())
            pool.open()
        except Exception as error:
            pool.connection.transport.close()
            breakdown = explain(error, self._endpoint)
            # Nothing has run yet, and what refuses a new session refuses it again.
            raise BrokenError(Breakdown(breakdown.error, may_have_run=False)) from error
        self._pool, self._used_at = pool, time.monotonic()
        if self._endpoint.configuration != DEFAULT_CONFIGURATION:
            self._constrained = self._offers_functions(pool, deadline)
        return pool

    def _offers_functions(self, pool: RunspacePool, deadline: float) -> bool:
        """Ask a configuration that is not Windows' own whether it is our endpoint (jea-facts A19).

        A full session under another name has the cmdlet too, or no function of ours: it gets cmdlets.
        """
        self._constrained = False
        (reply,) = self._finish([self._begin(pool, Batch([probe()]), deadline)], deadline)
        names = {row.get("Name") for row in reply.outputs} if reply is not None else set()
        return is_constrained(names)

    def _new_pool(self) -> RunspacePool:
        one = self._endpoint
        connection = OneTryWsman(
            one.host,
            port=one.port,
            username=one.user or None,
            password=one.password or None,
            ssl=one.tls,
            auth=one.auth,
            encryption="auto",
            # Without a certificate of its own the machine's store decides; it is never left out.
            cert_validation=one.certificate or True,
            certificate_pem=one.client_certificate,
            certificate_key_pem=one.client_certificate,
            operation_timeout=_OPERATION_TIMEOUT_S,
            reconnection_backoff=0.0,
            proxy=one.proxy,
            # Without this HTTP_PROXY is honoured even for 127.0.0.1.
            no_proxy=one.proxy is None,
        )
        limit_wsman(connection)
        pool = RunspacePool(
            connection,
            configuration_name=one.configuration,
            max_runspaces=RUNSPACES,
            idle_timeout=SHELL_IDLE_S,
        )
        limit_pool(pool)
        return pool

    def _begin(self, pool: RunspacePool, batch: Batch, deadline: float) -> PowerShell:
        self._limit(pool, deadline - time.monotonic())
        statements = tuple(map(spelled, batch.statements)) if self._constrained else batch.statements
        try:
            pipeline = PowerShell(pool)
            # What may be said depends on the version that the other side gave, which may be no version.
            fill(pipeline, statements)
            pipeline.begin_invoke()
        except Exception as error:
            raise BrokenError(explain(error, self._endpoint)) from error
        return pipeline

    def _finish(self, pipelines: Sequence[PowerShell], deadline: float) -> tuple[Reply | None, ...]:
        """Collect all outcomes in turns, so that a slow pipeline does not hide that others are done."""
        begun = time.monotonic()
        replies: dict[int, Reply] = {}
        pending = dict(enumerate(pipelines))
        while pending:
            left = deadline - time.monotonic()
            for position, pipeline in list(pending.items()):
                self._poll(pipeline, left if len(pending) == 1 else min(left, _TURN_S))
                if pipeline.state not in _RUNNING_STATES:
                    replies[position] = self._reply(pipeline, time.monotonic() - begun)
                    del pending[position]
            if time.monotonic() >= deadline:
                break
        for pipeline in pending.values():
            self._stop(pipeline)
        return tuple(replies.get(position) for position in range(len(pipelines)))

    def _reply(self, pipeline: PowerShell, elapsed_s: float) -> Reply:
        try:
            return reply_of(pipeline, elapsed_s=elapsed_s)
        except Exception as error:
            # An object that holds itself, a record that is none: the outcome is not known.
            found = explain(error, self._endpoint)
            raise BrokenError(replace(found, may_have_run=True, session_lost=True)) from error

    def _poll(self, pipeline: PowerShell, patience_s: float) -> None:
        try:
            pipeline.poll_invoke(timeout=self._limit(pipeline.runspace_pool, patience_s))
        except Exception as error:
            found = explain(error, self._endpoint)
            # The pipeline had begun: whatever the fault says, its work may be done.
            raise BrokenError(replace(found, may_have_run=True, session_lost=True)) from error

    def _stop(self, pipeline: PowerShell) -> None:
        """Ask Windows to stop a pipeline that is too late; a session that cannot be asked is given up."""
        try:
            self._limit(pipeline.runspace_pool, _STOP_TIMEOUT_S)
            pipeline.stop()
        except Exception:  # noqa: BLE001 - being late is what is reported, not why stopping failed
            self._drop(session_lost=True)

    def _limit(self, pool: RunspacePool, left: float) -> int:
        """Bound the next request by what is left of the deadline; gives the operation timeout in seconds."""
        seconds = max(1, min(_OPERATION_TIMEOUT_S, int(left)))
        transport = pool.connection.transport
        pool.connection.operation_timeout = seconds
        transport.connection_timeout = seconds
        transport.read_timeout = seconds + 2
        return seconds

    def _refresh(self, pool: RunspacePool) -> None:
        """New connection to the same shell after idleness: the old one's encryption died with it."""
        if time.monotonic() - self._used_at > FRESH_FOR_S:
            reset_connection(pool.connection.transport)

    def _drop(self, *, session_lost: bool) -> None:
        pool = self._pool
        if pool is None:
            return
        reset_connection(pool.connection.transport)
        if session_lost:
            self._pool = None


def reset_connection(transport: _TransportHTTP) -> None:
    """Make a pypsrp transport sign in anew on its next request (windows-facts 7, idle death)."""
    transport.encryption = None
    transport.close()
    transport.session = None
