"""Binds and runs structured calls as a real PowerShell engine does: binder, pipeline, CDXML behaviour.

`host.commands` registers its models in a `Registry`; `host.wire` runs `build_engine(registry, …).run(…)`.
"""

from wslnet_lab.host.engine.provider import (
    Context,
    MethodResult,
    Provider,
    ProviderError,
    Query,
    hresult_error,
    mi_error,
    win32_error,
)
from wslnet_lab.host.engine.registry import Act, CdxmlCommand, Registry

__all__ = [
    "Act",
    "CdxmlCommand",
    "Context",
    "MethodResult",
    "Provider",
    "ProviderError",
    "Query",
    "Registry",
    "hresult_error",
    "mi_error",
    "win32_error",
]
