"""One Windows host as the agent holds it: its bridge, its native runner, and what never changes in a run.

Ops and facts get everything through this object; it reads lazily and only what they ask for.
"""

from __future__ import annotations

import math
import time
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from . import registry
from .bounded import BoundedRunner
from .bridge import demand
from .calls import files
from .errors import DeliveryUnknown, WindowsAgentError
from .wsl_exe import DEFAULT_PATH, Versions, WslProgram

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .bridge import Bridge, Reply
    from .call import Call
    from .native import NativeRunner

CALL_DEADLINE_S = 30.0


@dataclass
class Host:
    """A Windows host with a bridge to its cmdlets and a runner of its native programs."""

    bridge: Bridge
    native: NativeRunner
    until: float = math.inf
    touched: bool = False
    """Whether something was, or may have been, changed: a caller that loses the host then must say so."""
    _versions: Versions | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.native = BoundedRunner(self.native, self.left_s)

    def left_s(self) -> float:
        """Seconds until the request's own deadline (`until`, monotonic).

        Raises:
            WindowsAgentError: `timed-out` when it is over.
        """
        left = self.until - time.monotonic()
        if left <= 0:
            raise WindowsAgentError("timed-out", "the request took longer than its deadline")
        return left

    @property
    def deadline_s(self) -> float:
        """Seconds that the next call may take; raises as `left_s` does."""
        return min(CALL_DEADLINE_S, self.left_s())

    def read(self, calls: Sequence[Call]) -> Reply:
        """Run reads as one pipeline; errors stay in the reply.

        When one of them ends the pipeline (a cmdlet that this Windows lacks), what follows it is lost, so
        each is run alone then: reads may be repeated.
        """
        reply = self.bridge.run(calls, deadline_s=self.deadline_s)
        if reply.state == "Completed" or len(calls) == 1:
            return reply
        return joined([self.bridge.run([each], deadline_s=self.deadline_s) for each in calls])

    def write(self, call: Call, what: str) -> None:
        """Run one write; `what` names it in an error.

        Raises:
            WindowsAgentError: it failed; DeliveryUnknown: no answer came, read back before anything else.
        """
        try:
            reply = self.bridge.run([call], deadline_s=self.deadline_s)
        except DeliveryUnknown:
            self.touched = True
            raise
        self.touched = True
        demand(reply, what)

    def attempt(self, call: Call, what: str) -> None:
        """Run one write whose end the caller reads back: without an answer it may have been done.

        Raises:
            WindowsAgentError: it failed.
        """
        with suppress(DeliveryUnknown):
            self.write(call, what)

    @cached_property
    def user_profile(self) -> str:
        """The folder of the user, where `.wslconfig` lies."""
        reply = demand(self.read([files.user_profile()]), "the user's folder")
        for row in reply.outputs:
            value = row.get("Value")
            if isinstance(value, str) and value:
                return value
        raise WindowsAgentError("not-found", "Windows does not say where the user's folder is")

    @cached_property
    def wsl(self) -> WslProgram:
        """`wsl.exe` at the place its installer wrote down (windows-facts 5, never through an alias)."""
        keys = registry.read(self.read([files.registry_keys([registry.WSL_MSI])]).outputs)
        folder = keys.text(registry.WSL_MSI, "InstallLocation")
        path = f"{folder.rstrip(chr(92))}\\wsl.exe" if folder else DEFAULT_PATH
        return WslProgram(self.native, path)

    def forget_versions(self) -> None:
        """After an update of WSL they are asked for again."""
        self._versions = None

    def wsl_versions(self) -> Versions:
        """WSL's versions, asked once."""
        if self._versions is None:
            self._versions = self.wsl.versions()
        return self._versions


def joined(replies: Sequence[Reply]) -> Reply:
    """Give several replies as one; its state is that of the first that did not complete."""
    states = [each.state for each in replies if each.state != "Completed"]
    return type(replies[0])(
        outputs=tuple(row for each in replies for row in each.outputs),
        errors=tuple(error for each in replies for error in each.errors),
        state=states[0] if states else "Completed",
    )
