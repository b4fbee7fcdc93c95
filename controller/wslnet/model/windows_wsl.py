"""WSL as Windows sees it, as the Windows agent reads it. No judgement here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WslConfigFile:
    """The owner's `.wslconfig`: `target` behind a link, base64 `content`, why not read (`error`)."""

    path: str
    target: str | None = None
    exists: bool = False
    content: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Distro:
    """One installed distro, as `wsl -l -v` lists it."""

    name: str
    state: str
    version: int = 2
    default: bool = False


@dataclass(frozen=True, slots=True)
class WslVersions:
    """What `wsl --version` says, line by line; None for a line that is not there."""

    wsl: str | None = None
    kernel: str | None = None
    wslg: str | None = None
    msrdc: str | None = None
    direct3d: str | None = None
    dxcore: str | None = None
    windows: str | None = None


@dataclass(frozen=True, slots=True)
class WslEvent:
    """What WSL told the event log at a start: error paths and names of modes, the same in every language."""

    at: str
    codes: tuple[str, ...] = ()
    modes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WslService:
    """WSL as Windows sees it; `mode` and `address` only while it runs.

    `error` and `error_code` say why wsl.exe could not be asked: then nothing but its version is known.
    """

    installed: bool = False
    version: str | None = None
    kernel_version: str | None = None
    distros: tuple[Distro, ...] = ()
    running: bool = False
    mode: str | None = None
    address: str | None = None
    versions: WslVersions | None = None
    error: str | None = None
    error_code: str | None = None


@dataclass(frozen=True, slots=True)
class NatOwner:
    """The address that WSL had last in NAT mode, for the account with this SID."""

    sid: str
    address: str


@dataclass(frozen=True, slots=True)
class WslNat:
    """WSL's NAT network as the registry remembers it; it says nothing about whether WSL runs."""

    network: str | None = None
    gateway: str | None = None
    owners: tuple[NatOwner, ...] = ()

    def address(self, sid: str) -> str | None:
        """The address of this account's WSL; None when there is none."""
        return next((one.address for one in self.owners if one.sid == sid), None)
