"""The virtual machine monitor inside a machine, behind the stand-in `virsh`: which domains, on and off.

One socket per machine that hosts VMs, so that a machine sees and switches its own domains only.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from wslnet_lab.errors import LabError

if TYPE_CHECKING:
    from wslnet_lab.control import Method
    from wslnet_lab.hardware import Hardware
    from wslnet_lab.topology.model import Machine

# Any fixed namespace will do: a domain's UUID is the same in every lab and after every restart.
_UUIDS = uuid.UUID("6f1d2c3b-4a59-4e78-9b60-7c8d9eafb0c1")


class Hypervisor:
    """The domains of one machine."""

    def __init__(self, hardware: Hardware, host: Machine) -> None:
        self._hardware = hardware
        self._host = host
        self._ids: dict[str, int] = {}
        self._last_id = 0

    def methods(self) -> dict[str, Method]:
        """What the machine's socket answers to."""
        return {
            "domains": self.domains,
            "networks": self.networks,
            "domain_start": self.start,
            "domain_shutdown": self.shut_down,
            "domain_destroy": self.destroy,
            "domain_managedsave": self.save,
        }

    def domains(self) -> list[dict[str, Any]]:
        """All domains, running or not, as `virsh` needs them."""
        return [self._describe(each) for each in self._hardware.topology.children(self._host.name)]

    def networks(self) -> list[dict[str, str]]:
        """The libvirt networks, all of them active."""
        return [{"name": each.name, "bridge": each.bridge.bridge} for each in self._host.networks]

    def start(self, name: str) -> None:
        """Switches a domain on and waits until it answers."""
        each = self._find(name)
        self._hardware.start_vm(each)
        self._hardware.wait_answering(each)

    def shut_down(self, name: str) -> None:
        """Asks a domain to shut down; here that is done when this returns."""
        self._hardware.stop(self._find(name).name)

    def save(self, name: str) -> None:
        """Keeps a domain's memory and ends it; its next start goes on where it was."""
        self._hardware.save_vm(self._find(name))

    def destroy(self, name: str) -> None:
        """Pulls a domain's plug."""
        self._hardware.stop(self._find(name).name, orderly=False)

    def _find(self, name: str) -> Machine:
        for each in self._hardware.topology.children(self._host.name):
            if each.name == name:
                return each
        raise LabError(f"Domain not found: no domain with matching name '{name}'")

    def _describe(self, each: Machine) -> dict[str, Any]:
        running = self._hardware.running(each.name)
        if running and each.name not in self._ids:
            self._last_id += 1
            self._ids[each.name] = self._last_id
        if not running:
            self._ids.pop(each.name, None)
        return {
            "id": str(self._ids.get(each.name, "-")),
            "name": each.name,
            "uuid": str(uuid.uuid5(_UUIDS, each.name)),
            "state": "running" if running else "shut off",
            "saved": self._hardware.is_saved(each.name),
            "tap": each.tap,
            "mac": each.nic.mac if each.nic else "",
            "address": each.nic.addresses[0] if each.nic else "",
        }
