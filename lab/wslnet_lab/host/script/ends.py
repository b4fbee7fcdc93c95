"""How a block can end before its last statement, and the ids that errors get on the way out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from wslnet_lab.host.contract import Category, CommandError, ErrorDetails
from wslnet_lab.host.engine.preferences import INQUIRE, STOP, StoppedByPreference
from wslnet_lab.host.script.values import text_of

if TYPE_CHECKING:
    from wslnet_lab.host.script.syntax import NotInTheLab


class Thrown(CommandError):
    """`throw`: ends every block around it."""


class Terminated(CommandError):
    """`$PSCmdlet.ThrowTerminatingError`: ends the function; its caller may go on."""


class Returned(Exception):
    """`return`."""


class Exited(Exception):
    """`exit`: ends the pipeline, which counts as completed (jea-facts E)."""


class Broken(Exception):
    """`break` and `continue`; `goes_on` tells them apart."""

    def __init__(self, *, goes_on: bool) -> None:
        super().__init__()
        self.goes_on = goes_on


def thrown(value: object) -> Thrown:
    """What `throw value` raises: an error record as it is, else one whose id is the text."""
    if isinstance(value, ErrorDetails):
        return Thrown(value)
    text = "ScriptHalted" if value is None else text_of(value)
    return Thrown(ErrorDetails(text, Category.OPERATION_STOPPED, text, target_name=text, target_object=value))


def tailed(details: ErrorDetails, function: str) -> ErrorDetails:
    """The record with the function that it ended in its id, when nothing has put its name there yet."""
    if not function or "," in details.fqid:
        return details
    return replace(details, fqid=f"{details.fqid},{function}", activity=details.activity or function)


def stopped_by(wanted: str, details: ErrorDetails, function: str) -> StoppedByPreference | None:
    """What an error that ends nothing makes of a body under `$ErrorActionPreference`: Stop, or a question.

    Nobody can be asked: Inquire then ends the pipeline too (jea-facts D). None: the body goes on.
    """
    if wanted == STOP:
        return StoppedByPreference(tailed(details, function))
    if wanted != INQUIRE:
        return None
    text = "A command that prompts the user failed: the host does not support interaction."
    return StoppedByPreference(
        ErrorDetails(
            fqid=f"HostFunctionNotImplemented,{function}" if function else "HostFunctionNotImplemented",
            category=Category.NOT_IMPLEMENTED,
            message=text,
            exception_types=("System.Management.Automation.Host.HostException",),
            activity=function,
            reason="HostException",
        )
    )


def not_modelled(error: NotInTheLab, function: str) -> CommandError:
    """The explicit refusal of what the lab's evaluator does not know."""
    return Thrown(
        ErrorDetails(
            fqid=f"NotModelledByLab,{function}",
            category=Category.NOT_IMPLEMENTED,
            message=f"not supported by the lab: {error}",
            exception_types=("System.NotImplementedException",),
            reason="NotImplementedException",
        )
    )
