"""Makes the hardware obey both firewalls: after each change of them or of a category, at WSL's start.

One place that turns stores into what holds now and hands it down; it changes no store.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wslnet_lab.host.hardware import HostZone
from wslnet_lab.host.state.host_policy import POLICIES, PROFILE_NAMES, host_policy
from wslnet_lab.host.state.policy import effective_policy, merged_rules

if TYPE_CHECKING:
    from wslnet_lab.host.hardware import Adapter, Hardware
    from wslnet_lab.host.state import MachineState

_MPSSVC = r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\MpsSvc\Parameters"


# Windows cannot identify what is behind its own switches, so these networks are public.
_SWITCHES = frozenset({"wsl-nat", "default-switch", "fse"})


class FirewallEnforcement:
    """Pushes the effective policy of one Windows to its hardware."""

    def __init__(self, state: MachineState, hardware: Hardware) -> None:
        self._state = state
        self._hardware = hardware

    def push(self) -> None:
        """Hands the policy that holds now to the hardware.

        Raises:
            HardwareError: The daemon refused it or did not answer.
        """
        self._hardware.hyperv_firewall(
            effective_policy(
                self._state.firewall,
                category=self.wsl_category(),
                host_rules=self._host_rules(),
                switched_off=not self.wanted(),
            )
        )
        if self._state.settings.host_firewall:
            self._hardware.host_firewall(self._zones())

    def available(self) -> bool:
        """Whether Windows has it and the registry does not switch it off (wsl-facts 2.1)."""
        disabled = self._state.registry.get(_MPSSVC, "HyperVFirewallDisable", self._state.settings.owner_sid)
        return self._state.settings.hyperv_firewall and disabled != 1

    def wanted(self) -> bool:
        """Whether it is available and WSL did not start with `firewall=false`."""
        return self.available() and bool(self._state.boot.data["wsl_firewall"])

    def profile_policy(self, profile: str, name: str) -> int | None:
        """What Group Policy says of a profile (`Public` …), such as AllowLocalPolicyMerge; None: nothing."""
        key = rf"{POLICIES}\{profile}Profile"
        value = self._state.registry.get(key, name, self._state.settings.owner_sid)
        return value if isinstance(value, int) else None

    def merged_rules(self) -> list[dict[str, Any]]:
        """The host's rules that hold for WSL too, in the form of Hyper-V rules (wsl-facts 2.3)."""
        return merged_rules(self._state.firewall, self._host_rules())

    def guid_of(self, alias: str) -> str | None:
        """The GUID of the adapter of this name; None when there is none."""
        return next((one.guid for one in self._hardware.adapters() if one.name == alias), None)

    def wsl_category(self) -> str:
        """The category that counts for WSL: that of the adapter with the best default route."""
        adapters = {adapter.index: adapter for adapter in self._hardware.adapters()}
        defaults = sorted(
            (route.metric, route.index)
            for route in self._hardware.routes()
            if route.dst in {"default", "0.0.0.0/0"} and route.index in adapters
        )
        return self.category(adapters[defaults[0][1]]) if defaults else "Public"

    def category(self, adapter: Adapter) -> str:
        """The category of an adapter's network: what Set-NetConnectionProfile made it, else as it came."""
        return str(self._state.network.data["categories"].get(adapter.guid, adapter.category))

    def _zones(self) -> tuple[HostZone, ...]:
        cards = [one for one in self._hardware.adapters() if one.device and one.kind not in _SWITCHES]
        rules = self._host_rules()
        return tuple(
            HostZone(
                category,
                tuple(str(one.device) for one in cards if self.category(one) == category),
                host_policy(
                    rules,
                    category,
                    enabled=self.profile_policy(profile, "EnableFirewall") != 0,
                    local_rules=self.profile_policy(profile, "AllowLocalPolicyMerge") != 0,
                ),
            )
            for category, profile in PROFILE_NAMES.items()
        )

    def _host_rules(self) -> list[dict[str, object]]:
        persistent = self._state.persistent_firewall.data["host_rules"].values()
        return [*persistent, *self._state.boot.data["firewall_rules"].values()]
