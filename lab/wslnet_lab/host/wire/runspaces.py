"""A runspace pool and its pipelines, whatever carries the fragments (psrp-facts 3).

It knows fragments, queues and threads, neither WS-Management nor a child's stdin.
"""

from __future__ import annotations

import struct
import threading
from collections import deque
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import psrpcore

from wslnet_lab.host.wire import decode, fragments, psrp_fixes
from wslnet_lab.host.wire.encode import Encoder
from wslnet_lab.host.wire.fragments import MessageType
from wslnet_lab.host.wire.gathering import Gatherer
from wslnet_lab.host.wire.outbox import Chunk, Outbox
from wslnet_lab.host.wire.pipeline import Pipeline
from wslnet_lab.host.wire.psrp_fixes import EngineLikePool

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from wslnet_lab.host.contract import CallLog, Engine, Session
    from wslnet_lab.host.wire.settings import Settings

_BAD_MESSAGE = (
    psrpcore.PSRPCoreError,
    ET.ParseError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    RecursionError,
    struct.error,
)
"""What psrpcore raises for fragments, CLIXML or objects that are not what they should be."""


class MessageError(ValueError):
    """Bytes that are no message of a client."""


class Runspaces:
    """One pool; at most `max_runspaces` of its pipelines run at a time, the others wait their turn."""

    def __init__(self, session: Session, engine: Engine, log: CallLog, settings: Settings) -> None:
        """Takes who the session is and what runs its commands."""
        self.outbox = Outbox()
        self._session = session
        self._engine = engine
        self._log = log
        self._settings = settings
        self._lock = threading.RLock()
        self._next_object = 1
        self._pipelines: dict[UUID, Pipeline] = {}
        self._pieces: dict[UUID | None, Gatherer] = {}
        self._queue: deque[Pipeline] = deque()
        self._running = 0
        self._delay_s = settings.first_call_delay_s
        self._pool = EngineLikePool(self._send_pool, settings.build)

    def add(self, pipeline_id: UUID, settings: Settings) -> None:
        """Makes room for a pipeline whose fragments come next; raises MessageError for an id in use."""
        with self._lock:
            self._settings = settings
            if pipeline_id in self._pipelines:
                raise MessageError(f"pipeline {pipeline_id} exists")
            psrpcore.ServerPipeline(self._pool, pipeline_id)
            encoder = Encoder(settings.host_name, settings.friendly, self._session.identity.user)
            self._pipelines[pipeline_id] = Pipeline(pipeline_id, self._pack, encoder)

    @property
    def empty(self) -> bool:
        """Whether all its pipelines were removed."""
        with self._lock:
            return not self._pipelines

    def tell_state(self, state: int) -> None:
        """Puts a RunspacePoolState message into the pool's outbox."""
        self._send_pool(
            MessageType.RUNSPACE_POOL_STATE, psrp_fixes.pool_state(state), self._pool.runspace_pool_id
        )

    def find(self, pipeline_id: UUID) -> Pipeline | None:
        """A pipeline that was added and not removed."""
        with self._lock:
            return self._pipelines.get(pipeline_id)

    def remove(self, pipeline: Pipeline) -> None:
        """Forgets a pipeline; nobody hears of it any more."""
        with self._lock:
            self._pipelines.pop(pipeline.pipeline_id, None)
            self._pieces.pop(pipeline.pipeline_id, None)
            self._pool.pipeline_table.pop(pipeline.pipeline_id, None)
        pipeline.outbox.discard()

    def close(self) -> None:
        """Stops all pipelines; nobody hears of their end."""
        with self._lock:
            pipelines = list(self._pipelines.values())
        for pipeline in pipelines:
            pipeline.request_stop()
            self.remove(pipeline)
        self.outbox.discard()

    def feed(self, data: bytes, pipeline_id: UUID | None) -> None:
        """Gives fragments, or pieces of them, to psrpcore and acts on what they make complete.

        Raises MessageError for bytes that are no message of a client.
        """
        with self._lock:
            try:
                whole = self._pieces.setdefault(pipeline_id, Gatherer()).take(data)
                self._pool.receive_data(psrpcore.PSRPPayload(whole, psrpcore.StreamType.default, pipeline_id))
                while (event := self._pool.next_event()) is not None:
                    self._handle(event)
            except _BAD_MESSAGE as error:
                raise MessageError(str(error)) from error

    def _handle(self, event: object) -> None:
        match event:
            case psrpcore.CreatePipelineEvent():
                pipeline = self._pipelines[event.pipeline_id]
                pipeline.statements = decode.statements_of(
                    event.pipeline.commands, errors_end_it=not event.pipeline.redirect_shell_error_to_out
                )
                if event.pipeline.no_input:
                    self._enqueue(pipeline)
            case psrpcore.GetCommandMetadataEvent():
                pipeline = self._pipelines[event.pipeline_id]
                wanted = event.pipeline
                pipeline.statements = decode.metadata_statements(wanted.name, int(wanted.command_type))
                self._enqueue(pipeline)
            case psrpcore.PipelineInputEvent():
                self._pipelines[event.pipeline_id].input.append(decode.value_of(event.data))
            case psrpcore.EndOfPipelineInputEvent():
                self._enqueue(self._pipelines[event.pipeline_id])
            case psrpcore.GetAvailableRunspacesEvent():
                free = max(self._pool.max_runspaces - self._running, 0)
                self._pool.runspace_availability_response(event.ci, free)
            case psrpcore.SetMaxRunspacesEvent() | psrpcore.SetMinRunspacesEvent():
                self._pool.runspace_availability_response(event.ci, True)  # noqa: FBT003 - psrpcore's own signature
                self._start_waiting()
            case psrpcore.ResetRunspaceStateEvent():
                self._pool.runspace_availability_response(event.ci, self._pool.max_runspaces == 1)

    # ---- running

    def _enqueue(self, pipeline: Pipeline) -> None:
        self._queue.append(pipeline)
        self._start_waiting()

    def _start_waiting(self) -> None:
        """Starts queued pipelines while there is a free runspace."""
        with self._lock:
            while self._queue and self._running < self._pool.max_runspaces:
                pipeline = self._queue.popleft()
                if pipeline.stopping():
                    continue
                pipeline.started = True
                self._running += 1
                delay, self._delay_s = self._delay_s, 0.0
                threading.Thread(
                    target=self._run,
                    args=(pipeline, delay),
                    name=f"pipeline-{pipeline.pipeline_id}",
                    daemon=True,
                ).start()

    def _run(self, pipeline: Pipeline, delay_s: float) -> None:
        try:
            pipeline.run(self._engine, self._session, self._log, delay_s)
        finally:
            with self._lock:
                self._running -= 1
            self._start_waiting()

    # ---- sending

    def _pack(self, kind: MessageType, body: str, pipeline_id: UUID | None) -> Iterable[Chunk]:
        message = fragments.pack_message(kind, body, self._pool.runspace_pool_id, pipeline_id)
        return self._number(message, apart=False)

    def _number(self, message: bytes, *, apart: bool) -> list[Chunk]:
        """The message's fragments; object ids run over the whole pool (psrp-facts 2)."""
        with self._lock:
            number, self._next_object = self._next_object, self._next_object + 1
        pieces = fragments.split_message(message, number, self._settings.fragment_size)
        return [Chunk("stdout", piece, apart and at == 0) for at, piece in enumerate(pieces)]

    def _send_pool(self, kind: MessageType, body: str, pool_id: UUID) -> None:
        """Sends a pool message; the state comes in a Receive of its own (windows-facts 13)."""
        message = fragments.pack_message(kind, body, pool_id, None)
        self.outbox.put(self._number(message, apart=kind is MessageType.RUNSPACE_POOL_STATE))
