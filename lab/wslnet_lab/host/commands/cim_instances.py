"""Get-CimInstance: the classes behind the lab's CDXML commands, and what guards this Windows.

By class name only; a query in WQL or a filter is refused.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from wslnet_lab.host.commands.provider_errors import not_modelled
from wslnet_lab.host.contract import (
    BoundCall,
    Category,
    CimInstance,
    CimValue,
    CommandError,
    ErrorDetails,
    Sink,
)
from wslnet_lab.host.engine import Act, CdxmlCommand, Context, ProviderError, Query, Registry

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from wslnet_lab.host.state import MachineState

_FULL_NAME = "Microsoft.Management.Infrastructure.CimCmdlets.GetCimInstanceCommand"
_EXCEPTIONS = ("Microsoft.Management.Infrastructure.CimException", "System.Exception")
_CIMV2 = "root/cimv2"
_STANDARD = "root/standardcimv2"
_SECURITY, _GUARD = "root/securitycenter2", "root/microsoft/windows/deviceguard"
_NO_NAMESPACE, _NO_CLASS = "HRESULT 0x8004100e", "HRESULT 0x80041010"
_LOCALES = {"en-us": "0409", "zh-cn": "0804", "de-de": "0407"}


class CimInstances:
    """The body."""

    def __init__(self, state: MachineState, commands: Iterable[CdxmlCommand]) -> None:
        self._state = state
        self._providers = {
            command.class_name.lower(): (command.class_name, command.provider)
            for command in commands
            if command.act is Act.GET
        }
        self._booted = datetime.now(UTC)

    def get(self, call: BoundCall, sink: Sink) -> Iterator[object]:
        """All instances of -ClassName in -Namespace (root/cimv2 when it is not given)."""
        for name in ("Filter", "Query", "CimSession", "ComputerName", "InputObject", "ResourceUri"):
            if call.parameters.get(name):
                raise CommandError(not_modelled(call.command, f"-{name}"))
        wanted = str(call.parameters.get("ClassName") or "")
        namespace = str(call.parameters.get("Namespace") or _CIMV2).replace("\\", "/").lower()
        if namespace == _CIMV2 and wanted.lower() == "win32_operatingsystem":
            yield self._operating_system()
        elif namespace == _SECURITY and self._is_server():
            sink.error(_record(_NO_NAMESPACE, Category.METADATA_ERROR, "Invalid namespace ", namespace))
        elif namespace == _SECURITY and wanted.lower() == "firewallproduct":
            yield from self._firewall_products()
        elif namespace == _GUARD and wanted.lower() == "win32_deviceguard":
            yield self._device_guard()
        elif namespace == _STANDARD and wanted.lower() in self._providers:
            yield from self._rows(wanted, call, sink)
        else:
            sink.error(_record(_NO_CLASS, Category.METADATA_ERROR, "Invalid class ", wanted))

    def _rows(self, wanted: str, call: BoundCall, sink: Sink) -> Iterator[CimInstance]:
        class_name, provider = self._providers[wanted.lower()]
        try:
            yield from provider.query(Query(class_name), Context(call.command, call.session))
        except ProviderError as error:
            sink.error(_record(error.message_id, error.category, str(error), class_name))

    def _is_server(self) -> bool:
        return self._state.settings.edition.startswith("Server")

    def _firewall_products(self) -> Iterator[CimInstance]:
        for name, state in self._state.settings.firewall_products.items():
            values = {
                "displayName": CimValue("string", name),
                "instanceGuid": CimValue("string", f"{{{uuid.uuid5(uuid.NAMESPACE_DNS, name)}}}".upper()),
                "pathToSignedProductExe": CimValue("string", rf"C:\Program Files\{name}\product.exe"),
                "productState": CimValue("uint32", state),
            }
            yield CimInstance("ROOT/SecurityCenter2", "FirewallProduct", values)

    def _device_guard(self) -> CimInstance:
        state = self._state.settings.code_integrity
        values = {
            "CodeIntegrityPolicyEnforcementStatus": CimValue("uint32", state),
            "UsermodeCodeIntegrityPolicyEnforcementStatus": CimValue("uint32", state),
            "VirtualizationBasedSecurityStatus": CimValue("uint32", 0),
        }
        return CimInstance("ROOT/Microsoft/Windows/DeviceGuard", "Win32_DeviceGuard", values)

    def _operating_system(self) -> CimInstance:
        own = self._state.settings
        values = {
            "BuildNumber": CimValue("string", str(own.build)),
            "Caption": CimValue("string", own.product.replace("10", "11" if own.hyperv_firewall else "10")),
            "CSName": CimValue("string", own.computer),
            "LastBootUpTime": CimValue("datetime", self._booted),
            "Locale": CimValue("string", _LOCALES.get(self._state.culture().lower(), "0409")),
            "OSArchitecture": CimValue("string", "64-bit"),
            "Version": CimValue("string", f"10.0.{own.build}"),
        }
        return CimInstance("root/cimv2", "Win32_OperatingSystem", values)


def register(registry: Registry, state: MachineState, commands: Iterable[CdxmlCommand]) -> None:
    """Enters Get-CimInstance over the classes of `commands`."""
    registry.add("Get-CimInstance", CimInstances(state, commands).get)


def _record(error_id: str, category: Category, message: str, target: str) -> ErrorDetails:
    return ErrorDetails(
        fqid=f"{error_id},{_FULL_NAME}",
        category=category,
        message=message,
        exception_types=_EXCEPTIONS,
        activity="Get-CimInstance",
        reason="CimException",
        target_name=target,
        target_type="String",
        target_object=target,
    )
