"""One pipeline of a child session: the messages that came of it, gathered into its outcome. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import psrpcore

from wslnet.transport.local_messages import Unreadable
from wslnet.transport.local_values import error_record, windows_object
from wslnet.transport.psrp_names import STATES
from wslnet_win_agent.bridge import ErrorRecord, Reply

if TYPE_CHECKING:
    from uuid import UUID

    from wslnet_win_agent.bridge import WindowsObject


@dataclass
class Exchange:
    """One pipeline: what came of it so far.

    Attributes:
        handed_over: the commands have been sent, so they may have run.
        state: how it ended, None before.
        closed: its `Close` has been acknowledged.
    """

    target: UUID
    outputs: list[WindowsObject] = field(default_factory=list)
    errors: list[ErrorRecord] = field(default_factory=list)
    state: str | None = None
    handed_over: bool = False
    closing: bool = False
    closed: bool = False
    unreadable: bool = False

    @property
    def ended(self) -> bool:
        """Whether it came to an end of its own."""
        return self.state not in (None, "Stopped")

    def take(self, message: psrpcore.PSRPEvent | Unreadable) -> None:
        """Take one message of it; what carries no outcome is left aside."""
        if isinstance(message, psrpcore.PipelineOutputEvent):
            self.outputs.append(windows_object(message.data))
        elif isinstance(message, psrpcore.ErrorRecordEvent):
            self.errors.append(error_record(message.record))
        elif isinstance(message, psrpcore.PipelineStateEvent):
            self.state = STATES.get(int(message.state))
            # A terminating error is nowhere else (psrp-facts 1.7).
            if message.reason is not None:
                self.errors.append(error_record(message.reason))
        elif isinstance(message, Unreadable):
            self.unreadable = True
            text = f"what the command gave cannot be read: {message.reason}"
            self.errors.append(ErrorRecord("WslnetUnreadableMessage", "InvalidData", text))
            if message.is_end:
                self.state = self.state or "Failed"

    def reply(self, elapsed_s: float) -> Reply:
        """The outcome; a pipeline of which something could not be read counts as failed."""
        state = "Failed" if self.unreadable or self.state is None else self.state
        return Reply(tuple(self.outputs), tuple(self.errors), state, elapsed_s)
