"""The other end of an elevated bridge: privileged ops go there, everything else stays with the own session.

What is elevated is a child that takes the ops of one shown plan only (`wslnet.app.elevated`); this program
itself never gets more rights. One thread at a time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wslnet.errors import DeadlineExceeded, NeedsElevation, OutcomeUnknown, Unreachable
from wslnet.model.change import OpResult
from wslnet.model.warrant import PRIVILEGED
from wslnet.transport.agent_text import clean, clean_line
from wslnet.transport.pipe import after
from wslnet_linux_agent.wire import Decoder, FrameError, encode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wslnet.model.change import Op
    from wslnet.transport.pipe import Pipe
    from wslnet.transport.windows_session import WindowsSession

HELLO = "wslnet elevated 1"
_ANSWER_MARGIN_S = 5.0


class ElevatedSession:
    """As `WindowsSession`, with the elevated child for what needs it."""

    def __init__(self, machine: str, own: WindowsSession, pipe: Pipe) -> None:
        self._machine = machine
        self._own = own
        self._pipe = pipe
        self._decoder = Decoder()

    def open(self, plan: Mapping[str, object], deadline_s: float) -> None:
        """Show the child the plan; it answers when it has found it to be the one of its command line.

        Raises:
            NeedsElevation: nobody let it pass, or it refuses the plan.
        """
        try:
            said = self._ask({"plan": plan, "machine": self._machine}, deadline_s)
        except Unreachable as error:
            raise NeedsElevation(
                f"{self._machine}: the request for an administrator's rights was not granted; "
                "nothing was changed",
                machine=self._machine,
                hint="run it in an elevated terminal",
            ) from error
        if said.get("ready") != HELLO:
            text = f"{self._machine}: the elevated part refuses: {_words(said)}; nothing was changed"
            raise NeedsElevation(text, machine=self._machine)

    def execute(self, ops: Sequence[Op], *, deadline_s: float) -> tuple[OpResult, ...]:
        """As `WindowsSession.execute`: in order, and nothing after a failed change."""
        results: list[OpResult] = []
        at = 0
        while at < len(ops):
            privileged = ops[at].verb in PRIVILEGED
            end = at + 1
            while end < len(ops) and (ops[end].verb in PRIVILEGED) == privileged:
                end += 1
            part = self._elevated if privileged else self._own.execute
            results += part(ops[at:end], deadline_s=deadline_s)
            if privileged and not all(result.ok for result in results[at:]):
                rest = len(ops) - end
                return (*results, *[OpResult(code="not-run", message="an op before it failed")] * rest)
            at = end
        return tuple(results)

    def end(self) -> None:
        """End the child, which ends with its pipe."""
        self._pipe.close()

    def close(self) -> None:
        """End both."""
        self.end()
        self._own.close()

    def _elevated(self, ops: Sequence[Op], *, deadline_s: float) -> tuple[OpResult, ...]:
        request = {"ops": [op.to_json() for op in ops], "deadline_s": deadline_s}
        try:
            said = self._ask(request, deadline_s + _ANSWER_MARGIN_S)
        except Unreachable as error:
            text = f"{error.message}; a change may or may not have been made"
            raise OutcomeUnknown(text, machine=self._machine) from error
        rows = said.get("results")
        if said.get("unknown"):
            raise OutcomeUnknown(f"{self._machine}: {_words(said)}", machine=self._machine)
        if not isinstance(rows, list) or len(rows) != len(ops):
            refused = OpResult(code="not-permitted", message=_words(said))
            return (refused, *[OpResult(code="not-run", message="an op before it failed")] * (len(ops) - 1))
        return tuple(map(_result, rows))

    def _ask(self, document: dict[str, Any], deadline_s: float) -> dict[str, Any]:
        deadline = after(deadline_s)
        try:
            self._pipe.send(encode(document), deadline)
            while (answer := self._decoder.take()) is None:
                data = self._pipe.recv(deadline)
                if not data:
                    raise Unreachable(f"{self._machine}: the elevated part ended", machine=self._machine)
                self._decoder.feed(data)
        except FrameError as error:
            text = (
                f"{self._machine}: the elevated part does not keep to its protocol: {clean_line(str(error))}"
            )
            raise Unreachable(text, machine=self._machine) from error
        except DeadlineExceeded:
            self._pipe.close()
            raise
        return answer


def _words(said: Mapping[str, object]) -> str:
    return clean_line(str(said.get("message") or "it gave no answer that can be read"))


def _result(row: object) -> OpResult:
    if isinstance(row, dict) and row.get("code") == "" and "value" in row:
        return OpResult(value=clean(row["value"]))
    code, message = (
        (str(row.get(name)) for name in ("code", "message")) if isinstance(row, dict) else ("", "")
    )
    return OpResult(code=clean_line(code) or "failed", message=clean_line(message))
