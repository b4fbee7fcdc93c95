"""What the elevated child does: takes one plan, checks that it is the one the user let pass, does its ops.

It reads frames from one pipe and answers each; it reads no inventory and no other file, and ends with its
pipe. What it may do is decided by `model.warrant`, before anything is sent to Windows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wslnet.errors import DeadlineExceeded, OutcomeUnknown, Unreachable, WslnetError
from wslnet.model.change import Op
from wslnet.model.warrant import NotWarranted, Warrant, warrant_of
from wslnet.transport.elevated_session import HELLO
from wslnet.transport.pipe import after
from wslnet_linux_agent.wire import Decoder, FrameError, encode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from wslnet.model.change import OpResult
    from wslnet.transport.pipe import Pipe
    from wslnet.transport.windows_session import WindowsSession

IDLE_S = 1800.0
"""How long it waits for the next request: a run with a confirmation takes half an hour at most."""

_ANSWER_S = 30.0
_LONGEST_S = 1200.0
"""An update of WSL downloads it first (`engine.restart.UPDATE_TIMEOUT_S`)."""


def serve(pipe: Pipe, session: WindowsSession, plan: str, *, idle_s: float = IDLE_S) -> None:
    """Answers requests until the pipe ends, or nobody asks for `idle_s` seconds; `plan` is an id."""
    warrant: Warrant | None = None
    for request in _requests(pipe, idle_s):
        answer: dict[str, Any]
        if warrant is None:
            warrant, answer = _shown(request, plan)
        else:
            answer = _done(request, warrant, session)
        pipe.send(encode(answer), after(_ANSWER_S))


def _requests(pipe: Pipe, idle_s: float) -> Iterator[dict[str, Any]]:
    decoder = Decoder()
    while True:
        try:
            while (request := decoder.take()) is None:
                data = pipe.recv(after(idle_s))
                if not data:
                    return
                decoder.feed(data)
        except (FrameError, DeadlineExceeded, Unreachable):
            return  # nothing after it can be trusted, or nobody is there any more
        yield request


def _shown(request: Mapping[str, Any], plan: str) -> tuple[Warrant | None, dict[str, Any]]:
    document, machine = request.get("plan"), request.get("machine")
    if not isinstance(document, dict) or not isinstance(machine, str):
        return None, {"message": "no plan was shown"}
    try:
        return warrant_of(document, machine, plan), {"ready": HELLO}
    except NotWarranted as error:
        return None, {"message": str(error)}


def _done(request: Mapping[str, Any], warrant: Warrant, session: WindowsSession) -> dict[str, Any]:
    ops, seconds = request.get("ops"), request.get("deadline_s")
    if not isinstance(ops, list) or not all(isinstance(op, dict) for op in ops):
        return {"message": "a request without ops"}
    if not isinstance(seconds, int | float) or not 0 < seconds <= _LONGEST_S:
        return {"message": "a request without a deadline"}
    try:
        for op in ops:
            warrant.demand(op)
        wanted = [Op(str(op["verb"]), dict(op.get("args") or {})) for op in ops]
        return {"results": [_row(result) for result in session.execute(wanted, deadline_s=float(seconds))]}
    except NotWarranted as error:
        return {"message": str(error)}
    except OutcomeUnknown as error:
        return {"message": error.message, "unknown": True}
    except WslnetError as error:
        return {"message": error.message}


def _row(result: OpResult) -> dict[str, Any]:
    return {"code": result.code, "message": result.message, "value": result.value}
