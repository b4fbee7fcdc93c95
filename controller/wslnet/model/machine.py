"""Machines and the inventory they stand in: one tree windows → wsl → vm → vm …, and peers beside it.

Plain data with the questions one asks of a tree. Reading the file is `wslnet.app.inventory_file`'s work.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from wslnet.model.allow import Allow
    from wslnet.model.forward import Forward


class Kind(StrEnum):
    """What a machine is. A peer is another PC: probed from, never changed."""

    WINDOWS = "windows"
    WSL = "wsl"
    VM = "vm"
    PEER = "peer"


@dataclass(frozen=True, slots=True)
class Secret:
    """Where a password comes from, never the password: one of the three is set."""

    command: tuple[str, ...] = ()
    keyring: str | None = None
    env: str | None = None


@dataclass(frozen=True, slots=True)
class Machine:
    """One node of the tree.

    `address` is None for a machine whose endpoint is found anew after each start (wsl).
    `save`: a VM whose memory is kept over a restart of its host (`virsh managedsave`).
    `routes`: a VM that is a router (OpenWrt, say), and the IPv4 networks that lie behind it.
    `auth` is how one signs in over WinRM, `certificate` the file of the server's own certificate (or of who
    signed it), `client_certificate` one with the user's certificate and key.
    `proxy` is a URL such as `socks5h://127.0.0.1:1080` through which the first hop is dialled.
    """

    name: str
    kind: Kind
    parent: str | None = None
    address: str | None = None
    port: int | None = None
    user: str | None = None
    key: Path | None = None
    distro: str | None = None
    configuration: str | None = None
    proxy: str | None = None
    secret: Secret | None = None
    save: bool = False
    routes: tuple[str, ...] = ()
    auth: str | None = None
    certificate: Path | None = None
    client_certificate: Path | None = None

    @property
    def is_linux(self) -> bool:
        """Whether the Linux agent runs there."""
        return self.kind is not Kind.WINDOWS


@dataclass(frozen=True, slots=True)
class Wish:
    """What should be true: `reach` pairs are directed (from, to); `forward`: the ports that are published.

    `beyond`: ports that are to be allowed, which the mode that is being set up opens to nobody.
    """

    mode: str | None = None
    reach: tuple[tuple[str, str], ...] = ()
    allow: tuple[Allow, ...] = ()
    forward: tuple[Forward, ...] = ()
    beyond: tuple[Allow, ...] = ()


@dataclass(frozen=True)
class Inventory:
    """All machines of one host, what is wished of them, and where runs keep their state.

    `forwarding_match` names the Windows interfaces that forward, instead of note 003's pattern.
    """

    path: Path
    state: Path
    machines: Mapping[str, Machine]
    wish: Wish = field(default_factory=Wish)
    forwarding_match: str | None = None

    def __getitem__(self, name: str) -> Machine:
        return self.machines[name]

    def of_kind(self, kind: Kind) -> tuple[Machine, ...]:
        """All machines of one kind, in the order of the file."""
        return tuple(machine for machine in self.machines.values() if machine.kind is kind)

    @property
    def windows(self) -> Machine | None:
        """The Windows host, if the inventory has one."""
        return next(iter(self.of_kind(Kind.WINDOWS)), None)

    @property
    def wsl(self) -> Machine | None:
        """The WSL utility VM, if the inventory has one."""
        return next(iter(self.of_kind(Kind.WSL)), None)

    def children(self, name: str) -> tuple[Machine, ...]:
        """Machines whose parent is `name`."""
        return tuple(machine for machine in self.machines.values() if machine.parent == name)

    def ancestors(self, name: str) -> Iterator[Machine]:
        """Parent, grandparent … of `name`, nearest first."""
        parent = self.machines[name].parent
        while parent is not None:
            machine = self.machines[parent]
            yield machine
            parent = machine.parent

    def depth(self, name: str) -> int:
        """How many parents `name` has."""
        return sum(1 for _ in self.ancestors(name))

    def descendants(self, name: str) -> tuple[Machine, ...]:
        """All machines below `name`, parents before children."""
        below = [machine for machine in self.machines.values() if self.is_below(machine.name, name)]
        return tuple(sorted(below, key=lambda machine: self.depth(machine.name)))

    def is_below(self, name: str, ancestor: str) -> bool:
        """Whether `ancestor` is a parent, grandparent … of `name`."""
        return any(machine.name == ancestor for machine in self.ancestors(name))

    def keeps_memory(self, name: str) -> bool:
        """Whether a restart of WSL leaves it as it is: it, or a VM around it, is saved and goes on."""
        return self.machines[name].save or any(machine.save for machine in self.ancestors(name))

    def branch(self, ancestor: str, name: str) -> Machine:
        """The child of `ancestor` through which `name` is reached (`name` itself if it is the child).

        Raises:
            KeyError: `name` is not below `ancestor`.
        """
        machine = self.machines[name]
        for parent in self.ancestors(name):
            if parent.name == ancestor:
                return machine
            machine = parent
        raise KeyError(name)
