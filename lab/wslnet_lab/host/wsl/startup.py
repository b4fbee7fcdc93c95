"""One start of WSL's machine: file read, mode decided, firewall in force, hardware booted, address kept.

The boot itself is the hardware's. Every start reads the file anew and never looks at it afterwards
(wsl-facts 1.1).
"""

from __future__ import annotations

import ipaddress
from dataclasses import asdict
from typing import TYPE_CHECKING

from wslnet_lab.host.state.disk import SharingViolation, normal_path
from wslnet_lab.host.state.registry import value_of
from wslnet_lab.host.wsl.config import MalformedMac, WslConfig, parse_config
from wslnet_lab.host.wsl.config_keys import CONSOMME
from wslnet_lab.host.wsl.distros import LXSS
from wslnet_lab.host.wsl.failure import WslFailure
from wslnet_lab.host.wsl.guest_settings import guest_settings
from wslnet_lab.host.wsl.idle import IdleTimes
from wslnet_lab.host.wsl.messages import Message, say
from wslnet_lab.host.wsl.mode import Conditions, Decision, decide, version_numbers
from wslnet_lab.host.wsl.nat_range import NatRange, Remembered, choose
from wslnet_lab.host.wsl.port_block import has_block

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wslnet_lab.host.enforcement import FirewallEnforcement
    from wslnet_lab.host.hardware import Hardware, HardwareError
    from wslnet_lab.host.state import MachineState

# Faults of `lab break`: Windows' network engine fails while the machine is made (wsl-facts 2.1).
INIT_FAULTS = {
    "Mirrored": "wsl-mirrored-init-fails",
    "Nat": "wsl-nat-init-fails",
    "Consomme": "wsl-consomme-init-fails",
}
NO_NAT_NETWORK = "wsl-nat-network-fails"
"""Fault of `lab break`: the engine works and Windows cannot make the network of NAT mode."""

STEERING_LEFT = "hns-keeps-steering"
"""Fault of `lab break`: a network of mirrored mode without firewall is left in this boot of Windows."""

# A NAT network that cannot be made leads to consomme since then, under the name of before 2.9.
_CONSOMME_SINCE, _CONSOMME = (2, 3, 25), "Consomme"

_LXSS_MACHINE = r"HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Lxss"
_POLICIES = r"HKLM:\SOFTWARE\Policies\WSL"
_TCPIP6 = r"HKLM:\SYSTEM\CurrentControlSet\Services\Tcpip6\Parameters"
_SERVICES = {"Mirrored": ("hns",), "Nat": ("hns", "SharedAccess")}
"""Without them Windows makes no network of the mode: ERROR_SERVICE_DISABLED (wsl-facts 2.1, 6 no. 39)."""

_SERVICE_DISABLED, _NO_PORTS = "0x80070422", "0x8007054f"
_CREATE = "Wsl/Service/CreateInstance/CreateVm"
_NETWORK = "CreateInstance/CreateVm/ConfigureNetworking"
_IPV6_OFF = 0xFF


