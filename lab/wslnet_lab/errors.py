"""Why a lab command fails, as one line for a person and an exit code of the contract (spec/cli.md).

The lab shares no code with the product, so it has its own small tree; the codes are the same.
"""

from __future__ import annotations


class LabError(Exception):
    """The lab could not do it. `code` is the word that JSON output and the control socket carry."""

    code = "failed"
    exit_code = 1


class UsageError(LabError):
    """A name, a topology or a fault that does not exist or is not allowed."""

    code = "bad-input"
    exit_code = 2


class NeedsRoot(LabError):
    """Namespaces need root."""

    code = "needs-elevation"
    exit_code = 13


class Unsupported(LabError):
    """The lab is made of Linux."""

    code = "unsupported"
    exit_code = 15


class NotRunning(LabError):
    """The lab or the machine is not running."""

    code = "unreachable"
    exit_code = 20
