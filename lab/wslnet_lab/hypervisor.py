"""The virtual machine monitor inside a machine, behind the stand-in `virsh`: which domains, on and off.

One socket per machine that hosts VMs, so that a machine sees and switches its own domains only.
"""

from __future__ import annotations

import ipaddress
import socket
import uuid
from typing import TYPE_CHECKING, Any

from wslnet_lab import faults
from wslnet_lab.errors import LabError
from wslnet_lab.fabric.netns import Namespace
from wslnet_lab.guest_agent import GuestAgent

if TYPE_CHECKING:
    from wslnet_lab.control import Method
    from wslnet_lab.hardware import Hardware
    from wslnet_lab.processes import Process
    from wslnet_lab.topology.model import Machine, Network

# Any fixed namespace will do: a domain's UUID is the same in every lab and after every restart.
_NOT_CONNECTED = "Guest agent is not responding: QEMU guest agent is not connected"
_UUIDS = uuid.UUID("6f1d2c3b-4a59-4e78-9b60-7c8d9eafb0c1")


class Hypervisor:
    """The domains of one machine."""

    def __init__(self, hardware: Hardware, host: Machine) -> None:
        self._hardware = hardware
        self._host = host
        self._ids: dict[str, int] = {}
        self._last_id = 0
        self._agents: dict[str, GuestAgent] = {}
        self._hosts: dict[str, dict[str, list[dict[str, str]]]] = {
            each.name: {"config": [], "live": []} for each in host.networks
        }

    def methods(self) -> dict[str, Method]:
        """What the machine's socket answers to."""
        return {
            "domains": self.domains,
            "networks": self.networks,
            "network_hosts": self.keep_hosts,
            "network_destroy": self.stop_network,
            "network_start": self.start_network,
            "domain_agent": self.ask_agent,
            "domain_links": self.links,
            "domain_start": self.start,
            "domain_shutdown": self.shut_down,
            "domain_destroy": self.destroy,
            "domain_managedsave": self.save,
        }

    def domains(self) -> list[dict[str, Any]]:
        """All domains, running or not, as `virsh` needs them."""
        return [self._describe(each) for each in self._hardware.topology.children(self._host.name)]

    def networks(self) -> list[dict[str, Any]]:
        """The libvirt networks, all of them active; `hosts` are the leases that are kept for a MAC."""
        found = []
        for each in self._host.networks:
            if each.name in self._stopped():
                continue
            interface = ipaddress.ip_interface(each.bridge.address)
            found.append(
                {
                    "name": each.name,
                    "bridge": each.bridge.bridge,
                    "address": str(interface.ip),
                    "first": str(interface.network[2]),
                    "last": str(interface.network[-2]),
                    "hosts": self._hosts[each.name],
                }
            )
        return found

    def keep_hosts(self, name: str, hosts: dict[str, list[dict[str, str]]]) -> None:
        """Sets the leases that a network keeps, in its definition (`config`) and in what runs (`live`)."""
        self._hosts[name] = hosts

    def stop_network(self, name: str) -> None:
        """Takes a network down, with its bridge and its rules."""
        network = self._network(name)
        if name in self._stopped():
            raise LabError(f"Requested operation is not valid: network '{name}' is not active")
        self._hardware.stop_network(self._host, network)

    def start_network(self, name: str) -> None:
        """Brings a network up again and calls the hooks."""
        network = self._network(name)
        if name not in self._stopped():
            raise LabError("Requested operation is not valid: network is already active")
        self._hardware.start_network(self._host, network)

    def _stopped(self) -> set[str]:
        return self._hardware.stopped_networks.get(self._host.name, set())

    def _network(self, name: str) -> Network:
        for each in self._host.networks:
            if each.name == name:
                return each
        raise LabError(f"Network not found: no network with matching name '{name}'")

    def ask_agent(self, name: str, command: dict[str, Any]) -> object:
        """One command of a domain's guest agent."""
        each = self._find(name)
        if faults.has_no_agent(self._hardware.paths, name):
            raise LabError(_NOT_CONNECTED)
        root = self._hardware.paths.machine(each.name).root
        agent = self._agents.setdefault(name, GuestAgent(root, lambda: self._init(each.name)))
        return agent.answer(command)

    def _init(self, name: str) -> Process:
        return self._hardware.inits[name]

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
            "network": next((n.name for n in self._host.networks if n.bridge.bridge == each.bridge), ""),
            "device": each.nic.device if each.nic else "",
        }

    def links(self, name: str) -> list[dict[str, Any]]:
        """The links of a running VM with their addresses, as its guest agent tells them."""
        each = self._find(name)
        with Namespace(self._hardware.paths.netns(each.name)) as inside:
            names = {one["index"]: one for one in inside.netlink("get_links")}
            addresses = inside.netlink("get_addr")
        found = []
        for index, link in names.items():
            told = [
                f"{'ipv4' if one['family'] == socket.AF_INET else 'ipv6'} "
                f"{one.get_attr('IFA_ADDRESS')}/{one['prefixlen']}"
                for one in addresses
                if one["index"] == index
            ]
            device, mac = link.get_attr("IFLA_IFNAME"), link.get_attr("IFLA_ADDRESS")
            found.append({"device": device, "mac": mac, "addresses": told})
        return found