class Startup:
    """Starts the machine of the owner of this Windows."""

    def __init__(self, state: MachineState, hardware: Hardware, firewall: FirewallEnforcement) -> None:
        self._state = state
        self._hardware = hardware
        self._firewall = firewall

    def run(self, distro: str) -> tuple[Message, ...]:
        """Starts the machine for `distro` and gives the warnings, which go to the event log too.

        Raises:
            WslFailure: The machine cannot be made.
            HardwareError: The hardware failed; nothing of Windows explains it.
        """
        config, unreadable = self._read_config()
        conditions = self._conditions(config)
        decision = decide(config, conditions)
        warnings = [*unreadable, *config.warnings, *decision.warnings]
        nat = self._nat_range() if decision.mode == "Nat" else NatRange()
        warnings += nat.warnings
        mode, fallback = self._reachable_mode(decision, config)
        warnings += fallback
        with self._state.boot.change() as boot:
            boot["wsl_firewall"] = decision.firewall
            boot["wsl_idle"] = asdict(IdleTimes.of(config))
        # Registered and in force before the first packet.
        self._state.firewall.register_wsl()
        self._firewall.push()
        settings = guest_settings(
            config,
            decision,
            distro,
            nat=nat,
            adapters=conditions.ipv6_components != _IPV6_OFF,
        )
        address, gateway = self._hardware.wsl_start(
            mode.lower(), settings, nat.address if mode == "Nat" else None
        )
        if mode == "Nat" and address is not None:
            self.remember_nat(address, gateway)
        self._log(warnings)
        return tuple(warnings)

    def remember_nat(self, address: str, gateway: str | None) -> None:
        """Writes back what NAT came up with, so that it stays from start to start (wsl-facts 1.3).

        Args:
            address: The guest's.
            gateway: Windows' end; None: whatever address WSL's adapter has.
        """
        sid = self._state.settings.owner_sid
        registry = self._state.registry
        registry.set(LXSS, "NatIpAddress", value_of(address), sid)
        for adapter in self._hardware.adapters():
            for own in adapter.addresses:
                if adapter.kind == "wsl-nat" and own.family == 4 and own.address == (gateway or own.address):  # noqa: PLR2004 - IPv4
                    network = ipaddress.ip_interface(f"{own.address}/{own.prefix}").network
                    registry.set(_LXSS_MACHINE, "NatGatewayIpAddress", value_of(own.address), sid)
                    registry.set(_LXSS_MACHINE, "NatNetwork", value_of(str(network)), sid)

    def keep_idle_times(self) -> None:
        """Notes how long a machine may be idle that was started before this Windows answered."""
        try:
            config, _ = self._read_config()
        except WslFailure:
            config = WslConfig()  # this file starts no machine, so it did not start this one
        with self._state.boot.change() as boot:
            boot["wsl_idle"] = asdict(IdleTimes.of(config))

    def _read_config(self) -> tuple[WslConfig, list[Message]]:
        path = self._state.wslconfig_path()
        try:
            content = self._state.disk.read(path)
        except FileNotFoundError:
            return WslConfig(), []
        except SharingViolation:
            return WslConfig(), [Message("config-unreadable", (path, "ERROR_SHARING_VIOLATION"))]
        try:
            return parse_config(content, path, self._version()), []
        except MalformedMac as error:
            raise WslFailure(Message("bad-mac", (str(error), path)), f"{_CREATE}/E_INVALIDARG") from error

    def _conditions(self, config: WslConfig) -> Conditions:
        settings = self._state.settings
        kernel = settings.kernel_version
        custom = config.get("wsl2.kernel")
        if custom:
            place = normal_path(str(custom), settings.home)
            if place is None or self._state.disk.locate(place) is None:
                message = Message("no-kernel", (str(custom), self._state.wslconfig_path()))
                raise WslFailure(message, f"{_CREATE}/WSL_E_CUSTOM_KERNEL_NOT_FOUND")
            kernel = settings.custom_kernel_version
        policies = self._values(_POLICIES)
        return Conditions(
            windows=(settings.build, settings.revision),
            wsl=self._version(),
            kernel=version_numbers(kernel),
            firewall=self._firewall.available() and not self._steers_without_firewall(),
            compute_network=settings.compute_network,
            ipv6_components=_number(self._values(_TCPIP6), "DisabledComponents", 0),
            default_mode=_number(policies, "DefaultNetworkingMode", 1),
            mode_is_users=_number(policies, "AllowNetworkingModeUserSetting", 1) != 0,
            firewall_is_users=_number(policies, "AllowFirewallUserSetting", 1) != 0,
        )

    def _steers_without_firewall(self) -> bool:
        """HNS cannot change a network's firewall flag within one boot, and WSL then does without (2.1)."""
        left = STEERING_LEFT in self._state.faults()
        return left and any(one.kind == "fse" for one in self._hardware.adapters())

    def _reachable_mode(self, decision: Decision, config: WslConfig) -> tuple[str, list[Message]]:
        """The mode that comes up: consomme for a NAT without network, else None (wsl-facts 2.1)."""
        mode = decision.mode
        if mode == "None":
            return mode, []
        fallback = Message("network-fallback", (mode, "None"))
        if mode == "Bridged":
            return self._bridged(str(config.get("wsl2.vmSwitch", "")), fallback)
        code = self._engine_code(mode)
        if code is not None:
            return "None", [Message("error-code", (f"{_NETWORK}/{code}",)), fallback]
        if self._lacks_service(mode):
            told = Message("error-code", (f"{_NETWORK}/{_SERVICE_DISABLED}",))
            instead, words = self._without_nat(fallback) if mode == "Nat" else ("None", [fallback])
            return instead, [told, *words]
        if mode == "Nat" and NO_NAT_NETWORK in self._state.faults():
            return self._without_nat(fallback)
        return self._spelt(mode), []

    def _lacks_service(self, mode: str) -> bool:
        rows = self._state.services.data
        return any(rows[name]["start"] == "Disabled" for name in _SERVICES.get(mode, ()))

    def _engine_code(self, mode: str) -> str | None:
        """What Windows' network engine fails with; for a mirrored guest HNS has to find a block of ports."""
        fault = self._state.faults().get(INIT_FAULTS[_spelt_new(mode)])
        if fault is not None:
            return str(fault.get("code", _NO_PORTS))
        dynamic = self._state.boot.data["dynamic_ports"]
        found = all(has_block(ports, self._state.excluded_ports(proto)) for proto, ports in dynamic.items())
        return None if mode != "Mirrored" or found else _NO_PORTS

    def _bridged(self, switch: str, fallback: Message) -> tuple[str, list[Message]]:
        """Only an External switch carries WSL (microsoft/WSL#9251); the host's own adapter on it names it."""
        external = {one.name.lower() for one in self._hardware.adapters() if one.kind == "external"}
        if f"vethernet ({switch})".lower() in external:
            return "Bridged", []
        kind = "vswitch-not-found" if switch else "vswitch-not-set"
        code = f"{_NETWORK}/WSL_E_{kind.upper().replace('-', '_').replace('VSWITCH', 'VMSWITCH')}"
        return "None", [Message(kind, (switch,)), Message("error-code", (code,)), fallback]

    def _without_nat(self, fallback: Message) -> tuple[str, list[Message]]:
        if self._version() < _CONSOMME_SINCE or INIT_FAULTS[_CONSOMME] in self._state.faults():
            return "None", [fallback]
        instead = self._spelt(_CONSOMME)
        return instead, [Message("network-fallback", ("Nat", instead))]

    def _spelt(self, mode: str) -> str:
        """The mode's name in this version of WSL, which `wslinfo` says too."""
        if _spelt_new(mode) != _CONSOMME:
            return mode
        return _CONSOMME if self._version() >= CONSOMME else "VirtioProxy"

    def _nat_range(self) -> NatRange:
        machine, own = self._values(_LXSS_MACHINE), self._values(LXSS)
        network, gateway = (_text(machine, name) for name in ("NatNetwork", "NatGatewayIpAddress"))
        remembered = Remembered(network, gateway, _text(own, "NatIpAddress"))
        return choose(remembered, self._hardware.adapters())

    def _log(self, warnings: list[Message]) -> None:
        for warning in warnings:
            self._state.log_event("WSL", "Warning", say(warning, self._state.culture()))

    def _values(self, path: str) -> Mapping[str, object]:
        values = self._state.registry.values(path, self._state.settings.owner_sid)
        return {name: value.data for name, value in values.items()}

    def _version(self) -> tuple[int, ...]:
        return version_numbers(self._state.settings.wsl_version or "0")


def _spelt_new(mode: str) -> str:
    return _CONSOMME if mode == "VirtioProxy" else mode


def _number(values: Mapping[str, object], name: str, default: int) -> int:
    data = values.get(name, default)
    return data if isinstance(data, int) else default


def _text(values: Mapping[str, object], name: str) -> str | None:
    found = values.get(name)
    return str(found) if found else None


def start_failure(error: HardwareError) -> WslFailure:
    """What wsl.exe says when the machine below it fails."""
    return WslFailure(Message("start-failed", (str(error),)), f"{_CREATE}/E_FAIL")
