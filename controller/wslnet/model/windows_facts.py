"""Facts of the Windows host, as the Windows agent reads them (docs/protocols.md 2). No judgement here."""

from __future__ import annotations

from dataclasses import dataclass, field

from wslnet.model.fact_error import FactErrors  # noqa: TC001 - msgspec reads the types
from wslnet.model.windows_wsl import (  # noqa: TC001 - msgspec reads the types
    WslConfigFile,
    WslEvent,
    WslNat,
    WslService,
)
from wslnet_win_agent.boot.startup_script import StartupScript  # noqa: TC001 - as above


@dataclass(frozen=True, slots=True)
class Os:
    """Build and edition, from the registry (never from localised text)."""

    build: int
    revision: int = 0
    edition: str | None = None
    product: str | None = None

    @property
    def is_home(self) -> bool:
        """Whether it is a Windows Home: their `EditionID` begins so in every language and variant."""
        return (self.edition or "").startswith("Core")


@dataclass(frozen=True, slots=True)
class Adapter:
    """One network adapter; its `name` is localised and may be anything."""

    index: int
    name: str
    description: str | None = None
    mac: str | None = None
    status: str | None = None
    hidden: bool = False
    virtual: bool = False
    guid: str | None = None


@dataclass(frozen=True, slots=True)
class Interface:
    """The IP half of an adapter: one row per address family (4 or 6)."""

    index: int
    alias: str
    family: int
    forwarding: bool = False
    metric: int | None = None
    mtu: int | None = None
    connected: bool = False


@dataclass(frozen=True, slots=True)
class WindowsAddress:
    """One IP address of Windows."""

    index: int
    alias: str
    family: int
    address: str
    prefix: int


@dataclass(frozen=True, slots=True)
class WindowsRoute:
    """One route of Windows; `dst` is a prefix (`0.0.0.0/0` for the default), `via` `0.0.0.0` when on-link."""

    index: int
    alias: str
    family: int
    dst: str
    via: str
    metric: int = 0


@dataclass(frozen=True, slots=True)
class NetworkProfile:
    """The network category of a connected adapter: Public, Private or DomainAuthenticated."""

    index: int
    alias: str
    name: str | None = None
    category: str | None = None


@dataclass(frozen=True, slots=True)
class HyperVSetting:
    """A Hyper-V firewall setting of WSL's creator: in force, or as an administrator left it."""

    enabled: str | None = None
    default_inbound: str | None = None
    default_outbound: str | None = None
    loopback: str | None = None
    host_policy_merge: str | None = None


@dataclass(frozen=True, slots=True)
class HyperVRule:
    """One Hyper-V firewall rule."""

    name: str
    display_name: str | None = None
    direction: str | None = None
    action: str | None = None
    enabled: bool = True
    protocol: str | None = None
    local_ports: tuple[str, ...] = ()
    remote_addresses: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    creator: str | None = None
    source: str | None = None
    """The kind of store it comes from: `Local`, `MDM`, `HostFirewallGroupPolicy` … (windows-facts 1.1)."""


@dataclass(frozen=True, slots=True)
class HostRule:
    """One inbound rule of Windows' own firewall that is on; an empty tuple or None is no restriction.

    `interfaces` are GUIDs of adapters; `source` is `Local` or `GroupPolicy`.
    """

    name: str
    display_name: str | None = None
    action: str | None = None
    profiles: tuple[str, ...] = ()
    protocol: str | None = None
    local_ports: tuple[str, ...] = ()
    remote_addresses: tuple[str, ...] = ()
    program: str | None = None
    service: str | None = None
    interfaces: tuple[str, ...] = ()
    source: str = "Local"


@dataclass(frozen=True, slots=True)
class HyperVProfile:
    """What a firewall does while the network is of category `name`; None or `NotConfigured`: not said."""

    name: str | None = None
    enabled: str | None = None
    default_inbound: str | None = None
    local_rules: str | None = None


@dataclass(frozen=True, slots=True)
class HyperVFirewall:
    """The Hyper-V firewall as far as it concerns WSL; `setting` is in force, `stored_setting` configured."""

    supported: bool = False
    creator_registered: bool = False
    setting: HyperVSetting | None = None
    stored_setting: HyperVSetting | None = None
    rules: tuple[HyperVRule, ...] = ()
    profiles: tuple[HyperVProfile, ...] = ()


@dataclass(frozen=True, slots=True)
class WindowsListener:
    """One listening socket of Windows with its owner."""

    proto: str
    address: str
    port: int
    pid: int | None = None
    process: str | None = None


@dataclass(frozen=True, slots=True)
class PortProxy:
    """One `netsh interface portproxy` rule, read from the registry."""

    family: str
    listen_address: str
    listen_port: int
    connect_address: str
    connect_port: int


@dataclass(frozen=True, slots=True)
class ExcludedPorts:
    """A range from which Windows gives no port; one that an administrator made can still be asked for."""

    first: int
    last: int
    administered: bool = False


