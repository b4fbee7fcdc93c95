"""The errors of wslnet, each with the exit code of the contract (spec/cli.md).

    WslnetError                1  it failed
    ├─ InputError              2  wrong usage or input: one line that names the file or value
    ├─ NeedsElevation         13  an administrator, root or a sudo password is needed
    ├─ NeedsReboot            14  Windows must be rebooted, then `wslnet resume`
    ├─ Unsupported            15  this host cannot do it
    ├─ Unreachable            20  a machine cannot be reached
    │  ├─ AuthenticationFailed    it answers and refuses us
    │  ├─ HostKeyMismatch         it answers with another key than the pinned one
    │  ├─ HostKeyUnknown          it answers and no key of it is pinned yet
    │  └─ DeadlineExceeded        no answer in time
    ├─ AgentError              1  an agent answered an error or nonsense
    ├─ OutcomeUnknown          1  a write may or may not have happened: read before anything else
    ├─ JournalFailed           1  the journal cannot be written, so nothing (more) is changed
    ├─ PlanRefused             1  the plan does not fit what is there (stale, forbidden, not undoable)
    │  ├─ PortTaken           2  somebody else has the port that was asked for
    │  └─ Locked                  another controller is at work on a machine; the message names it
    ├─ RolledBack             12  a change failed and everything done was taken back
    ├─ RollbackIncomplete     21  not everything could be taken back; what is left is listed
    └─ Interrupted           130  stopped by the user

Every message is one line for a person: what, where, what to do.
"""

from __future__ import annotations


class WslnetError(Exception):
    """Base of all errors that the command line prints as one line.

    Attributes:
        code: stable word for `--json`.
        exit_code: exit code of the process.
        machine: the machine it is about, if it is about one.
        hint: what the user can do next, if it is not already in the message.
    """

    code = "failed"
    exit_code = 1

    def __init__(self, message: str, *, machine: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.machine = machine
        self.hint = hint


class InputError(WslnetError):
    """Wrong usage, malformed file, unknown name."""

    code = "bad-input"
    exit_code = 2


class NeedsElevation(WslnetError):
    """Rights are missing; nothing was changed."""

    code = "needs-elevation"
    exit_code = 13


class NeedsReboot(WslnetError):
    """Windows must be rebooted before this can go on."""

    code = "needs-reboot"
    exit_code = 14


class Unsupported(WslnetError):
    """This Windows, WSL or Linux cannot do what was asked."""

    code = "unsupported"
    exit_code = 15


class Unreachable(WslnetError):
    """A machine cannot be reached."""

    code = "unreachable"
    exit_code = 20


class AuthenticationFailed(Unreachable):
    """The machine answers and refuses the user, the key or the password."""

    code = "authentication-failed"


class HostKeyMismatch(Unreachable):
    """The machine shows another host key than the pinned one."""

    code = "host-key-mismatch"


class HostKeyUnknown(Unreachable):
    """No host key of the machine is pinned, and pinning on first contact was not asked for."""

    code = "host-key-unknown"


class DeadlineExceeded(Unreachable):
    """No answer within the deadline."""

    code = "deadline-exceeded"


class AgentError(WslnetError):
    """An agent refused an op or answered what the protocol does not allow.

    `op_code` is the agent's own error code (docs/protocols.md 1), empty for broken answers.
    """

    code = "agent-error"

    def __init__(
        self, message: str, *, machine: str | None = None, hint: str | None = None, op_code: str = ""
    ) -> None:
        super().__init__(message, machine=machine, hint=hint)
        self.op_code = op_code


class OutcomeUnknown(WslnetError):
    """A write was sent and no answer came: it may have happened. Never retried blindly."""

    code = "outcome-unknown"


class JournalFailed(WslnetError):
    """A record of the run is not on disk: the run does not begin, or stops and takes back what it did."""

    code = "journal-failed"


class PlanRefused(WslnetError):
    """The plan cannot be applied to what is there now."""

    code = "plan-refused"


class Locked(PlanRefused):
    """Another run is at work on this inventory or on one of its machines; nothing was changed."""

    code = "locked"


class PortTaken(PlanRefused):
    """A port that was asked for is somebody else's; the message says whose."""

    code = "port-taken"
    exit_code = 2


class RolledBack(WslnetError):
    """A change failed; everything that was done has been taken back."""

    code = "rolled-back"
    exit_code = 12


class RollbackIncomplete(WslnetError):
    """A change failed and taking back failed too; `left` lists what remains, machine by machine."""

    code = "rollback-incomplete"
    exit_code = 21

    def __init__(self, message: str, *, left: tuple[str, ...]) -> None:
        super().__init__(message)
        self.left = left


class Interrupted(WslnetError):
    """The user stopped the run."""

    code = "interrupted"
    exit_code = 130
