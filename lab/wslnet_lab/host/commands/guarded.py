"""Puts one wrapping around every provider: what the hardware refuses becomes what Windows would say.

So providers ask the hardware freely, and no refusal of it can end a pipeline in another way.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from wslnet_lab.host.commands.writes import INVALID_PARAMETER, NOT_FOUND
from wslnet_lab.host.engine import Context, MethodResult, Provider, Query, mi_error, win32_error
from wslnet_lab.host.hardware import HardwareError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from wslnet_lab.host.contract import CimInstance


class Guarded:
    """A `Provider` over another one."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    def query(self, query: Query, context: Context) -> Iterable[CimInstance]:
        """All rows at once, so that a refusal comes before the first of them."""
        with _hardware_errors():
            return list(self._provider.query(query, context))

    def create(self, class_name: str, values: Mapping[str, object], context: Context) -> CimInstance:
        """As the provider does it."""
        with _hardware_errors():
            return self._provider.create(class_name, values, context)

    def modify(self, row: CimInstance, values: Mapping[str, object], context: Context) -> CimInstance:
        """As the provider does it."""
        with _hardware_errors():
            return self._provider.modify(row, values, context)

    def delete(self, row: CimInstance, context: Context) -> None:
        """As the provider does it."""
        with _hardware_errors():
            self._provider.delete(row, context)

    def invoke(
        self, target: CimInstance | None, method: str, arguments: Mapping[str, object], context: Context
    ) -> MethodResult:
        """As the provider does it."""
        with _hardware_errors():
            return self._provider.invoke(target, method, arguments, context)


@contextmanager
def _hardware_errors() -> Iterator[None]:
    """`exists` and `not-found` have ids of Windows; anything else is the lab's own failure and says so."""
    try:
        yield
    except HardwareError as error:
        if error.code == "exists":
            # 87 with "already exists" is the form of the field reports (windows-facts 1.3).
            raise win32_error(INVALID_PARAMETER, "Instance already exists ") from error
        if error.code == "not-found":
            raise win32_error(NOT_FOUND, "Element not found. ") from error
        raise mi_error("Failed", f"lab hardware: {error}") from error
