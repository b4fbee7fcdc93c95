"""All machines of one lab: switched on with their wires, switched off with everything that runs in them.

The order is physics: a machine's wire needs its parent, and its children go before it. WSL's networking
modes are `utility_vm`'s; what the fabric does with packets is not known here.
"""

from __future__ import annotations

import os
import shlex
import signal
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from wslnet_lab import dhcp_servers, faults, libvirt_hooks, machine, netns, processes, sshd, state
from wslnet_lab.errors import LabError, UsageError
from wslnet_lab.fabric import hyperv_firewall, lan, links, nat, nested, rule_sets, windows_ip
from wslnet_lab.fabric import netns as fabric_netns
from wslnet_lab.fabric.model import TapWire
from wslnet_lab.init import PATH
from wslnet_lab.processes import Process
from wslnet_lab.windows_adapters import adapters_of_boot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from wslnet_lab.fabric.model import Nic
    from wslnet_lab.paths import LabPaths
    from wslnet_lab.topology.model import Machine, Network, Topology, WindowsAdapter

SSH_TIMEOUT_S = 15.0
WINDOWS_TIMEOUT_S = 30.0
WINRM_PORT = 5985
HYPERVISOR_SOCKET = "/run/libvirt/libvirt-sock"
CONSOLES_SOCKET = "/run/libvirt/consoles"
WSL_SOCKET = "/run/WSL/info"


