"""The seam between the Windows half and whatever carries its calls (WinRM, a local child, a fake).

A bridge only delivers: `run` turns calls into a `Batch`, which is where the rules of `send` hold, and the
concrete bridge gets nothing but batches. Answers are plain data, the same from every bridge.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, final

from .errors import CallRefused, WindowsAgentError
from .send import Batch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .call import Call

_RESTRICTED_TAIL = re.compile(r"_[0-9a-f]{32}$")


@dataclass(frozen=True, slots=True)
class WindowsObject:
    """One output object.

    Attributes:
        type_names: .NET type names, most derived first, without the `Deserialized.` prefix.
        raw: the object's own properties (a CIM row's numbers).
        text: added properties (friendly enum names, notes).
        value: the value itself when the object wraps a plain one (a line of text, bytes).
    """

    type_names: tuple[str, ...] = ()
    raw: Mapping[str, object] = field(default_factory=dict)
    text: Mapping[str, object] = field(default_factory=dict)
    value: object = None

    @property
    def cim_class(self) -> str | None:
        """The CIM class of a CIM row (`MSFT_NetRoute`), None for anything else."""
        first = self.type_names[0] if self.type_names else ""
        if "CimInstance#" not in first:
            return None
        return first.rpartition("#")[2].rpartition("/")[2]

    def get(self, name: str) -> object:
        """Give a property, raw before friendly; None when it has none of that name."""
        value = self.raw.get(name)
        return self.text.get(name) if value is None else value


@dataclass(frozen=True, slots=True)
class ErrorRecord:
    """One error of Windows. `fqid` and `category` are stable, `message` is localised and only for people."""

    fqid: str
    category: str
    message: str
    target: str = ""

    @property
    def id(self) -> str:
        """The error id without the command's name (binder-facts 1) and without a session's random tail."""
        return _RESTRICTED_TAIL.sub("", self.fqid).partition(",")[0]

    @property
    def is_not_found(self) -> bool:
        """Whether the object asked for is not there (an absent command is `is_unknown_command`)."""
        return self.category == "ObjectNotFound" and not self.is_unknown_command

    @property
    def is_unknown_class(self) -> bool:
        """Whether this Windows has no such namespace or class of CIM (WBEM_E_INVALID_NAMESPACE, _CLASS)."""
        return self.id.lower() in {"hresult 0x8004100e", "hresult 0x80041010"}

    @property
    def is_unknown_command(self) -> bool:
        """Whether this Windows has no such cmdlet (Windows 10, missing module)."""
        return self.id in ("CommandNotFoundException", "CouldNotAutoLoadModule")

    @property
    def is_unknown_parameter(self) -> bool:
        """Whether this build's cmdlet lacks the parameter (windows-facts 12)."""
        return self.id == "NamedParameterNotFound"

    @property
    def is_denied(self) -> bool:
        """Whether rights are missing."""
        return self.category in ("PermissionDenied", "SecurityError") or self.id == "Windows System Error 5"


@dataclass(frozen=True, slots=True)
class Reply:
    """What a pipeline gave, in order, and how it ended: `Completed`, `Failed` or `Stopped`.

    `elapsed_s` is how long it took, as seen from here.
    """

    outputs: tuple[WindowsObject, ...] = ()
    errors: tuple[ErrorRecord, ...] = ()
    state: str = "Completed"
    elapsed_s: float = field(default=0.0, compare=False)

    @property
    def ok(self) -> bool:
        """Completed and not one error; a library's own had_errors is not to be trusted (windows-facts 7)."""
        return self.state == "Completed" and not self.errors

    def rows(self, cim_class: str) -> tuple[WindowsObject, ...]:
        """Give the outputs of one CIM class: outputs of several statements arrive in one flat list."""
        return tuple(each for each in self.outputs if each.cim_class == cim_class)


class Bridge(ABC):
    """Carries calls to one Windows machine. Not safe for use by several threads at once."""

    @final
    def run(self, calls: Sequence[Call], *, deadline_s: float) -> Reply:
        """Send calls as one pipeline and wait for its end; several calls in one `run` are reads.

        Raises:
            CallRefused: a rule of `send` is not kept; nothing was sent.
            WindowsAgentError: it could not be delivered, or no answer came in `deadline_s` seconds.
        """
        return self.deliver(Batch(calls), deadline_s=deadline_s)

    @final
    def run_each(self, calls: Sequence[Call], *, deadline_s: float) -> tuple[Reply, ...]:
        """Send reads as one pipeline each, side by side where the bridge can; replies in the order of calls.

        One that does not end in time is stopped: its reply has the state `Stopped` and the others count.

        Raises:
            CallRefused: one of them is not a read, or breaks another rule.
            WindowsAgentError: none could be delivered.
        """
        batches = tuple(Batch([each]) for each in calls)
        if any(each.writes for each in batches):
            raise CallRefused("writes are not sent side by side")
        return self.deliver_each(batches, deadline_s=deadline_s)

    @abstractmethod
    def deliver(self, batch: Batch, *, deadline_s: float) -> Reply:
        """Carry one batch as one pipeline; raises as `run` does."""

    def deliver_each(self, batches: Sequence[Batch], *, deadline_s: float) -> tuple[Reply, ...]:
        """Carry reads as one pipeline each; here one after the other."""
        return tuple(self.deliver(each, deadline_s=deadline_s) for each in batches)

    @abstractmethod
    def close(self) -> None:
        """End the session on the Windows side; safe to call twice."""


def demand(reply: Reply, what: str) -> Reply:
    """Give the reply back if it is a success.

    Raises:
        WindowsAgentError: `not-permitted`, `not-found`, `tool-missing` or `failed`, by the first error's id
            and category.
    """
    if reply.ok:
        return reply
    if not reply.errors:
        raise WindowsAgentError("failed", f"{what}: the pipeline ended as {reply.state}")
    first = reply.errors[0]
    code = "failed"
    if first.is_denied:
        code = "not-permitted"
    elif first.is_unknown_command or first.is_unknown_parameter:
        code = "tool-missing"
    elif first.is_not_found:
        code = "not-found"
    elif first.category == "ResourceExists":
        code = "exists"
    line = " ".join(first.message.split())
    raise WindowsAgentError(code, f"{what}: {line} ({first.id})")


def demand_unless_absent(reply: Reply, what: str) -> Reply:
    """The same where "not found" is an answer: the reply then has what there is, and no errors.

    Raises:
        WindowsAgentError: as `demand`, for any other error.
    """
    if reply.errors and all(error.is_not_found for error in reply.errors):
        return Reply(reply.outputs)
    return demand(reply, what)
