"""A session with one Windows host: ops in, results out, over a bridge and a runner of native programs.

The front door of the Windows half for the engine. It turns what the agent answers into the program's own
results and errors; what may be sent is decided in `wslnet_win_agent.send`.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from wslnet.errors import AgentError, DeadlineExceeded, OutcomeUnknown, Unreachable, WslnetError
from wslnet.model.change import Op, OpResult
from wslnet.transport.agent_text import clean, clean_line
from wslnet_win_agent.host import Host
from wslnet_win_agent.ops import execute

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wslnet_win_agent.bridge import Bridge
    from wslnet_win_agent.native import NativeRunner

_UNKNOWN = "outcome-unknown"
_LATE = "timed-out"
_WORD_S = 8.0
"""How long a host that has left a request without an answer may take for one word."""


class WindowsSession:
    """One Windows host of the inventory; connections open when first needed. One thread at a time."""

    def __init__(self, name: str, bridge: Bridge, native: NativeRunner) -> None:
        """Takes the machine's name and the ways to its cmdlets and its programs."""
        self._name = name
        self._host = Host(bridge, native)
        self._silent = False

    def execute(self, ops: Sequence[Op], *, deadline_s: float) -> tuple[OpResult, ...]:
        """Run ops in order; after a failed change the rest is `not-run`.

        Raises:
            Unreachable: no connection, refused, or no answer before the deadline.
            OutcomeUnknown: a changing op was begun and what it did could not be read back.
        """
        if self._silent:
            self._demand_a_word()
        results = self._execute(ops, deadline_s)
        for result in results:
            # Out of time after a change was begun: nobody has read back what it did.
            if result.code == _UNKNOWN or (result.code == _LATE and self._host.touched):
                raise OutcomeUnknown(result.message, machine=self._name)
        return results

    def close(self) -> None:
        """End both on the Windows side."""
        self._host.bridge.close()
        self._host.native.close()

    def _demand_a_word(self) -> None:
        """A frozen host is waited for in full once, not once for each request of a run that takes all back.

        Raises:
            Unreachable: it still says nothing; what should have been done was not sent.
        """
        (said,) = self._execute([Op("facts", {"needs": ["elevated"]})], _WORD_S)
        if self._silent:
            raise DeadlineExceeded(f"{self._name}: does not answer: {said.message}", machine=self._name)

    def _execute(self, ops: Sequence[Op], deadline_s: float) -> tuple[OpResult, ...]:
        self._host.until = time.monotonic() + deadline_s
        self._host.touched = False
        try:
            answers = execute(self._host, [op.to_json() for op in ops])
        except WslnetError as error:
            self._silent = isinstance(error, Unreachable)
            if self._host.touched:
                text = f"{error.message}; a change may or may not have been made"
                raise OutcomeUnknown(text, machine=self._name) from error
            raise
        results = tuple(_result(self._name, answer) for answer in answers)
        self._silent = any(result.code == _LATE for result in results)
        return results


def _result(machine: str, answer: dict[str, object]) -> OpResult:
    if answer["ok"]:
        try:
            return OpResult(value=clean(answer["value"]))
        except ValueError as found:
            raise AgentError(f"{machine}: Windows gave {found}", machine=machine) from found
    error = answer["error"]
    if not isinstance(error, dict):
        raise AgentError(f"{machine}: the Windows agent answered {answer!r}", machine=machine)
    return OpResult(code=str(error["code"]), message=clean_line(str(error["message"])))