class Hardware:
    """The machines of a lab. Methods that switch take the lock; one switches at a time.

    Attributes:
        inits: Process 1 of each machine that is on.
        addresses: The address that each machine has now.
        before_windows_stops: Called when Windows goes down, while it still runs.
        absent_adapters: Names of Windows' adapters that were taken out since its boot.
        stopped_networks: By machine, names of libvirt networks that were taken down since its boot.
        unwire: By kind of machine: takes its wires away when all in it has ended.
    """

    def __init__(self, paths: LabPaths, topology: Topology) -> None:
        self.paths = paths
        self.topology = topology
        self.lock = threading.RLock()
        self.inits: dict[str, Process] = {}
        self.addresses: dict[str, str | None] = {}
        self.before_windows_stops: list[Callable[[], None]] = []
        self.unwire: dict[str, Callable[[Machine], None]] = {
            "windows": self._unplug_windows,
            "vm": self._unplug_vm,
        }
        self._saved: dict[str, dict[str, Process]] = {}
        self._daemon = Process.of(os.getpid())
        self._windows_boots = 0
        self._hooked: dict[str, bool] = {}
        self.stopped_networks: dict[str, set[str]] = {}
        self.absent_adapters: set[str] = set()

    # ---- reading -------------------------------------------------------------------------------------

    def is_saved(self, name: str) -> bool:
        """Whether a VM is off and its memory kept."""
        return name in self._saved

    def running(self, name: str) -> bool:
        """Whether a machine is on."""
        init = self.inits.get(name)
        return init is not None and init.alive()

    def find(self, name: str) -> Machine:
        """A machine of this lab.

        Raises:
            UsageError: There is none of that name.
        """
        try:
            return self.topology.machines[name]
        except KeyError:
            raise UsageError(f"no machine {name!r}; there is {', '.join(self.topology.machines)}") from None

    def windows_adapters(self) -> tuple[WindowsAdapter, ...]:
        """Windows' adapters as its present boot has them, less those that were taken out."""
        found = adapters_of_boot(self.topology.one("windows"), self._windows_boots)
        return tuple(one for one in found if one.name not in self.absent_adapters)

    def snapshot(self) -> state.LabState:
        """What the state file says."""
        return state.LabState(
            name=self.paths.name,
            topology=self.topology.name,
            inventory=str(self.paths.inventory),
            daemon=self._daemon,
            machines={
                each.name: state.MachineState(
                    netns=self.paths.netns(each.name),
                    root=str(self.paths.machine(each.name).root),
                    address=self.addresses.get(each.name),
                    parent=each.parent,
                    init=self.inits.get(each.name),
                )
                for each in self.topology.machines.values()
            },
        )

    # ---- switching -----------------------------------------------------------------------------------

    def start_lan_machine(self, each: Machine) -> None:
        """Switches the router or a peer on."""
        with self.lock:
            self.prepare(each)
            if each.nic is None:
                raise LabError(f"topology: {each.name} has no card")
            name = self.paths.netns(each.name)
            if each.kind == "gateway":
                lan.build_switch(name, each.nic)
            else:
                self._plug_lan(each, each.nic.device)
            self.boot_linux(each, address=each.address)

    def start_windows(self, *, resumed: bool = False) -> None:
        """Switches Windows on; WSL is not started.

        Args:
            resumed: A Fast-Startup power-on: the kernel session goes on with its network as it was.
        """
        with self.lock:
            windows = self.topology.one("windows")
            if not resumed:
                self._windows_boots += 1
                self.absent_adapters.clear()
                self.prepare(windows)
                self._wire_windows(windows)
            host = [sys.executable, "-m", "wslnet_lab.host", "--lab", str(self.paths.folder)]
            if resumed:
                host.append("--resumed")
            self.paths.windows_ready.unlink(missing_ok=True)
            path = f"{Path(sys.executable).parent}:{PATH}"
            self.inits[windows.name] = machine.boot(self.paths, windows, [host], binds=[], path=path)
            uplink = next(a for a in windows.adapters if a.nic.gateway)
            self.addresses[windows.name] = uplink.nic.addresses[0].partition("/")[0]
            self.save()

    def _wire_windows(self, windows: Machine) -> None:
        name = self.paths.netns(windows.name)
        for adapter in self.windows_adapters():
            if self._is_cabled(adapter):
                self._plug_lan(windows, adapter.nic.device)
            elif adapter.kind in ("physical", "vpn", "vmware"):
                add_idle_adapter(name, adapter)
        windows_ip.prepare(name)
        hyperv_firewall.apply(name, hyperv_firewall.Policy())
        for adapter in self.windows_adapters():
            if adapter.kind == "default-switch":
                nat.ensure_switch(name, adapter.nic)

    def start_vm(self, each: Machine) -> None:
        """Switches a virtual machine on; its parent must be on."""
        with self.lock:
            if self.running(each.name):
                raise LabError(f"{each.name} runs already")
            if each.parent is None or each.nic is None or not self.running(each.parent):
                raise LabError(f"{each.name}: the machine it runs in is off")
            if each.name in self._saved:
                self._resume(each, TapWire(bridge=each.bridge, tap=each.tap, nic=each.nic))
                return
            self.stop(each.name)  # it may have died by itself, and left its wire and VMs
            self.prepare(each)
            wire = TapWire(bridge=each.bridge, tap=each.tap, nic=each.nic)
            nested.plug(self.paths.netns(each.parent), self.paths.netns(each.name), wire)
            self.boot_linux(each, address=each.address)

    def save_vm(self, each: Machine) -> None:
        """Freezes a VM with everything in it, as a memory image on its host's disk does.

        It is off until it is started, and no stop of its host touches it.
        """
        with self.lock:
            if each.parent is None or not self.running(each.name):
                raise LabError("Requested operation is not valid: domain is not running")
            nested.park(self.paths.netns(each.parent), self.paths.netns(each.name), each.tap)
            inside = [one.name for one in self.topology.subtree(each.name)]
            self._signal(inside, signal.SIGSTOP)
            self._saved[each.name] = {name: self.inits.pop(name) for name in inside if name in self.inits}
            self.addresses |= dict.fromkeys(inside)
            self.save()

    def _resume(self, each: Machine, wire: TapWire) -> None:
        nested.unpark(self.paths.netns(each.parent or ""), self.paths.netns(each.name), wire)
        inits = self._saved.pop(each.name)
        self.inits |= inits
        self.addresses |= {name: self.topology.machines[name].address for name in inits}
        self._signal(inits, signal.SIGCONT)
        self.save()

    def _signal(self, machines: Iterable[str], number: signal.Signals) -> None:
        spaces = [self.paths.netns(name) for name in machines]
        processes.signal_all({netns.identity(name) for name in spaces if fabric_netns.exists(name)}, number)

    def prepare(self, each: Machine) -> None:
        """Makes the namespace of a machine that is off."""
        netns.expect_mount()
        fabric_netns.create(self.paths.netns(each.name))

    def boot_linux(self, each: Machine, *, address: str | None) -> None:
        """Boots a wired Linux machine: process 1 with sshd, then libvirt's networks."""
        binds = []
        where = self.paths.machine(each.name)
        # Only there: elsewhere a libvirt of the test's own may want these places.
        if each.networks:
            binds.append([str(where.hypervisor), HYPERVISOR_SOCKET])
            binds.append([str(where.consoles), CONSOLES_SOCKET])
        if each.kind == "wsl":
            binds.append([str(where.hypervisor), WSL_SOCKET])
            binds.append([str(self.paths.machine("windows").root), "/mnt/c"])
        silent = faults.refuses_ssh(self.paths, each.name)
        self.inits[each.name] = machine.boot(
            self.paths, each, [list(sshd.ARGV), *map(list, each.services)], binds=binds, silent=silent
        )
        self.addresses[each.name] = address
        name = self.paths.netns(each.name)
        root = self.paths.machine(each.name).root
        self.stopped_networks[each.name] = set()
        self._hooked[each.name] = libvirt_hooks.present(root)
        for network in each.networks:
            nested.start_network(name, network.bridge, network.generation, each.iptables)
            dhcp_servers.start(self.inits[each.name], root, network)
            self._call_hooks(each, network, "started")
            with fabric_netns.Namespace(name) as inside:
                for position, rule in enumerate(network.forward, start=1):
                    inside.run([each.iptables, "-I", "FORWARD", str(position), *shlex.split(rule)])
        for rule_set in each.rule_sets:
            rule_sets.load(name, rule_set, each.iptables)
        self.save()

    def stop_network(self, each: Machine, network: Network) -> None:
        """Does what `virsh net-destroy` does: the network's bridge and rules go, its VMs are cut off."""
        with self.lock:
            space = self.paths.netns(each.name)
            dhcp_servers.stop(self.inits[each.name], self.paths.machine(each.name).root, network)
            nested.stop_network(space, network.bridge, network.generation, each.iptables)
            self.stopped_networks[each.name].add(network.name)
            self._call_hooks(each, network, "stopped")

    def start_network(self, each: Machine, network: Network) -> None:
        """Does what `virsh net-start` does, and plugs running VMs in again, as libvirtd's restart does."""
        with self.lock:
            space = self.paths.netns(each.name)
            nested.start_network(space, network.bridge, network.generation, each.iptables, again=True)
            dhcp_servers.start(self.inits[each.name], self.paths.machine(each.name).root, network)
            self.stopped_networks[each.name].discard(network.name)
            for vm in self.topology.children(each.name):
                plugged = vm.bridge == network.bridge.bridge and self.running(vm.name)
                if plugged and vm.nic is not None:
                    nested.replug(space, TapWire(bridge=vm.bridge, tap=vm.tap, nic=vm.nic))
            self._call_hooks(each, network, "started")

    def _call_hooks(self, each: Machine, network: Network, operation: str) -> None:
        if self._hooked.get(each.name):
            root = self.paths.machine(each.name).root
            libvirt_hooks.call(self.inits[each.name], root, network, operation)

    def stop(self, name: str, *, orderly: bool = True) -> None:
        """Switches a machine off and everything that runs in it, deepest first. Off already: nothing."""
        with self.lock:
            kept = {one.name for saved in self._saved for one in self.topology.subtree(saved)}
            for each in reversed(self.topology.subtree(name)):
                if each.name in kept:
                    continue  # what is saved lies on a disk
                if each.kind == "windows":
                    self._cut_connections()
                space = self.paths.netns(each.name)
                machine.end(space, self.inits.pop(each.name, None), orderly=orderly)
                self.addresses[each.name] = None
                # The namespace dies some time after its name goes; its wires must be free at once.
                if fabric_netns.exists(space) and each.kind in self.unwire:
                    self.unwire[each.kind](each)
                fabric_netns.remove(space)
            self.save()

    def start_vms(self, parent: str) -> None:
        """Switches on the virtual machines of a machine that has just been switched on."""
        with self.lock:
            for vm in self.topology.children(parent):
                self.start_vm(vm)

    def suspend_windows(self) -> None:
        """Ends what runs in Windows but not its network: a shutdown with Fast Startup."""
        with self.lock:
            windows = self.topology.one("windows")
            self._cut_connections()
            machine.end(self.paths.netns(windows.name), self.inits.pop(windows.name, None), orderly=True)

    def reap(self) -> None:
        """Takes the exits of machines that ended by themselves or were killed from outside."""
        for init in list(self.inits.values()):
            machine.reap(init, wait=False)

    def save(self) -> None:
        """Writes the state file."""
        state.write(self.paths, self.snapshot())

    def wait_answering(self, each: Machine) -> None:
        """Waits until the machine's own server answers: sshd, or Windows' WinRM (which says so in a file).

        Raises:
            LabError: It does not in time.
        """
        name = self.paths.netns(each.name)
        if each.is_linux:
            if not faults.refuses_ssh(self.paths, each.name):
                netns.wait_port(name, sshd.PORT, SSH_TIMEOUT_S)
        else:
            deadline = time.monotonic() + WINDOWS_TIMEOUT_S
            while not self.paths.windows_ready.exists():
                if time.monotonic() > deadline:
                    raise LabError(f"Windows does not boot, see {self.paths.log / 'windows.log'}")
                time.sleep(0.02)

    def _cut_connections(self) -> None:
        for act in self.before_windows_stops:
            act()

    def _unplug_windows(self, windows: Machine) -> None:
        with fabric_netns.Namespace(self.paths.netns(windows.name)) as inside:
            for adapter in windows.adapters:
                links.remove(inside, adapter.nic.device)

    def _unplug_vm(self, vm: Machine) -> None:
        if vm.parent is not None and fabric_netns.exists(self.paths.netns(vm.parent)):
            nested.unplug(self.paths.netns(vm.parent), vm.tap)

    def _is_cabled(self, adapter: WindowsAdapter) -> bool:
        """Whether its packets go to the local network: of a card on an External switch only the host's do."""
        shared = {one.nic.mac for one in self.windows_adapters() if one.kind == "external"}
        own = adapter.kind == "physical" and adapter.nic.connected and adapter.nic.mac not in shared
        return own or adapter.kind == "external"

    def plug_lan(self, each: Machine, card: Nic) -> None:
        """Lays a cable from the local network's switch to a card of a machine."""
        gateway = self.topology.one("gateway")
        if gateway.nic is None:
            raise LabError("topology: the gateway has no card")
        lan.plug(self.paths.netns(gateway.name), gateway.nic.device, self.paths.netns(each.name), card)

    def unplug_lan(self, card: Nic) -> None:
        """Takes that cable away; none there: nothing."""
        gateway = self.paths.netns(self.topology.one("gateway").name)
        if fabric_netns.exists(gateway):
            lan.unplug(gateway, card.mac)

    def _plug_lan(self, each: Machine, device: str) -> None:
        cards = [each.nic, *(a.nic for a in each.adapters)]
        self.plug_lan(each, next(nic for nic in cards if nic is not None and nic.device == device))


def add_idle_adapter(namespace: str, adapter: WindowsAdapter) -> None:
    """Gives Windows an adapter that no cable of the lab ends in."""
    nic = adapter.nic
    windows_ip.add_idle_adapter(
        namespace, nic.device, nic.mac, *nic.addresses, connected=nic.connected, mtu=nic.mtu
    )
