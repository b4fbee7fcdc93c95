"""What a Linux machine's network is, as the agent reads it (docs/protocols.md 1). No judgement here."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Link:
    """One network interface. `kind` is the rtnetlink kind (`bridge`, `tun`, `veth` …) or empty."""

    index: int
    name: str
    mac: str | None = None
    mtu: int = 0
    up: bool = False
    carrier: bool = False
    kind: str | None = None
    master: str | None = None
    flags: tuple[str, ...] = ()
    qdisc: str | None = None


@dataclass(frozen=True, slots=True)
class Address:
    """One address on a link."""

    link: str
    family: int
    address: str
    prefix: int
    scope: str = "global"
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Hop:
    """One next hop of a multipath route."""

    via: str | None = None
    dev: str | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """One route outside the local table; `dst` is `default` or a prefix, `proto` the kernel's number."""

    family: int
    dst: str
    via: str | None = None
    dev: str | None = None
    table: int = 254
    proto: int = 0
    metric: int = 0
    src: str | None = None
    scope: str = "global"
    type: str = "unicast"
    flags: tuple[str, ...] = ()
    hops: tuple[Hop, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """One policy rule (`ip rule`)."""

    family: int
    priority: int
    iif: str | None = None
    ipproto: int | None = None
    fwmark: int | None = None
    table: int | None = None
    oif: str | None = None
    src: str | None = None
    dst: str | None = None
    fwmask: int | None = None
    action: str = "lookup"


@dataclass(frozen=True, slots=True)
class Neighbour:
    """One neighbour entry."""

    dev: str
    family: int
    address: str
    mac: str | None = None
    state: str = ""


@dataclass(frozen=True, slots=True)
class Firewall:
    """Saved rules: back end → family ("4"/"6") → `iptables-save -c` text; `nft` is the ruleset's text."""

    backends: dict[str, dict[str, str]] = field(default_factory=dict)
    default: str | None = None
    nft: str | None = None


@dataclass(frozen=True, slots=True)
class Listener:
    """One listening socket of the machine's own network namespace."""

    proto: str
    family: int
    address: str
    port: int
    process: str | None = None


@dataclass(frozen=True, slots=True)
class Device:
    """What there is to say of a link beside `Link`: its alias, a tap's owner, what a card is.

    `owner` is a number and `user` its name, both None for a tap of root's; `driver` is the kernel's name of a
    real card's, `dhcp` the client that serves it, `stp` whether a bridge takes part in spanning tree.
    """

    name: str
    alias: str | None = None
    owner: str | None = None
    user: str | None = None
    wireless: bool = False
    driver: str | None = None
    dhcp: str | None = None
    stp: bool | None = None


@dataclass(frozen=True, slots=True)
class Bridging:
    """What bridges and taps need. `unmanaged`: nets whose links NetworkManager leaves alone; None: none runs.

    `dhcp_tools`: the DHCP clients that the machine has.
    """

    devices: tuple[Device, ...] = ()
    unmanaged: tuple[str, ...] | None = None
    dhcp_tools: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ForwardingEntry:
    """A MAC address that a bridge knows behind a port; `own`: the port's own."""

    bridge: str | None
    port: str | None
    mac: str
    own: bool = False


@dataclass(frozen=True, slots=True)
class HeldPort:
    """A port that a tiny process of wslnet holds, so that a mirrored WSL gets what arrives there."""

    proto: str
    port: int


@dataclass(frozen=True, slots=True)
class PathMtu:
    """The largest whole packet that went to the next hop of a link and was answered, in bytes.

    `hop` None: the link has no gateway; `largest` None: nothing was answered.
    """

    link: str
    mtu: int
    hop: str | None = None
    largest: int | None = None
