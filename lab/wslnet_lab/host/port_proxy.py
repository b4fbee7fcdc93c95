r"""portproxy: rules in the registry, and iphlpsvc, which listens for those it was told of (windows-facts 3).

A rule is a value of `Services\PortProxy\v4tov4\tcp`, name `address/port`, data `address/port`. Writing one
does nothing; the service reads them when it starts and when it is told (PARAMCHANGE). The listening is the
hardware's. Only v4tov4 is there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet_lab.host.state.registry import value_of

if TYPE_CHECKING:
    from wslnet_lab.host.hardware import Hardware
    from wslnet_lab.host.state import MachineState

SERVICE = "iphlpsvc"
KEY = r"HKLM:\SYSTEM\CurrentControlSet\Services\PortProxy\v4tov4\tcp"


@dataclass(frozen=True, slots=True)
class ProxyRule:
    """One rule. `listen_address` may be `*`; `connect_address` may be a name."""

    listen_address: str
    listen_port: int
    connect_address: str
    connect_port: int


class PortProxy:
    """The rules and the service of one Windows."""

    def __init__(self, state: MachineState, hardware: Hardware) -> None:
        self._state = state
        self._hardware = hardware

    def rules(self) -> list[ProxyRule]:
        """The rules in the registry; a value that is none is skipped, as the service does."""
        values = self._state.registry.values(KEY, self._state.settings.owner_sid)
        found = (_read(name, str(value.data)) for name, value in values.items())
        return [rule for rule in found if rule is not None]

    def write(self, rule: ProxyRule) -> None:
        """Puts a rule into the registry, over one with the same listener."""
        name = f"{rule.listen_address}/{rule.listen_port}"
        data = value_of(f"{rule.connect_address}/{rule.connect_port}")
        self._state.registry.set(KEY, name, data, self._state.settings.owner_sid)

    def delete(self, listen_address: str, listen_port: int) -> bool:
        """Takes a rule out of the registry; False when there is none."""
        name = f"{listen_address}/{listen_port}"
        return self._state.registry.delete(KEY, name, self._state.settings.owner_sid)

    def reread(self) -> None:
        """The service, if it runs, listens for exactly the rules of now whose ports it is given.

        Raises:
            HardwareError: The hardware refused or did not answer.
        """
        if self._state.services.data[SERVICE]["state"] == "Running":
            self._hardware.portproxy([rule for rule in self.rules() if not self._is_kept(rule.listen_port)])

    def _is_kept(self, port: int) -> bool:
        """Whether nobody is given the port (WSAEACCES): what an administrator excluded can be asked for."""
        rows = self._state.excluded_ports("tcp")
        return any(first <= port <= last for first, last, administered in rows if not administered)

    def end(self) -> None:
        """The service ends: nobody listens, and what it carried is cut.

        Raises:
            HardwareError: The hardware refused or did not answer.
        """
        self._hardware.portproxy([])


def _read(name: str, data: str) -> ProxyRule | None:
    address, _, port = name.rpartition("/")
    target, _, target_port = data.rpartition("/")
    if not address or not target or not port.isdecimal() or not target_port.isdecimal():
        return None
    return ProxyRule(address, int(port), target, int(target_port))
