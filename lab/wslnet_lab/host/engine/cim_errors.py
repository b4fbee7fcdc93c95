"""Error records of the CIM job layer (cdxml-facts 5): refusals, method codes, lost sessions, prompts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet_lab.host.contract import Category, CommandError, ErrorDetails
from wslnet_lab.host.engine.selection import JOB_EXCEPTION
from wslnet_lab.host.engine.values import text_of

if TYPE_CHECKING:
    from wslnet_lab.host.contract import CimInstance
    from wslnet_lab.host.engine.provider import ProviderError

_CIM_EXCEPTION = ("Microsoft.Management.Infrastructure.CimException", "System.Exception")
_HOST_EXCEPTION = (
    "System.Management.Automation.MethodInvocationException",
    "System.Management.Automation.MethodException",
)


def provider_error(command: str, namespace: str, class_name: str, error: ProviderError) -> ErrorDetails:
    """What a provider refused."""
    without_instance = error.message_id.startswith("MiClientApiError_")
    return ErrorDetails(
        fqid=f"{error.message_id},{command}",
        category=error.category,
        message=str(error),
        exception_types=_CIM_EXCEPTION,
        activity=command,
        reason="CimException",
        target_name=class_name if without_instance else error.source or class_name,
        target_type="String" if without_instance else f"{namespace}/{class_name}",
        remoting=True,
    )


def method_code(
    command: str, method: str, row: CimInstance | None, class_name: str, code: int
) -> ErrorDetails:
    """A CIM method returned something else than 0."""
    target = described(row) if row is not None else class_name
    return ErrorDetails(
        fqid=f"CimJob_{method}_{code},{command}",
        category=Category.INVALID_RESULT,
        message=(
            f"Failed to run CIM method {method} on the {target} CIM object.  The CIM method returned the"
            f" following error code: {code}"
        ),
        exception_types=JOB_EXCEPTION,
        activity=command,
        reason="CimJobException",
        target_name=target,
        target_type="CimInstance" if row is not None else "String",
        target_object=row,
        remoting=True,
    )


def described(row: CimInstance) -> str:
    """`MSFT_X (InstanceID = "…")`, the text of a CimInstance."""
    keys = ", ".join(
        f'{key} = "{text_of(row.properties[key].value)}"' for key in row.keys if key in row.properties
    )
    return f"{row.class_name} ({keys})" if keys else row.class_name


def broken_session(command: str, class_name: str, computer: str) -> ErrorDetails:
    """A CimSession's computer does not answer."""
    return ErrorDetails(
        fqid=f"CimJob_BrokenCimSession,{command}",
        category=Category.RESOURCE_UNAVAILABLE,
        message=f"{computer}: Cannot connect to CIM server. The computer does not answer.",
        exception_types=JOB_EXCEPTION,
        activity=command,
        reason="CimJobException",
        target_name=class_name,
        target_type="String",
        target_object=class_name,
        remoting=True,
    )


def prompt_not_possible() -> CommandError:
    """A confirmation that no host can ask: bare id, no command name (cdxml-facts 1.2)."""
    return CommandError(
        ErrorDetails(
            fqid="HostException",
            category=Category.NOT_SPECIFIED,
            message=(
                'Exception calling "EndProcessing" with "0" argument(s): "A command that prompts the user'
                " failed because the host program or the command type does not support user interaction."
                " The host was attempting to request confirmation with the following message: Are you sure"
                ' you want to perform this action?"'
            ),
            exception_types=_HOST_EXCEPTION,
            reason="MethodInvocationException",
        )
    )
