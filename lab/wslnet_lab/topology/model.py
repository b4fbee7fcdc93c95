"""What a topology says, as immutable data. Wires and cards are the fabric's own data (`fabric.model`)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wslnet_lab.fabric.model import BridgeNetwork, Nic

Kind = Literal["gateway", "peer", "windows", "wsl", "vm"]
AdapterKind = Literal["physical", "external", "wsl-nat", "fse", "default-switch", "vpn", "vmware"]
Generation = Literal["reject-in-forward", "libvirt-chains", "libvirt-nft", "none"]
Iptables = Literal["iptables-nft", "iptables-legacy"]
RuleSet = Literal["docker", "ufw", "firewalld"]


@dataclass(frozen=True, slots=True)
class WindowsAdapter:
    """An adapter of Windows.

    Attributes:
        name: As Windows shows it (interface alias).
        kind: Its role; docs/protocols.md section 3.
        guid: With braces.
        description: As Get-NetAdapter shows it.
        nic: The interface that stands for it in the `windows` namespace.
        hidden: Only shown with -IncludeHidden.
        category: Network profile while connected.
        mirrored_as: Name of its mirror in a mirrored guest; None: not mirrored.
        localised: By culture: its name on a Windows of that language, where it differs (wsl-facts 9).
    """

    name: str
    kind: AdapterKind
    guid: str
    description: str
    nic: Nic
    hidden: bool = False
    category: str = "Private"
    mirrored_as: str | None = None
    localised: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Network:
    """A libvirt network of a machine.

    Attributes:
        name: As `virsh net-list` shows it.
        bridge: Bridge with its address.
        generation: Which libvirt wrote its rules; `none`: only those of `forward` are there.
        forward: Rules put at the head of filter FORWARD after that (words of iptables).
    """

    name: str
    bridge: BridgeNetwork
    generation: Generation
    forward: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Machine:
    """One machine.

    Attributes:
        name: Its name in the lab and in the inventory.
        kind: What it is.
        parent: The machine it runs in, None on the local network. A VM of Windows itself is Hyper-V's.
        hostname: What `hostname` answers.
        nic: Its card; Windows has `adapters` instead.
        adapters: Windows' adapters.
        networks: libvirt networks it hosts.
        iptables: The program that its `iptables` is, with which libvirt's rules are made.
        services: Programs beside sshd that run from its boot on, as argument vectors with full paths.
        rule_sets: Whose rules it has too, loaded in this order after those of libvirt.
        bridge: The parent's bridge that a VM is plugged into.
        tap: The VM's port on that bridge.
        distro: Name of the WSL distribution.
        lan_nic: WSL's card on an External switch, as the DHCP server of the local network configures it.
        mode: WSL's networking mode at `lab up`.
        user: Windows: the account that owns WSL.
        settings: Windows: what `windows.json` gets, read by the Windows host.
        files: Path below its root (Windows: below C:) to text.
    """

    name: str
    kind: Kind
    hostname: str
    parent: str | None = None
    nic: Nic | None = None
    adapters: tuple[WindowsAdapter, ...] = ()
    networks: tuple[Network, ...] = ()
    iptables: Iptables = "iptables-nft"
    rule_sets: tuple[RuleSet, ...] = ()
    services: tuple[tuple[str, ...], ...] = ()
    bridge: str = ""
    tap: str = ""
    distro: str = ""
    lan_nic: Nic | None = None
    mode: Literal["nat", "mirrored"] = "nat"
    user: str = "root"
    settings: Mapping[str, object] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_linux(self) -> bool:
        """Whether it has a Linux root, an init and an sshd."""
        return self.kind != "windows"

    @property
    def has_hypervisor(self) -> bool:
        """Whether programs in it ask what is below it: `virsh` for its VMs, `wslinfo` for WSL."""
        return bool(self.networks) or self.kind == "wsl"

    @property
    def address(self) -> str | None:
        """First address of its card without prefix, None without a card."""
        if self.nic is None or not self.nic.addresses:
            return None
        return self.nic.addresses[0].partition("/")[0]


@dataclass(frozen=True, slots=True)
class Wish:
    """What the lab's inventory says should be true."""

    mode: str
    reach: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Topology:
    """A whole lab; `machines` are in the order in which they boot.

    `beside` names the topology of another PC on the same local network; it is a lab of its own.
    """

    name: str
    machines: Mapping[str, Machine]
    wish: Wish
    beside: str = ""

    def one(self, kind: Kind) -> Machine:
        """The machine of a kind that a lab has exactly once (windows, wsl, gateway).

        Raises:
            LookupError: There is none.
        """
        for machine in self.machines.values():
            if machine.kind == kind:
                return machine
        raise LookupError(f"topology {self.name} has no {kind}")

    def children(self, parent: str) -> tuple[Machine, ...]:
        """The virtual machines that `parent` hosts."""
        return tuple(m for m in self.machines.values() if m.parent == parent and m.kind == "vm")

    def subtree(self, root: str) -> tuple[Machine, ...]:
        """`root` and everything that runs in it, deepest last."""
        found = [self.machines[root]]
        for machine in found:
            found += [m for m in self.machines.values() if m.parent == machine.name]
        return tuple(found)
