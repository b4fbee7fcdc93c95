"""A PowerShell shell: one runspace pool over WS-Management (psrp-facts 3, windows-facts 13)."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING
from uuid import UUID

from wslnet_lab.host.wire import faults, soap
from wslnet_lab.host.wire.faults import FaultError
from wslnet_lab.host.wire.runspaces import MessageError, Runspaces
from wslnet_lab.host.wire.shells import Shell, ShellRecord

if TYPE_CHECKING:
    from wslnet_lab.host.wire.outbox import Outbox
    from wslnet_lab.host.wire.pipeline import Pipeline
    from wslnet_lab.host.wire.settings import Settings

_TERMINATE = "/signal/terminate"
_PIPELINE_ID = slice(45, 61)
"""Where a first fragment holds its pipeline's id: fragment header, destination, type, pool id."""


class PsrpShell(Shell):
    """WS-Management's view of a pool: commands are pipelines, their first argument is a fragment."""

    def __init__(self, record: ShellRecord, runspaces: Runspaces) -> None:
        """Takes what is fixed about the shell and its pool."""
        super().__init__(record)
        self._runspaces = runspaces

    def open(self, creation: bytes) -> None:
        """Takes the creationXml of the Create request."""
        self._feed(creation, None)

    def command(self, request: soap.Request, settings: Settings) -> str:
        """Starts a pipeline; its id is the command's, or that inside the message if the client names none."""
        line = request.find("rsp:CommandLine")
        given = line.get("CommandId") if line is not None else None
        parts = [
            base64.b64decode(node.text or "") for node in request.find_all("rsp:CommandLine/rsp:Arguments")
        ]
        first = parts[0] if parts else b""
        pipeline_id = _guid(given) if given else UUID(bytes_le=first[_PIPELINE_ID].ljust(16, b"\0"))
        try:
            self._runspaces.add(pipeline_id, settings)
        except MessageError as error:
            raise FaultError(faults.INVALID_REQUEST) from error
        for part in parts:
            self._feed(part, pipeline_id)
        return str(pipeline_id).upper()

    def send(self, stream: str, data: bytes, command_id: str | None, *, end: bool) -> None:
        """Takes more fragments; the stream's name (stdin, pr) only tells priority."""
        del stream, end
        self._feed(data, None if command_id is None else self._find(command_id).pipeline_id)

    def outbox(self, command_id: str | None) -> Outbox:
        """The pool's or a pipeline's outbox."""
        return self._runspaces.outbox if command_id is None else self._find(command_id).outbox

    def signal(self, command_id: str | None, code: str, timeout_s: float) -> None:
        """Stops a pipeline; `terminate` also forgets it. The answer comes after the state (psrp-facts 3)."""
        pipeline = self._find(command_id or "")
        pipeline.request_stop()
        pipeline.outbox.wait_done(timeout_s)
        if code.endswith(_TERMINATE):
            self._runspaces.remove(pipeline)

    def close(self) -> None:
        """Stops everything in the pool."""
        self._runspaces.close()

    def _find(self, command_id: str) -> Pipeline:
        pipeline = self._runspaces.find(_guid(command_id))
        if pipeline is None:
            raise FaultError(faults.NO_SUCH_COMMAND)
        return pipeline

    def _feed(self, data: bytes, pipeline_id: UUID | None) -> None:
        try:
            self._runspaces.feed(data, pipeline_id)
        except MessageError as error:
            raise FaultError(faults.INVALID_REQUEST) from error


def _guid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise FaultError(faults.NO_SUCH_COMMAND) from None
