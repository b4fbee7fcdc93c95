"""WSL's utility VM: started in one of its networking modes, stopped with everything in it.

What wsl.exe decides (which mode, which warnings) is the Windows host's; here the chosen mode becomes wires,
a booted machine, and in mirrored mode a look at its bound ports twice a second.
"""

from __future__ import annotations

import dataclasses
import logging
import signal
import threading
import time
import uuid
from typing import TYPE_CHECKING, Any

from wslnet_lab import faults, netns, processes, relays, wsl_conf
from wslnet_lab.errors import LabError, UsageError
from wslnet_lab.fabric import bridged, consomme, links, mirrored, nat, steering
from wslnet_lab.fabric import netns as fabric_netns
from wslnet_lab.fabric.model import MirroredHost, NatLink, Nic
from wslnet_lab.fabric.netns import FabricError
from wslnet_lab.hardware import Hardware, add_idle_adapter
from wslnet_lab.host.state.settings import Settings
from wslnet_lab.host.wsl.mode import version_numbers
from wslnet_lab.install import usual_hosts
from wslnet_lab.nat_cards import card_of, switch_of
from wslnet_lab.port_tracker import PortTracker
from wslnet_lab.relay.names import PROXY, TUNNEL

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping

    from wslnet_lab.port_tracker import Bind
    from wslnet_lab.topology.model import Machine, WindowsAdapter

_LOG = logging.getLogger(__name__)
_REFRESH_S = 0.5
_REFRESH_END_TIMEOUT_S = 5.0
_TUNNEL = "10.255.255.254"  # WSL's DNS tunnelling (wsl-facts 2.1)
DOMAIN = "office.test"
"""Where Windows has its names from: the topology's machines that have an address of their own."""
_CONSOMME = frozenset({"consomme", "virtioproxy"})
MODES = ("nat", "mirrored", "bridged", "consomme", "virtioproxy", "none")


class UtilityVm:
    """The one utility VM of a lab. Starting and stopping take the hardware's lock."""

    def __init__(self, hardware: Hardware) -> None:
        self._hardware = hardware
        self._machine = hardware.topology.one("wsl")
        self._name = hardware.paths.netns(self._machine.name)
        self._windows = hardware.paths.netns(hardware.topology.one("windows").name)
        self._mode: str | None = None
        self._settings: Mapping[str, Any] = {}
        self._gateway: str | None = None
        self._since: float | None = None
        self._vm_id = ""
        self._stop_refreshing = threading.Event()
        self._refreshing: threading.Thread | None = None
        self._mirroring: mirrored.Mirroring | None = None
        self._relays: list[subprocess.Popen[bytes]] = []
        self._distro_ended = False
        self._tracker: PortTracker | None = None
        hardware.unwire["wsl"] = self._unplug

    def start(self, mode: str, settings: Mapping[str, Any], address: str | None) -> dict[str, str | None]:
        """Boots it; when it runs already it is left as it is.

        Args:
            mode: One of `MODES`; `virtioproxy` is the name of `consomme` before WSL 2.9.
            settings: Values of .wslconfig that the guest's network depends on.
            address: The guest's address in NAT mode; None: the topology's.

        Returns:
            The guest's address and gateway, None where it has none.

        Raises:
            LabError: Unknown mode, Windows is off, or the guest does not boot (then it is off again).
        """
        if mode not in MODES:
            raise UsageError(f"WSL has no networking mode {mode!r} here; there is {', '.join(MODES)}")
        with self._hardware.lock:
            if not self._hardware.running(self._machine.name):
                if not self._hardware.running("windows"):
                    raise LabError("Windows is off")
                self.stop()  # it may have died by itself, and left its wires and VMs
                self._hardware.prepare(self._machine)
                self._mode, self._settings, self._vm_id = mode, dict(settings), str(uuid.uuid4())
                try:
                    self._boot(mode, address)
                except (LabError, FabricError):
                    self.stop()
                    raise
                self._since = time.time()
                self._distro_ended = False
            return {"address": self._hardware.addresses[self._machine.name], "gateway": self._gateway}

    def _boot(self, mode: str, address: str | None) -> None:
        at = self._wire(mode, address)
        names = self._answer_names(mode)
        if mode == "mirrored":
            ports = self._hardware.paths.ports
            self._tracker = PortTracker(ports, netns.identity(self._name), self._refuses)
        self._hardware.boot_linux(self._machine, address=at)
        self._hardware.wait_answering(self._machine)
        if self._mirroring is not None:
            self._follow(self._mirroring)
        elif mode != "none" and self._settings.get("localhost_forwarding", True):
            # In consomme mode what the guest sends to 127.0.0.1 leaves it (wsl-guest-facts 2).
            inside = at if mode in _CONSOMME else None
            self._relays.append(relays.start_wslrelay(self._windows, self._name, inside))
        if names is not None and not relays.is_ready(names):
            _LOG.warning("nobody answers WSL's questions for names")

    def stop(self, *, force: bool = False) -> None:
        """Ends it with all VMs in it and every process in its namespace; off already: nothing.

        Args:
            force: Without a moment for its services.
        """
        with self._hardware.lock:
            self._stop_refreshing.set()
            if self._refreshing is not None:
                self._refreshing.join(_REFRESH_END_TIMEOUT_S)
            while self._relays:
                relays.end(self._relays.pop())
            self._hardware.stop(self._machine.name, orderly=not force)
            if self._tracker is not None:
                self._tracker.stop()
                self._tracker = None
            self._mode = self._since = self._gateway = self._refreshing = self._mirroring = None

    def end_distro(self) -> None:
        """Ends all in it but the machine and its network: `wsl --terminate` of its one distribution."""
        with self._hardware.lock:
            for vm in self._hardware.topology.children(self._machine.name):
                self._hardware.stop(vm.name, orderly=False)
            init = self._hardware.inits.get(self._machine.name)
            if init is not None and init.alive():
                # Theirs is the machine's namespace for moments or for good, and they are not the distro's.
                spared = {init.pid, *(one.pid for one in self._relays)}
                processes.end_all({netns.identity(self._name)}, spared=spared)
                self._distro_ended = True

    def wake_distro(self) -> None:
        """Starts the services of a distribution that was ended, as its next use does."""
        with self._hardware.lock:
            init = self._hardware.inits.get(self._machine.name)
            if self._distro_ended and init is not None:
                init.signal(signal.SIGUSR2)
                self._hardware.wait_answering(self._machine)
            self._distro_ended = False

    def state(self) -> dict[str, Any]:
        """The answer of `wsl_state`; a start or stop under way is waited for."""
        with self._hardware.lock:
            running = self._hardware.running(self._machine.name)
            return {
                "running": running,
                "mode": self._mode if running else None,
                "address": self._hardware.addresses.get(self._machine.name) if running else None,
                "since": self._since if running else None,
            }

    def info(self) -> dict[str, str]:
        """What `wslinfo` inside can tell."""
        version = self._hardware.topology.one("windows").settings.get("wsl_version")
        return {"mode": self._mode or "none", "version": str(version), "vm_id": self._vm_id}

    # ---- cards that come and go ------------------------------------------------------------------------

    def resend_card(self, name: str) -> dict[str, object]:
        """Windows sends everything of an adapter again to a mirrored guest (wsl-guest-facts 1.6)."""
        with self._hardware.lock:
            adapter = self._mirrored_adapter(name)
            if self._mirroring is not None:
                self._mirroring.resend(adapter.nic.device)
        return {}

    def remove_card(self, name: str) -> dict[str, object]:
        """Takes an adapter out of Windows: a VPN that ends, a dock that is pulled."""
        with self._hardware.lock:
            adapter = self._mirrored_adapter(name)
            if self._mirroring is not None:
                self._mirroring.remove_card(adapter.nic.device)
            self._hardware.absent_adapters.add(name)
            self._switch(adapter, "down")
        return {}

    def add_card(self, name: str) -> dict[str, object]:
        """Puts an adapter that was taken out back in."""
        with self._hardware.lock:
            self._hardware.absent_adapters.discard(name)
            adapter = self._mirrored_adapter(name)
            if adapter.nic.connected:
                self._switch(adapter, "up")
            if self._mirroring is not None and adapter.mirrored_as is not None:
                self._mirroring.add_card(_mirrored_nic(adapter), adapter.mirrored_as)
        return {}

    def _mirrored_adapter(self, name: str) -> WindowsAdapter:
        for adapter in self._hardware.windows_adapters():
            if adapter.name == name and adapter.mirrored_as is not None:
                return adapter
        raise UsageError(f"Windows has no adapter {name!r} that is mirrored")

    def _switch(self, adapter: WindowsAdapter, state: str) -> None:
        with fabric_netns.Namespace(self._windows) as windows:
            windows.netlink("link", "set", index=windows.require(adapter.nic.device), state=state)

    # ---- wires ---------------------------------------------------------------------------------------

    def _wire(self, mode: str, address: str | None) -> str | None:
        self._gateway = None
        self._write_hosts()
        if mode == "nat":
            link = self._nat_link(address)
            guest = nat.start(self._windows, self._name, link)
            self._gateway = link.guest.gateway
            self._write_resolv_conf(guest.resolv_conf)
            return link.guest.addresses[0].partition("/")[0]
        if mode == "mirrored":
            return self._mirror()
        if mode == "bridged":
            return self._bridge()
        if mode in _CONSOMME:
            return self._share_windows_address()
        # The text lies in a tmpfs of the VM (wsl-facts 1.4): nothing is left of another start's.
        self._write_resolv_conf("")
        return None

    def _bridge(self) -> str:
        card = self._machine.lan_nic
        if card is None:
            raise LabError("topology: wsl has no card for bridged mode")
        self._hardware.plug_lan(self._machine, card)
        guest = bridged.start(self._name, card, ipv6=bool(self._settings.get("ipv6")))
        self._gateway = card.gateway
        self._write_resolv_conf(guest.resolv_conf)
        return card.addresses[0].partition("/")[0]

    def _share_windows_address(self) -> str:
        uplink = next(one.nic for one in self._hardware.windows_adapters() if one.nic.gateway)
        guest = consomme.start(self._windows, self._name, uplink, self._name_server(uplink.gateway))
        self._gateway = uplink.gateway
        self._write_resolv_conf(guest.resolv_conf)
        return uplink.addresses[0].partition("/")[0]

    def _nat_link(self, address: str | None) -> NatLink:
        card, usual = self._machine.nic, self._adapter("wsl-nat").nic
        if card is None:
            raise LabError("topology: wsl has no card")
        switch = switch_of(usual, nat.made_with(self._windows, usual.device), self._settings)
        # Windows gives the guest the smallest MTU of its connected adapters (wsl-facts 6, 13).
        connected = [one.nic.mtu for one in self._hardware.windows_adapters() if one.nic.connected]
        guest = card_of(card, switch, address, min([card.mtu, *connected]))
        return NatLink(switch=switch, guest=guest, dns=self._name_server(guest.gateway))

    def _mirror(self) -> str | None:
        cards = sorted(
            ((a.mirrored_as, _mirrored_nic(a)) for a in self._mirrored_adapters() if a.mirrored_as),
            key=lambda pair: pair[0],
        )
        host = MirroredHost(
            nics=tuple(nic for _, nic in cards),
            guest_devices=tuple(name for name, _ in cards),
            dns=self._name_server(None),
            host_address_loopback=bool(self._settings.get("host_address_loopback")),
        )
        add_idle_adapter(self._windows, self._adapter("fse"))
        mirroring = self._mirroring = mirrored.start(self._windows, self._name, host)
        uplink = next((nic for nic in host.nics if nic.gateway), None)
        self._gateway = uplink.gateway if uplink else None
        self._write_resolv_conf(mirroring.guest.resolv_conf)
        return uplink.addresses[0].partition("/")[0] if uplink else None

    def _follow(self, mirroring: mirrored.Mirroring) -> None:
        mirroring.refresh()  # what the boot has bound is steered from the first moment
        self._stop_refreshing = threading.Event()
        self._refreshing = threading.Thread(
            target=_keep_steering, args=(mirroring, self._stop_refreshing), daemon=True
        )
        self._refreshing.start()

    def _refuses(self, wanted: Bind) -> bool:
        """Whether Windows holds a port that somebody in the guest binds."""
        try:
            with fabric_netns.Namespace(self._windows) as windows:
                held = steering.read_listeners(windows)
            host = Settings.load(self._hardware.paths.windows_settings)
        except (FabricError, ValueError) as error:
            _LOG.warning("port tracker: %s", error)  # Windows is going down, or a test writes its settings
            return False
        dynamic = host.dynamic_ports[wanted.proto]
        if steering.refuses_dynamic(
            version_numbers(host.wsl_version or "0"), dynamic, wanted.port, MirroredHost.block
        ):
            return True
        ignored = [int(port) for port in self._settings.get("ignored_ports", ())]
        return steering.refuses(
            held, wanted.proto, wanted.address, wanted.port, block=MirroredHost.block, ignored=ignored
        )

    def _mirrored_adapters(self) -> tuple[WindowsAdapter, ...]:
        return self._hardware.windows_adapters() if self._settings.get("adapters", True) else ()

    def _name_server(self, gateway: str | None) -> str:
        tunnel = str(self._settings.get("dns_tunneling_address") or _TUNNEL)
        return tunnel if gateway is None or self._settings.get("dns_tunneling", True) else gateway

    def _answer_names(self, mode: str) -> subprocess.Popen[bytes] | None:
        """Starts who answers WSL's questions for names, where it asks Windows (wsl-facts 2.2)."""
        server = self._name_server(self._gateway if mode == "nat" else None)
        if mode == "nat" and server == self._gateway:
            kind, space = PROXY, self._windows
        elif mode in {"nat", "mirrored"} and server == _TUNNEL:
            kind, space = TUNNEL, self._name
        else:
            return None
        machines = self._hardware.topology.machines.values()
        names = {f"{one.name}.{DOMAIN}": one.address for one in machines if one.address is not None}
        self._relays.append(relays.start_names(space, kind, server, names))
        return self._relays[-1]

    def _unplug(self, _machine: Machine) -> None:
        if not fabric_netns.exists(self._windows):
            return
        # Of every mode: a start that failed half-way does not say how far it came.
        nat.stop(self._windows)
        mirrored.clear(self._windows)
        consomme.stop(self._windows)
        if self._machine.lan_nic is not None:
            self._hardware.unplug_lan(self._machine.lan_nic)
        if not faults.is_steering_left(self._hardware.paths):
            with fabric_netns.Namespace(self._windows) as windows:
                links.remove(windows, self._adapter("fse").nic.device)

    def leave_steering(self) -> None:
        """The adapter of mirrored mode is there, whatever mode WSL runs in, until Windows boots."""
        fse = self._adapter("fse")
        with fabric_netns.Namespace(self._windows) as windows:
            there = windows.index(fse.nic.device) is not None
        if not there:
            add_idle_adapter(self._windows, fse)

    def _adapter(self, kind: str) -> WindowsAdapter:
        for adapter in self._hardware.windows_adapters():
            if adapter.kind == kind:
                return adapter
        raise LabError(f"topology: Windows has no adapter of kind {kind}")

    def _write_hosts(self) -> None:
        """Makes /etc/hosts anew, as WSL does unless wsl.conf says no."""
        etc = self._hardware.paths.machine(self._machine.name).root / "etc"
        wanted = wsl_conf.value(etc / "wsl.conf", "network", "generatehosts")
        usual = usual_hosts(self._machine.hostname)
        if (wanted or "true").lower() != "false" and (etc / "hosts").read_text() != usual:
            (etc / "hosts").write_text(usual)

    def _write_resolv_conf(self, text: str) -> None:
        etc = self._hardware.paths.machine(self._machine.name).root / "etc"
        wanted = wsl_conf.value(etc / "wsl.conf", "network", "generateresolvconf")
        if (wanted or "true").lower() == "false":
            return
        if text:
            (etc / "resolv.conf").write_text(text)
        else:
            (etc / "resolv.conf").unlink(missing_ok=True)


def _mirrored_nic(adapter: WindowsAdapter) -> Nic:
    # Host-only networks of VMware come as cards that stay down, without address (note 000, wsl issue 11494).
    return dataclasses.replace(adapter.nic, connected=False) if adapter.kind == "vmware" else adapter.nic


def _keep_steering(mirroring: mirrored.Mirroring, stop: threading.Event) -> None:
    while not stop.wait(_REFRESH_S):
        try:
            mirroring.refresh()
        except FabricError as error:
            # A guest that died by itself has no namespace any more; the next start tidies up.
            _LOG.warning("steering: %s", error)
