"""The live topology as a graph: machines with their interfaces, and what joins two interfaces.

Pure data, in the shape of `topo --format json` (spec/cli.md); every drawing is made from it and from nothing
else. How it is found in the facts is `wslnet.engine.draw`'s part.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import msgspec

SCHEMA_VERSION = 1
EXTERNAL = "network"
"""The kind of the node that stands for everything behind the default gateway."""

ROUTER = "router"
"""The kind of a VM behind which other networks lie."""


class Joint(StrEnum):
    """How two interfaces are joined; `LABELS` says it as note 000 does."""

    LAN = "lan"
    MIRROR = "mirror"
    WSL_NAT = "wsl-nat"
    PROXY = "proxy"
    NAT = "nat"
    FORWARD = "forward"
    BRIDGE = "bridge"
    TAP = "tap"
    ATTACHED = "attached"


LABELS: dict[Joint, str] = {
    Joint.LAN: "",
    Joint.MIRROR: "mirrored",
    Joint.WSL_NAT: "NAT by Windows",
    Joint.PROXY: "proxied by Windows",
    Joint.NAT: "NAT via MASQUERADE",
    Joint.FORWARD: "forwarded",
    Joint.BRIDGE: "Bridge to TAP",
    Joint.TAP: "Data frame to VM",
    Joint.ATTACHED: "on the same wire",
}


@dataclass(frozen=True, slots=True)
class Interface:
    """One interface. `used` is False for what no machine of the tree is reached through."""

    name: str
    role: str
    mac: str | None = None
    addresses: tuple[str, ...] = ()
    gateway: str | None = None
    up: bool = True
    used: bool = True


@dataclass(frozen=True, slots=True)
class Node:
    """A machine, or the network outside; `seen` False: what is told of it comes from its parent."""

    name: str
    kind: str
    parent: str | None = None
    seen: bool = True
    interfaces: tuple[Interface, ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class End:
    """One end of an edge."""

    machine: str
    interface: str


@dataclass(frozen=True, slots=True)
class Edge:
    """Two interfaces that are joined; `a` is the side nearer to the network outside."""

    a: End
    b: End
    kind: Joint


@dataclass(frozen=True, slots=True)
class Graph:
    """The whole topology and the mode that it was measured in."""

    mode: str | None
    machines: tuple[Node, ...]
    links: tuple[Edge, ...]

    def to_json(self) -> dict[str, object]:
        """The shape of spec/cli.md; `mode` is added."""
        return {"schema_version": SCHEMA_VERSION, **msgspec.to_builtins(self)}

    def children(self, name: str | None) -> tuple[Node, ...]:
        """The machines whose parent is `name`."""
        return tuple(node for node in self.machines if node.parent == name)
