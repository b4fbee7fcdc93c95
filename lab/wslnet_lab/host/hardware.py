"""What the models of Windows need of the machine below them: `Hardware` and its data.

Plain data and a protocol; `control_socket` is the real one, tests have a fake. The hardware does the packets,
`state`, `commands` and `wsl` decide what Windows does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wslnet_lab.attached import Streams
    from wslnet_lab.host.port_proxy import ProxyRule


class HardwareError(Exception):
    """The daemon refused (`code` is its error code) or did not answer (`unreachable`)."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class LinkAddress:
    """One address of an adapter. `origin` is Windows' PrefixOrigin in lower case when the daemon knows it."""

    family: int
    address: str
    prefix: int
    origin: str = "manual"


@dataclass(frozen=True)
class Adapter:
    """One adapter as the daemon reports it; keys the daemon adds are ignored. No device: only a row."""

    name: str
    index: int
    guid: str
    description: str
    mac: str
    mtu: int
    up: bool
    carrier: bool
    hidden: bool
    kind: str
    device: str | None
    addresses: tuple[LinkAddress, ...]
    forwarding: Mapping[int, bool]
    category: str

    @classmethod
    def parse(cls, row: Mapping[str, Any]) -> Adapter:
        """From one row of the `adapters` reply."""
        return cls(
            name=row["name"],
            index=row["index"],
            guid=row.get("guid") or "",
            description=row.get("description") or row["name"],
            mac=row.get("mac") or "",
            mtu=row.get("mtu", 1500),
            up=bool(row.get("up")),
            carrier=bool(row.get("carrier", row.get("up"))),
            hidden=bool(row.get("hidden")),
            kind=row["kind"],
            device=row.get("device"),
            addresses=tuple(
                LinkAddress(a["family"], a["address"], a["prefix"], a.get("origin", "manual"))
                for a in row.get("addresses", ())
            ),
            forwarding={int(family): bool(on) for family, on in (row.get("forwarding") or {}).items()},
            category=row.get("category") or "Public",
        )


@dataclass(frozen=True, slots=True)
class Route:
    """One route of the `windows` namespace. `via` None: on-link. `proto` as rtnetlink's name or number."""

    family: int
    dst: str
    via: str | None
    index: int
    metric: int
    proto: str = ""


@dataclass(frozen=True, slots=True)
class Listener:
    """A listening socket of the `windows` namespace."""

    proto: str
    family: int
    address: str
    port: int
    pid: int
    process: str


@dataclass(frozen=True, slots=True)
class WslState:
    """Whether the WSL machine runs, in which mode, and its NAT address."""

    running: bool
    mode: str | None = None
    address: str | None = None
    since: float | None = None


@dataclass(frozen=True, slots=True)
class LinuxOutcome:
    """What a command inside WSL left behind."""

    exit_code: int
    stdout: bytes
    stderr: bytes


@dataclass(frozen=True, slots=True)
class EffectiveRule:
    """One rule of the Hyper-V firewall that applies now. Empty tuples mean any."""

    name: str
    direction: str
    action: str
    protocol: str
    local_ports: tuple[str, ...] = ()
    remote_addresses: tuple[str, ...] = ()


@dataclass(frozen=True)
class EffectivePolicy:
    """The Hyper-V firewall as it applies to WSL now; block rules come first because block beats allow."""

    enabled: bool
    default_inbound: str
    default_outbound: str
    loopback: bool
    rules: tuple[EffectiveRule, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class HostZone:
    """What Windows' own firewall does with networks of one category, and the devices that are in such."""

    category: str
    devices: tuple[str, ...]
    policy: EffectivePolicy


class Hardware(Protocol):
    """What Windows needs of the machine below it. Every method may raise `HardwareError`."""

    def adapters(self) -> tuple[Adapter, ...]:
        """All adapters, hidden ones included."""

    def routes(self) -> tuple[Route, ...]:
        """The routes of the windows namespace."""

    def listeners(self) -> tuple[Listener, ...]:
        """The listening sockets of the windows namespace."""

    def portproxy(self, rules: Sequence[ProxyRule]) -> None:
        """Makes these the rules that iphlpsvc listens for; one whose port is taken does not listen."""

    def set_forwarding(self, index: int, family: int, *, enabled: bool) -> None:
        """Switches forwarding on one adapter for one family (4 or 6)."""

    def route_add(self, route: Route) -> None:
        """Adds a route."""

    def route_delete(self, route: Route) -> None:
        """Deletes a route."""

    def address_add(self, index: int, family: int, address: str, prefix: int) -> None:
        """Adds an address to an adapter."""

    def address_delete(self, index: int, family: int, address: str, prefix: int) -> None:
        """Takes an address from an adapter."""

    def wsl_start(
        self, mode: str, settings: Mapping[str, object], address: str | None
    ) -> tuple[str | None, str | None]:
        """Boots the WSL machine; gives its (address, gateway), both None outside NAT."""

    def wsl_stop(self, *, force: bool) -> None:
        """Stops the WSL machine."""

    def wsl_terminate(self, distro: str) -> None:
        """Ends the processes of one distribution; the machine and its network stay."""

    def wsl_state(self) -> WslState:
        """What the WSL machine does now."""

    def wsl_exec(self, argv: Sequence[str], user: str, timeout_s: float, stdin: bytes) -> LinuxOutcome:
        """Runs a command inside WSL and waits for it."""

    def wsl_attach(self, argv: Sequence[str], user: str, streams: Streams) -> int:
        """Runs a command inside WSL on a client's streams until either ends; gives its exit code."""

    def hyperv_firewall(self, policy: EffectivePolicy) -> None:
        """Makes `policy` the one that packets meet."""

    def host_firewall(self, zones: Sequence[HostZone]) -> None:
        """Makes these what packets to Windows itself meet."""

    def probe(self, proto: str, dst: str, port: int, timeout_s: float) -> tuple[bool, float, str]:
        """Tries to reach `dst` from the windows namespace: (reached, milliseconds, detail)."""
