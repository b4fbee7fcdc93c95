"""Named network namespaces and the few primitives everything else is made of.

A `Namespace` owns one thread that lives inside the namespace, so that netlink sockets, sysctl files and child
processes of that thread belong to it. It must be closed: an open netlink socket keeps a namespace alive.
"""

from __future__ import annotations

import ctypes
import os
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, Self, TypeVar

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

T = TypeVar("T")
P = ParamSpec("P")

NAMES = Path("/run/netns")
CLONE_NEWNET = 0x40000000
IPV4_KEYS = (
    "forwarding",
    "rp_filter",
    "accept_local",
    "route_localnet",
    "arp_filter",
    "arp_ignore",
    "arp_announce",
    "promote_secondaries",
)


class FabricError(Exception):
    """A wire could not be laid: the message names the namespace and what was refused.

    Attributes:
        errno: The kernel's error number for a netlink request, else 0.
    """

    def __init__(self, message: str, errno: int = 0) -> None:
        super().__init__(message)
        self.errno = errno


def create(name: str) -> None:
    """Make the namespace with `lo` up and the kernel's own defaults.

    A new namespace inherits the IPv4 settings of the machine it is made on (devconf_inherit_init_net in the
    kernel's ip-sysctl text), which on many distributions are not the kernel's.

    Raises:
        FabricError: The name exists, or the kernel refuses.
    """
    _call(["ip", "netns", "add", name], f"cannot make the namespace {name}")
    with Namespace(name) as ns:
        keys = [f"ipv4/conf/{dev}/{key}" for dev in ("all", "default", "lo") for key in IPV4_KEYS]
        # Only what differs: a default that was written once is copied to no interface that exists by then.
        ns.set_sysctls({key: 0 for key in keys if ns.read_sysctl(key) != "0"})
        ns.netlink("link", "set", index=1, state="up")


def remove(name: str) -> None:
    """Delete the name; a missing one is fine. Processes inside keep the namespace until they end."""
    if exists(name):
        _call(["ip", "netns", "delete", name], f"cannot delete the namespace {name}")


def exists(name: str) -> bool:
    """Whether /run/netns has that name."""
    return (NAMES / name).exists()


class Namespace:
    """An open namespace; use it as a context manager."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._thread: ThreadPoolExecutor | None = None
        self._netlink: Any = None

    def __enter__(self) -> Self:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"in-{self.name}")
        try:
            self._thread.submit(_enter, self.name).result()
        except OSError as error:
            self._thread.shutdown()
            raise FabricError(f"cannot enter the namespace {self.name}: {error.strerror}") from error
        return self

    def __exit__(self, *_: object) -> None:
        if self._netlink is not None:
            self.inside(self._netlink.close)
            self._netlink = None
        if self._thread is not None:
            self._thread.shutdown()
            self._thread = None

    def inside(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `function` in the namespace and give its result, or raise what it raised."""
        if self._thread is None:
            raise FabricError(f"the namespace {self.name} is not open")
        return self._thread.submit(function, *args, **kwargs).result()

    def netlink(self, verb: str, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - pyroute2 is untyped
        """One rtnetlink request, `ns.netlink("link", "set", index=1, state="up")`.

        Raises:
            FabricError: The kernel refused; `errno` says how.
        """
        try:
            return self.inside(self._request, verb, *args, **kwargs)
        except NetlinkError as error:
            words = " ".join([verb, *(str(arg) for arg in args), *(f"{k}={v}" for k, v in kwargs.items())])
            raise FabricError(f"{self.name}: {words}: {os.strerror(error.code)}", error.code) from error

    def _request(self, verb: str, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - pyroute2 is untyped
        if self._netlink is None:
            self._netlink = IPRoute()
        answer = getattr(self._netlink, verb)(*args, **kwargs)
        # Dumps are generators that read the socket: they must be read up inside the namespace's thread.
        return list(answer) if verb.startswith("get_") or args[:1] == ("dump",) else answer

    def index(self, device: str) -> int | None:
        """Index of an interface, or None."""
        try:
            return self.inside(socket.if_nametoindex, device)
        except OSError:
            return None

    def require(self, device: str) -> int:
        """Index of an interface that must be there.

        Raises:
            FabricError: It is not.
        """
        index = self.index(device)
        if index is None:
            raise FabricError(f"{self.name} has no interface {device}")
        return index

    def run(self, argv: Sequence[str], stdin: str = "", timeout_s: float = 10.0) -> str:
        """Run a program inside, give its stdout.

        Raises:
            FabricError: It failed (with its stderr), or ran longer than `timeout_s` seconds.
        """
        return self.inside(_call, argv, f"{self.name}: {argv[0]} failed", stdin, timeout_s)

    def nft(self, script: str) -> None:
        """Load one nft transaction: all of it holds, or none.

        Raises:
            FabricError: With nft's own words.
        """
        self.run(["nft", "-f", "-"], stdin=script)

    def set_sysctls(self, values: Mapping[str, object]) -> None:
        """Write keys below /proc/sys/net in order, written with slashes: `ipv4/conf/eth0.1/rp_filter`.

        Raises:
            FabricError: There is no such key, or the value is refused.
        """
        self.inside(_write_sysctls, self.name, values)

    def read_sysctl(self, key: str) -> str:
        """Read one key below /proc/sys/net, written with slashes.

        Raises:
            FabricError: There is no such key.
        """
        try:
            return self.inside(Path("/proc/sys/net", key).read_text).strip()
        except OSError as error:
            raise FabricError(f"{self.name}: cannot read {key}: {error.strerror}") from error


def _enter(name: str) -> None:
    descriptor = os.open(NAMES / name, os.O_RDONLY | os.O_CLOEXEC)
    try:
        # os.setns came with Python 3.12.
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.setns(descriptor, CLONE_NEWNET) != 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code))
    finally:
        os.close(descriptor)


def _write_sysctls(name: str, values: Mapping[str, object]) -> None:
    for key, value in values.items():
        try:
            Path("/proc/sys/net", key).write_text(f"{value}\n")
        except OSError as error:
            raise FabricError(f"{name}: cannot set {key} to {value}: {error.strerror}") from error


def _call(argv: Sequence[str], what: str, stdin: str = "", timeout_s: float = 10.0) -> str:
    try:
        done = subprocess.run(
            argv,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
            errors="replace",
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise FabricError(f"{what}: {error}") from error
    if done.returncode != 0:
        raise FabricError(f"{what}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout
