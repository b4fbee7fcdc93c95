"""Binds and runs structured calls as a real PowerShell engine does: binder, pipeline, CDXML behaviour.

`host.commands` registers its models in a `Registry`; `host.wire` runs `build_engine(registry, …).run(…)`.
"""

from wslnet_lab.host.engine.build import EngineSettings, build_engine, reading_of
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
    "EngineSettings",
    "MethodResult",
    "Provider",
    "ProviderError",
    "Query",
    "Registry",
    "build_engine",
    "hresult_error",
    "mi_error",
    "reading_of",
    "win32_error",
]
