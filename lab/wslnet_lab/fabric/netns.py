"""Named network namespaces and the few primitives everything else is made of.

A `Namespace` owns one thread that lives inside the namespace, so that netlink sockets, sysctl files and child
processes of that thread belong to it. It must be closed: an open netlink socket keeps a namespace alive.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self, TypeVar

T = TypeVar("T")


class FabricError(Exception):
    """A wire could not be laid: the message names the namespace and what was refused."""


def create(name: str) -> None:
    """Make the namespace with `lo` up. An existing name is an error."""
    raise NotImplementedError


def remove(name: str) -> None:
    """Delete the name; a missing one is fine. Processes inside keep the namespace until they end."""
    raise NotImplementedError


def exists(name: str) -> bool:
    """Whether /run/netns has that name."""
    raise NotImplementedError


class Namespace:
    """An open namespace; use it as a context manager."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> Self:
        raise NotImplementedError

    def __exit__(self, *_: object) -> None:
        raise NotImplementedError

    def inside(self, function: Callable[..., T], *args: object, **kwargs: object) -> T:
        """Run `function` in the namespace and give its result."""
        raise NotImplementedError

    def netlink(self, verb: str, *args: object, **kwargs: object) -> Any:  # noqa: ANN401 - pyroute2 is untyped
        """One rtnetlink request, `ns.netlink("link", "set", index=1, state="up")`."""
        raise NotImplementedError

    def index(self, device: str) -> int | None:
        """Index of an interface, or None."""
        raise NotImplementedError

    def run(self, argv: Sequence[str], stdin: str = "", timeout_s: float = 10.0) -> str:
        """Run a program inside, give its stdout; FabricError with its stderr when it fails."""
        raise NotImplementedError

    def nft(self, script: str) -> None:
        """Load one nft transaction."""
        raise NotImplementedError

    def set_sysctls(self, values: Mapping[str, object]) -> None:
        """Write keys below /proc/sys/net, written with slashes: `ipv4/conf/eth0.1/rp_filter`."""
        raise NotImplementedError

    def read_sysctl(self, key: str) -> str:
        """Read one key below /proc/sys/net."""
        raise NotImplementedError