@dataclass(frozen=True, slots=True)
class PortRanges:
    """The ranges of one protocol over IPv4; None: Windows did not tell, or not in a form that is known."""

    proto: str
    excluded: tuple[ExcludedPorts, ...] | None = None
    dynamic: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Registry:
    """The registry values that decide about mirrored mode (wsl-facts 2.1)."""

    ipv6_disabled_components: int | None = None
    hyperv_firewall_disabled: int | None = None
    policies: dict[str, int | str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Service:
    """A Windows service that WSL's network rests on; `start` is one of `Automatic`, `Manual`, `Disabled`."""

    name: str
    state: str | None = None
    start: str | None = None


@dataclass(frozen=True, slots=True)
class FirewallProduct:
    """A firewall of another maker that has told Windows of itself; `on` None: it does not say."""

    name: str
    on: bool | None = None


@dataclass(frozen=True, slots=True)
class Security:
    """What guards this Windows beside its own firewall, and what policies say of that; never ours to change.

    `code_integrity`: 0 off, 1 audit, 2 enforced; `applocker`: kinds of rules that are enforced; `ntlm_…`: 2
    is "deny all", `ntlm_incoming` 1 denies domain accounts.
    """

    firewalls: tuple[FirewallProduct, ...] = ()
    code_integrity: int | None = None
    applocker: tuple[str, ...] = ()
    ntlm_incoming: int | None = None
    ntlm_outgoing: int | None = None


@dataclass(frozen=True, slots=True)
class BootTask:
    """One scheduled task below wslnet's folder: its XML as exported, and how it ended last."""

    name: str
    state: str | None = None
    xml: str = ""
    last_result: int | None = None
    last_run: str | None = None


@dataclass(frozen=True, slots=True)
class BootPlace:
    """A file that a boot task runs or reads; `strangers` says who beside administrators could change it."""

    path: str
    folder: str
    exists: bool = False
    strangers: tuple[str, ...] = ()
    content: str | None = None


@dataclass(frozen=True, slots=True)
class Boot:
    """The boot tasks as they stand; `user` and `sid` are those of the session that read it."""

    user: str
    sid: str
    tasks: tuple[BootTask, ...]
    program: BootPlace
    data: BootPlace
    startup: tuple[StartupScript, ...] = ()


@dataclass(frozen=True, slots=True)
class EndpointFile:
    """One file of the constrained endpoint: its path below the module's folder, its content as base64."""

    path: str
    content: str


@dataclass(frozen=True, slots=True)
class LocalUse:
    """Whether the endpoint may be used on its own machine: `passed` or `blocked`, and why.

    `content` is the file that keeps it, as base64; None without one.
    """

    verdict: str
    why: str
    content: str | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The constrained endpoint as it stands; `strangers` says who beside administrators could change it."""

    registered: bool
    files: tuple[EndpointFile, ...] = ()
    modules: tuple[str, ...] = ()
    strangers: tuple[str, ...] = ()
    local: LocalUse | None = None


@dataclass(frozen=True, slots=True)
class EndpointAccess:
    """Whether the endpoint's files are there, and who beside administrators could change what it runs."""

    installed: bool
    strangers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LogonSession:
    """Whose session wslnet has on Windows.

    `administrator` also when the token is filtered, `elevated` when the rights are in force; `network`: it
    came over WinRM; `desktop_user`: the SID of who logged on last at the machine itself.
    """

    sid: str
    system: bool = False
    administrator: bool = False
    elevated: bool = False
    network: bool = False
    local_account: bool = False
    microsoft_account: bool = False
    desktop_user: str | None = None


@dataclass(frozen=True)
class WindowsFacts:
    """All readings of Windows; a reading that was not asked for is None."""

    os: Os | None = None
    elevated: bool | None = None
    adapters: tuple[Adapter, ...] | None = None
    interfaces: tuple[Interface, ...] | None = None
    addresses: tuple[WindowsAddress, ...] | None = None
    routes: tuple[WindowsRoute, ...] | None = None
    profiles: tuple[NetworkProfile, ...] | None = None
    hyperv_firewall: HyperVFirewall | None = None
    host_rules: tuple[HostRule, ...] | None = None
    host_profiles: tuple[HyperVProfile, ...] | None = None
    listeners: tuple[WindowsListener, ...] | None = None
    portproxy: tuple[PortProxy, ...] | None = None
    port_ranges: tuple[PortRanges, ...] | None = None
    registry: Registry | None = None
    services: tuple[Service, ...] | None = None
    security: Security | None = None
    wslconfig: WslConfigFile | None = None
    wsl: WslService | None = None
    wsl_events: tuple[WslEvent, ...] | None = None
    wsl_nat: WslNat | None = None
    boot: Boot | None = None
    boot_time: str | None = None
    endpoint: Endpoint | None = None
    endpoint_access: EndpointAccess | None = None
    session: LogonSession | None = None
    errors: FactErrors | None = None
    """Why a reading that was asked for is None, by its name."""
