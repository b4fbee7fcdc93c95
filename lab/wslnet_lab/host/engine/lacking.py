"""Traps of `lab break` in the engine: commands and parameters that a Windows lacks, and commands that fail.

A failure is an error of the system below, the same id in every language; whether it ends the pipeline is the
trap's choice, as it is the module's on a real Windows (windows-facts 1.3).
"""

from __future__ import annotations

from dataclasses import replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from wslnet_lab.host.contract import Category, CommandError, ErrorDetails

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wslnet_lab.host.contract import Session, Sink
    from wslnet_lab.host.engine.signatures import Signature

STOPS = "stop"
_NO_RESOURCES = 1450
_TEXTS = {
    "en-US": "Insufficient system resources exist to complete the requested service.",
    "zh-CN": "系统资源不足，无法完成请求的服务。",  # noqa: RUF001 - Chinese punctuation
    "de-DE": "Nicht genügend Systemressourcen, um den angeforderten Dienst auszuführen.",
}


def without_lacking(signature: Signature, lacking: Iterable[str]) -> Signature | None:
    """A command as this Windows has it: fewer parameters, or None when it has none of that name."""
    for pattern in lacking:
        command, _, parameter = pattern.partition(" -")
        if not fnmatchcase(signature.name, command):
            continue
        if not parameter:
            return None
        kept = {name: value for name, value in signature.parameters.items() if name != parameter}
        signature = replace(signature, parameters=kept)
    return signature


def fail(signature: Signature, session: Session, sink: Sink) -> None:
    """Lets a command fail as the session says.

    Raises:
        CommandError: It fails with an end of its statement.
    """
    details = ErrorDetails(
        fqid=f"Windows System Error {_NO_RESOURCES},{signature.name}",
        category=Category.NOT_SPECIFIED,
        message=_TEXTS.get(session.culture, _TEXTS["en-US"]),
        exception_types=("Microsoft.Management.Infrastructure.CimException", "System.Exception"),
        activity=signature.name,
        reason="CimException",
        remoting=signature.cdxml,
    )
    if session.failing[signature.name] == STOPS:
        raise CommandError(details)
    sink.error(details)
