"""What kind of Windows this is: `LAB/windows.json`, data of the topology.

Only an update of WSL changes it at run time. Missing keys take the defaults below: Windows 11 23H2 with
WSL 2.6.1 and one distro, as in note 000.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

HYPERV_FIREWALL_BUILD = 22621
_WIRE = "wire"  # the settings of host.wire lie in the same file
OWNER_SID = "S-1-5-21-1004336348-1177238915-682003330-1001"


@dataclass(frozen=True, slots=True)
class Distro:
    """One distribution of the owner. The first one is the default."""

    name: str
    guid: str
    version: int = 2
    default_user: str = "root"
    default_uid: int = 0


@dataclass(frozen=True, slots=True)
class DeadAdapter:
    """An adapter that is only a row: disconnected, without a device in the lab."""

    name: str
    index: int
    guid: str
    description: str
    mac: str
    hidden: bool = False
    kind: str = "physical"


@dataclass(frozen=True)
class Settings:
    """The settings of one Windows.

    Attributes:
        build: CurrentBuildNumber; the Hyper-V firewall exists from 22621 on (windows-facts 2).
        revision: UBR.
        culture: Of messages and labels: `en-US` or `zh-CN` (only texts seen in the field are translated).
        wsl_version: Of the WSL package; None: not installed.
        wsl_newest, wsl_prerelease: What `wsl --update` finds.
        kernel_version: Of WSL's own kernel.
        custom_kernel_version: Of a kernel that `.wslconfig` names.
        compute_network: Whether ComputeNetwork.dll has the port reservation calls; None: by build.
        dead_adapters: Adapters without a device.
        files: Windows path → text, written at the first install where there is no such file yet.
        registry: Key → value name → data, merged over the usual registry when it is made.
        firewall_products: Name → `productState` of firewalls that have told Windows of themselves.
        code_integrity: What Win32_DeviceGuard says of user mode: 0 off, 1 audit, 2 enforced.
        services: Service name → `Running`/`Stopped`, merged over the usual ones.
        dns_servers: Adapter alias → servers.
        exec_timeout_s: How long a command in WSL may run.
        user_terminal: Whether the user keeps a terminal open in WSL, which holds it.
        idle_speed: How many times faster than in the field WSL's idle clocks run.
        wsl1: Whether the optional component that WSL 1 needs is installed.
        owner_admin: Whether the owner is an administrator.
        microsoft_account: Whether the owner signs in with one.
        dynamic_ports: By protocol: first and last port of those that Windows gives to outgoing connections.
        excluded_ports: By protocol: first port, last port, whether an administrator excluded them.
        host_firewall: Whether Windows' own firewall judges what comes to Windows itself.
        batch_logon: Whether the owner may log on as a batch job (S4U and Password tasks).
    """

    computer: str = "DESKTOP-WUJING"
    owner: str = "owner"
    owner_sid: str = OWNER_SID
    build: int = 22631
    revision: int = 4317
    edition: str = "Professional"
    product: str = "Windows 10 Pro"
    culture: str = "en-US"
    wsl_version: str | None = "2.6.1.0"
    wsl_newest: str = "2.6.3.0"
    wsl_prerelease: str = "2.9.4.0"
    kernel_version: str = "6.6.87.2-1"
    custom_kernel_version: str = "6.6.87.2"
    wslg_version: str = "1.0.66"
    msrdc_version: str = "1.2.6353"
    direct3d_version: str = "1.611.1-81528511"
    dxcore_version: str = "10.0.26100.1-240331-1435.ge-release"
    compute_network: bool | None = None
    distros: tuple[Distro, ...] = (Distro("Debian", "{1c6b5b5e-3a0f-4b7e-9a3e-5f6f0f6d2a10}"),)
    dead_adapters: tuple[DeadAdapter, ...] = ()
    files: Mapping[str, str] = field(
        default_factory=lambda: {"C:\\Users\\17895\\bzImage": "the kernel of note 000"}
    )
    registry: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    firewall_products: Mapping[str, int] = field(default_factory=dict)
    code_integrity: int = 0
    services: Mapping[str, str] = field(default_factory=dict)
    dns_servers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    exec_timeout_s: float = 3600.0
    user_terminal: bool = True
    idle_speed: float = 1.0
    wsl1: bool = True
    owner_admin: bool = True
    microsoft_account: bool = False
    dynamic_ports: Mapping[str, tuple[int, int]] = field(
        default_factory=lambda: {"tcp": (49152, 65535), "udp": (49152, 65535)}
    )
    excluded_ports: Mapping[str, tuple[tuple[int, int, bool], ...]] = field(
        default_factory=lambda: {"tcp": ((5357, 5357, False), (50000, 50059, True))}
    )
    host_firewall: bool = True
    batch_logon: bool = True

    @property
    def hyperv_firewall(self) -> bool:
        """Whether this Windows has the Hyper-V firewall and its commands (Windows 11 22H2)."""
        return self.build >= HYPERV_FIREWALL_BUILD

    @property
    def home(self) -> str:
        """The owner's profile folder."""
        return f"C:\\Users\\{self.owner}"

    @classmethod
    def load(cls, path: Path) -> Settings:
        """From a file; a missing one means all defaults.

        Raises:
            ValueError: The file is no JSON object or has a key that no setting has.
        """
        return cls.parse(json.loads(path.read_text("utf-8"))) if path.exists() else cls()

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> Settings:
        """From a JSON object with any of the fields above."""
        unknown = set(document) - {f.name for f in fields(cls)} - {_WIRE}
        if unknown:
            raise ValueError(f"windows.json: unknown setting {min(unknown)!r}")
        values = {name: value for name, value in document.items() if name != _WIRE}
        try:
            for name, kind in (("distros", Distro), ("dead_adapters", DeadAdapter)):
                if name in values:
                    values[name] = tuple(kind(**row) for row in values[name])
            return cls(**values)
        except TypeError as error:
            raise ValueError(f"windows.json: {error}") from error
