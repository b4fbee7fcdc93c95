"""What stands below a CDXML command: the rows and acts of one CIM class.

`engine.cdxml` gives every CDXML command its generated behaviour (filters, not-found errors, prompts,
PassThru) and asks a `Provider` for rows and acts only. A provider knows nothing of parameters, records or
streams.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from wslnet_lab.host.contract import Category, CimInstance, Session

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True)
class Context:
    """Who asks, by which command, and the query options given (PolicyStore, IncludeAllCompartments …).

    `options` holds bound values by full parameter name; enums are raw numbers. Only options that were given.
    """

    command: str
    session: Session
    options: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Query:
    """One query. `filters` maps CIM property to the values asked for (a hint: the engine filters again).

    `associated` is the object of an `Associated…`/`By association` parameter, with that parameter's name.
    """

    class_name: str
    filters: Mapping[str, tuple[object, ...]] = field(default_factory=dict)
    associated: tuple[str, CimInstance] | None = None


@dataclass(frozen=True)
class MethodResult:
    """What a CIM method gave: its return code (not 0: `CimJob_<Method>_<code>`) and its output objects."""

    return_value: int = 0
    outputs: tuple[object, ...] = ()


class ProviderError(Exception):
    """A provider's refusal (cdxml-facts 5).

    `message_id` is the MessageID of the error instance ("Windows System Error 5", "HRESULT 0x800700b7");
    without an error instance use `mi_error`. `severity` 7 makes it terminating; Windows' own carry 0.
    """

    def __init__(
        self,
        message_id: str,
        message: str,
        *,
        category: Category = Category.NOT_SPECIFIED,
        severity: int = 0,
        source: str = "",
    ) -> None:
        super().__init__(message)
        self.message_id = message_id
        self.category = category
        self.severity = severity
        self.source = source


_WIN32 = {
    2: Category.OBJECT_NOT_FOUND,
    5: Category.PERMISSION_DENIED,
    87: Category.INVALID_ARGUMENT,
    1168: Category.OBJECT_NOT_FOUND,
}
_HRESULT = {
    0x80070002: Category.OBJECT_NOT_FOUND,
    0x80070005: Category.PERMISSION_DENIED,
    0x80070057: Category.INVALID_ARGUMENT,
    0x800700B7: Category.RESOURCE_EXISTS,
}
_MI = {
    "Failed": Category.NOT_SPECIFIED,
    "AccessDenied": Category.PERMISSION_DENIED,
    "InvalidNamespace": Category.METADATA_ERROR,
    "InvalidClass": Category.METADATA_ERROR,
    "InvalidParameter": Category.INVALID_ARGUMENT,
    "NotFound": Category.OBJECT_NOT_FOUND,
    "NotSupported": Category.NOT_IMPLEMENTED,
    "AlreadyExists": Category.RESOURCE_EXISTS,
    "TypeMismatch": Category.INVALID_TYPE,
    "ServerLimitsExceeded": Category.RESOURCE_BUSY,
    # The rest is the engine's source (CimJobException), not run.
    "InvalidQuery": Category.INVALID_ARGUMENT,
    "MethodNotAvailable": Category.METADATA_ERROR,
    "MethodNotFound": Category.METADATA_ERROR,
    "InvalidOperationTimeout": Category.INVALID_ARGUMENT,
    "ServerIsShuttingDown": Category.RESOURCE_UNAVAILABLE,
}


def win32_error(code: int, message: str) -> ProviderError:
    """A Win32 code as NetTCPIP and NetSecurity report it, `Windows System Error 5` (windows-facts 1.3)."""
    return ProviderError(
        f"Windows System Error {code}", message, category=_WIN32.get(code, Category.NOT_SPECIFIED)
    )


def hresult_error(code: int, message: str) -> ProviderError:
    """An HRESULT as ScheduledTasks reports it: `HRESULT 0x800700b7` (windows-facts 1.3)."""
    return ProviderError(
        f"HRESULT 0x{code:08x}", message, category=_HRESULT.get(code, Category.NOT_SPECIFIED)
    )


def mi_error(name: str, message: str) -> ProviderError:
    """A CIM status without an error instance: `MiClientApiError_<name>` (cdxml-facts 5)."""
    return ProviderError(f"MiClientApiError_{name}", message, category=_MI.get(name, Category.NOT_SPECIFIED))


class Provider(Protocol):
    """Rows and acts. Every method may raise `ProviderError`; writes act at once, one object per call.

    Values given to `create`, `modify` and `invoke` are by CIM name: enums as raw numbers (flags OR-ed), the
    rest as bound (`timedelta`, `str`, `int`, `bool`, lists); a name that was not given is absent.
    """

    def query(self, query: Query, context: Context) -> Iterable[CimInstance]:
        """All rows of the class in the order the server would give them; may ignore `query.filters`."""

    def create(self, class_name: str, values: Mapping[str, object], context: Context) -> CimInstance:
        """Makes an object and returns it as it reads afterwards."""

    def modify(self, row: CimInstance, values: Mapping[str, object], context: Context) -> CimInstance:
        """Changes `row` (one that `query` gave, or sent back by a client) and returns its new state."""

    def delete(self, row: CimInstance, context: Context) -> None:
        """Removes `row`."""

    def invoke(
        self, target: CimInstance | None, method: str, arguments: Mapping[str, object], context: Context
    ) -> MethodResult:
        """Calls a method of `target`, or a static one when `target` is None."""
