"""The base of providers: every act refused. A class that allows one overrides it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet_lab.host.commands.writes import not_supported

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from wslnet_lab.host.contract import CimInstance
    from wslnet_lab.host.engine import Context, MethodResult, Query


class ReadOnly:
    """A `Provider` without acts and rows."""

    def query(self, query: Query, context: Context) -> Iterable[CimInstance]:
        """No rows."""
        del query, context
        return ()

    def create(self, class_name: str, values: Mapping[str, object], context: Context) -> CimInstance:
        """Refused."""
        del values
        raise not_supported(f"{context.command}: the lab does not create {class_name}")

    def modify(self, row: CimInstance, values: Mapping[str, object], context: Context) -> CimInstance:
        """Refused."""
        del values
        raise not_supported(f"{context.command}: the lab does not change {row.class_name}")

    def delete(self, row: CimInstance, context: Context) -> None:
        """Refused."""
        raise not_supported(f"{context.command}: the lab does not remove {row.class_name}")

    def invoke(
        self, target: CimInstance | None, method: str, arguments: Mapping[str, object], context: Context
    ) -> MethodResult:
        """Refused."""
        del target, arguments
        raise not_supported(f"{context.command}: the lab has no method {method}")
