"""Facts of a Linux machine, as the agent reads them (docs/protocols.md 1). No judgement here."""

from __future__ import annotations

from dataclasses import dataclass, field

from wslnet.model.fact_error import FactErrors  # noqa: TC001 - msgspec reads the types
from wslnet.model.guest_facts import (  # noqa: TC001 - msgspec reads the types
    Guest,
    GuestKeys,
    LibvirtNetwork,
    VirtualRouter,
)
from wslnet.model.linux_network import (
    Address,
    Bridging,
    Device,
    Firewall,
    ForwardingEntry,
    HeldPort,
    Link,
    Listener,
    Neighbour,
    PathMtu,
    Route,
    Rule,
)
from wslnet.model.settings_in_use import InUse  # noqa: TC001 - msgspec reads the types


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the machine is; `boot_id` changes with every boot."""

    hostname: str
    kernel: str
    boot_id: str
    python: str
    uid: int
    os_id: str | None = None
    os_version: str | None = None


@dataclass(frozen=True, slots=True)
class Domain:
    """One libvirt domain."""

    name: str
    state: str

    @property
    def running(self) -> bool:
        """Whether it runs now."""
        return self.state == "running"


@dataclass(frozen=True, slots=True)
class WslInfo:
    """What `wslinfo` says inside WSL; `mode` is in lower case (`nat`, `mirrored` …)."""

    mode: str | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """A login or an open terminal; `origin` is where a login came from."""

    user: str | None
    terminal: str
    origin: str | None = None


@dataclass(frozen=True, slots=True)
class Container:
    """A running container of docker or podman."""

    engine: str
    name: str
    image: str = ""


@dataclass(frozen=True, slots=True)
class DiskFile:
    """One file with `wslnet` in its name; base64 `content`, None for what is no plain file."""

    path: str
    mode: int
    uid: int
    gid: int
    content: str | None = None


@dataclass(frozen=True, slots=True)
class DiskFiles:
    """What wslnet may have left on the disk; `missing` folders, deepest first; ids of `confirmed` runs."""

    missing: tuple[str, ...] = ()
    found: tuple[DiskFile, ...] = ()
    confirmed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OwnedItem:
    """One thing that is put back by itself: the op that does it, and the run that declared it.

    `do` None: it is not to be put back any more. `before` is what counts until the run is confirmed.
    """

    name: str
    run: str
    do: dict[str, object] | None = None
    before: dict[str, object] | None = None

    def to_json(self) -> dict[str, object]:
        """The item as the machine has it."""
        plain: dict[str, object] = {"name": self.name, "run": self.run, "do": self.do}
        return plain if self.before is None else plain | {"before": self.before}


@dataclass(frozen=True, slots=True)
class Owned:
    """What a machine puts back by itself; `agent`: whether wslnet-agent is there; `problem`: damage."""

    agent: bool = False
    items: tuple[OwnedItem, ...] = ()
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Manager:
    """A daemon that manages the network; `here` false: in another distribution that shares this network."""

    name: str
    here: bool = True


@dataclass(frozen=True, slots=True)
class Enabled:
    """Whether the unit of wslnet-agent is enabled, and whether the folder for the link is there."""

    unit: bool = False
    folder: bool = False


@dataclass(frozen=True, slots=True)
class Persistence:
    """How a machine starts, and who looks after its network.

    `libvirt` is its version, "" if it does not say, None without; `wsl_conf` and `hosts` are base64;
    `watched`: some wslnet-agent watches this network, `resident`: it is a process of this distribution.
    """

    systemd: bool = False
    ifupdown: bool = False
    networkmanager: bool = False
    libvirt: str | None = None
    enabled: Enabled = field(default_factory=Enabled)
    wsl_conf: str | None = None
    hosts: str | None = None
    watched: bool = False
    resident: bool = False
    managers: tuple[Manager, ...] = ()


@dataclass(frozen=True, slots=True)
class ContainerEngine:
    """An engine that is installed; `version` None: it does not answer. `settings`: daemon.json in base64.

    `outdated`: it was started before its settings were changed last.
    """

    engine: str
    version: str | None = None
    settings: str | None = None
    outdated: bool = False


@dataclass(frozen=True, slots=True)
class Platform:
    """What kernel, CPU and process 1 are.

    `options` of the kernel without `CONFIG_`, `y` or `m`, None where it does not tell; `cpu` is `vmx` or
    `svm` where the CPU shows virtualisation; `nested` whether KVM hands that on, None without KVM.
    """

    options: dict[str, str] | None = None
    cpu: str | None = None
    kvm: bool = False
    nested: bool | None = None
    init: str = ""


@dataclass(frozen=True, slots=True)
class SettingState:
    """A file of /etc as it is: where it leads as a link, or its content in base64."""

    link: str | None = None
    content: str | None = None

    def to_json(self) -> dict[str, object]:
        """The state as the machine has it."""
        return {"link": self.link} if self.link is not None else {"content": self.content}


@dataclass(frozen=True, slots=True)
class Settings:
    """Files of /etc by path, None for one that is not there; and what stands beside them.

    `mdns`: the library that finds names in .local is installed; `shared_resolv`: WSL's own resolv.conf is.
    `managed`: the links that NetworkManager manages here.
    """

    files: dict[str, SettingState | None] = field(default_factory=dict)
    mdns: bool = False
    shared_resolv: bool = False
    managed: tuple[str, ...] = ()


@dataclass(frozen=True)
class LinuxFacts:
    """All readings of one Linux machine; a reading that was not asked for is None."""

    identity: Identity | None = None
    links: tuple[Link, ...] | None = None
    addresses: tuple[Address, ...] | None = None
    routes: tuple[Route, ...] | None = None
    rules: tuple[Rule, ...] | None = None
    neighbours: tuple[Neighbour, ...] | None = None
    sysctls: dict[str, str] | None = None
    firewall: Firewall | None = None
    listeners: tuple[Listener, ...] | None = None
    domains: tuple[Domain, ...] | None = None
    wsl: WslInfo | None = None
    sessions: tuple[Session, ...] | None = None
    containers: tuple[Container, ...] | None = None
    files: DiskFiles | None = None
    guests: tuple[Guest, ...] | None = None
    guest_keys: tuple[GuestKeys, ...] | None = None
    networks: tuple[LibvirtNetwork, ...] | None = None
    bridging: Bridging | None = None
    fdb: tuple[ForwardingEntry, ...] | None = None
    owned: Owned | None = None
    persistence: Persistence | None = None
    holders: tuple[HeldPort, ...] | None = None
    engines: tuple[ContainerEngine, ...] | None = None
    platform: Platform | None = None
    in_use: InUse | None = None
    routers: tuple[VirtualRouter, ...] | None = None
    path_mtu: tuple[PathMtu, ...] | None = None
    settings: Settings | None = None
    errors: FactErrors | None = None
    """Why a reading that was asked for is None, by its name (`firewall/nft` for a part of one)."""

    def device(self, link: str) -> Device:
        """What else is known of a link."""
        devices = self.bridging.devices if self.bridging is not None else ()
        return next((one for one in devices if one.name == link), Device(link))

    def alias(self, link: str) -> str | None:
        """The alias of a link, which tells whose it is."""
        return self.device(link).alias

    def owners(self, link: str) -> frozenset[str | None]:
        """The names for a tap's owner: number and name, or None for root's."""
        found = self.device(link)
        return frozenset({found.owner, found.user} - {None}) or frozenset({None})

    def addresses_of(self, link: str) -> tuple[Address, ...]:
        """The addresses of one link."""
        return tuple(one for one in self.addresses or () if one.link == link)
