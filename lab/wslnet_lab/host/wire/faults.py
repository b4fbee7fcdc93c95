"""WS-Management faults with Windows' numbers (windows-facts 7; recorded traffic; field reports of quotas)."""

from __future__ import annotations

from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from wslnet_lab.host.wire import soap

_FAULT_ACTION = "http://schemas.dmtf.org/wbem/wsman/1/wsman/fault"
_WSMANFAULT = "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault"


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault to answer with: Windows' code, SOAP subcode, text with places for values, who is to blame."""

    code: int
    subcode: str
    message: str
    sender: bool = True


TIMED_OUT = Fault(
    2150858793,
    "w:TimedOut",
    "The WS-Management service cannot complete the operation within the time specified in "
    "OperationTimeout.  ",
    sender=False,
)
NO_SUCH_SHELL = Fault(
    2150858843,
    "w:InvalidSelectors",
    "The request for the Windows Remote Shell with ShellId {0} failed because the shell was not found on the "
    "server. Possible causes are: the specified ShellId is incorrect or the shell no longer exists on the "
    "server. Provide the correct ShellId or create a new shell and retry the operation. ",
)
NO_SUCH_COMMAND = Fault(
    2150858843,
    "w:InvalidSelectors",
    "The Windows Remote Shell received a request to perform an operation on a command identifier that does "
    "not exist. Either the command has completed execution or the client specified an invalid command "
    "identifier. ",
)
NO_SUCH_CONFIGURATION = Fault(
    2150858779,
    "w:InvalidResourceURI",
    "The WS-Management service cannot process the request. Cannot find the {0} session configuration in the "
    "WSMan: drive on the {1} computer.",
)
SHELL_QUOTA = Fault(
    2150859173,
    "w:QuotaLimit",
    "The WS-Management service cannot process the request. This user is allowed a maximum number of {0} "
    "concurrent shells, which has been exceeded. Close existing shells or raise the quota for this user. ",
    sender=False,
)
ACCESS_DENIED = Fault(5, "w:AccessDenied", "Access is denied. ")
OPERATION_QUOTA = Fault(
    2150859174,
    "w:QuotaLimit",
    "The WS-Management service cannot process the request. This user is allowed a maximum number of {0} "
    "concurrent operations, which has been exceeded. Close existing operations for this user, or raise the "
    "quota for this user. ",
    sender=False,
)
UNSUPPORTED = Fault(
    2150858754,
    "a:ActionNotSupported",
    "The action is not supported by the service. ",
)
INVALID_REQUEST = Fault(
    2150858752,
    "w:SchemaValidationError",
    "The WS-Management service cannot process the request because the XML is invalid. ",
)


class FaultError(Exception):
    """The request is answered with a fault; `values` fill the places in its text."""

    def __init__(self, fault: Fault, *values: str) -> None:
        """Takes the fault and its values."""
        super().__init__(fault.message.format(*values))
        self.fault = fault


def fault_reply(request: soap.Request, error: FaultError, machine: str) -> str:
    """The envelope that answers `request` with the fault."""
    fault, text = error.fault, escape(str(error))
    body = (
        f"<s:Fault><s:Code><s:Value>s:{'Sender' if fault.sender else 'Receiver'}</s:Value>"
        f"<s:Subcode><s:Value>{fault.subcode}</s:Value></s:Subcode></s:Code>"
        f'<s:Reason><s:Text xml:lang="en-US">{text}</s:Text></s:Reason>'
        f'<s:Detail><f:WSManFault xmlns:f="{_WSMANFAULT}" Code="{fault.code}" Machine={quoteattr(machine)}>'
        f"<f:Message>{text}</f:Message></f:WSManFault></s:Detail></s:Fault>"
    )
    return soap.reply(request, body, action=_FAULT_ACTION)
