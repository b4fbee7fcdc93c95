"""Causes of Windows that are drilled with a mirrored WSL, with a port open to the LAN or without."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from tests.lab.asking import lab_command, reboot
from tests.lab.servers import greeting

from wslnet.resources.hyperv_rule import WSL_CREATOR

from . import stages
from .by_hand import and_start, cmdlet, refusals, registry_number, starts_anew, vms_come_again
from .causes import Cause, connects, in_machine, soon
from .stages import greets_anew
from .windows import GREETING, HOST, wsl_serves

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_SERVICES = r"HKLM\SYSTEM\CurrentControlSet\Services"
_SERVERS: dict[str, ExitStack] = {}
_FELT_S = 3.0
"""A new listener of a mirrored WSL is felt within a second."""

_FALLEN_BACK = frozenset(
    {
        ("mode.actual", "wsl"),
        ("forwarding.adapters", "windows"),
        ("nested.reject", "vm1"),
        ("route.nested", "wsl"),
    }
)
"""What a WSL in NAT mode that shall be in mirrored mode has, too; its VMs' ways went with the restart."""

_WITHOUT_CARDS = frozenset(
    {("mirror.links", "wsl"), ("nested.reject", "vm1"), ("route.default", "wsl"), ("route.nested", "wsl")}
)
"""What a WSL before 2.7.2 has that came up in mirrored mode all the same: lo, and nothing else."""


_WITHOUT_NETWORK = frozenset({("machine.reachable", name) for name in ("wsl", "vm1")})
"""What a WSL in mode none has: nobody comes in. (The lab's vm2 never tells all of itself.)"""


def number(key: str, name: str, value: int) -> Callable[[Any], None]:
    """Breaks by a number of the registry."""
    return partial(registry_number, key=rf"{_SERVICES}\{key}\Parameters", name=name, value=value)


def rule_gone(lab: Any) -> None:
    """Somebody takes the rule away that lets the port into WSL."""
    cmdlet(lab, "Remove-NetFirewallHyperVRule", Name="wslnet-allow-tcp-8080")


def host_blocks(lab: Any) -> None:
    """Somebody's rule of Windows' own firewall, which holds for WSL, too."""
    words = {"Direction": "Inbound", "Action": "Block", "Protocol": "TCP", "LocalPort": ["8080"]}
    cmdlet(lab, "New-NetFirewallRule", Name="corp-block-8080", DisplayName="no 8080", **words)


def host_lets_in(lab: Any) -> None:
    """What the finding tells."""
    cmdlet(lab, "Disable-NetFirewallRule", Name=["corp-block-8080"])


@contextmanager
def newest_wsl(lab: Any) -> Iterator[None]:
    """The WSL that is refused Windows' dynamic ports; what cannot be downgraded stays."""
    in_machine("windows", "wsl.exe --update --pre-release")(lab)
    starts_anew(lab, "wsl")
    yield


_FROM_LAN = connects("lan", HOST, 8080, GREETING)


def from_lan_anew(lab: Any) -> bool:
    """Packets: the same with a server that is started now, where a start of WSL would end it."""
    with wsl_serves(lab):
        return soon(lambda: _FROM_LAN(lab), _FELT_S)


def to_the_gateway(lab: Any) -> bool:
    """Packets: WSL reaches the LAN's gateway."""
    return bool(lab.pings("wsl", stages.GATEWAY))


@contextmanager
def steering_left(lab: Any) -> Iterator[None]:
    """Windows is one whose steering network outlives mirrored mode, without the firewall's flag."""
    lab_command(lab, "break", "hns-keeps-steering")
    try:
        yield
    finally:
        lab_command(lab, "break", "--clear")


@contextmanager
def one_of_two(lab: Any) -> Iterator[None]:
    """A server in WSL that can give its port to a program of Windows."""
    with ExitStack() as server:
        _SERVERS[lab.name] = server
        server.enter_context(wsl_serves(lab))
        yield


def windows_takes_it(lab: Any) -> None:
    """A program of Windows is there first, as a cluster's own server is."""
    _SERVERS[lab.name].close()
    _SERVERS[lab.name].enter_context(greeting(lab, "windows", "0.0.0.0", 8080, "this is windows"))


def wsl_takes_it(lab: Any) -> None:
    """The program of Windows is stopped, as the finding tells."""
    _SERVERS[lab.name].close()
    _SERVERS[lab.name].enter_context(wsl_serves(lab))


def windows_alone_starts(lab: Any) -> None:
    """Windows has booted, and nobody has used WSL since."""
    reboot(lab, "windows")


def setting_is_found(lab: Any) -> bool:
    """Packets reach WSL from the LAN, and Windows' own command finds WSL's setting."""
    words = {"Name": WSL_CREATOR, "LoopbackEnabled": "NotConfigured"}
    return refusals(lab, "Set-NetFirewallHyperVVMSetting", **words) == [] and from_lan_anew(lab)


def steering_without_firewall(lab: Any) -> None:
    """WSL starts in a boot of Windows that has such a network."""
    starts_anew(lab, "wsl")


_FEW_PORTS = "netsh.exe int ipv4 set dynamicport tcp start=20000 num=3000"

IN_MIRRORED: tuple[Cause, ...] = (
    Cause(
        row=4,
        issues=("#12351", "#13600", "#41228", "#41251", "#40439"),
        breaking=and_start("windows", "wsl", first=in_machine("windows", _FEW_PORTS)),
        named=("mode.actual", "wsl"),
        evidence="measured by wslinfo: none",
        flows=to_the_gateway,
        also=_WITHOUT_NETWORK,
        stage=vms_come_again,
        later=frozenset({("nested.reject", "vm1"), ("route.nested", "wsl")}),
        at_boot=True,
    ),
    # Last: its WSL stays.
    Cause(
        row=28,
        issues=("#40984", "#41085"),
        breaking=in_machine("windows", "netsh.exe int ipv4 set dynamicport tcp start=1024 num=64512"),
        named=("port.dynamic", "windows"),
        evidence="dynamic tcp ports 1024-65535",
        flows=partial(greets_anew, port=8080, text=GREETING),
        stage=newest_wsl,
    ),
)
"""A mirrored WSL on the seed, after `setup --mirrored`."""

TO_THE_LAN: tuple[Cause, ...] = (
    Cause(
        row=8,
        issues=("#10535", "#10597", "#10714", "#10769"),
        breaking=rule_gone,
        named=("hyperv.inbound", "windows"),
        evidence="tcp/8080@lan: no rule admits it",
        flows=_FROM_LAN,
        stage=wsl_serves,
        ordinary=True,
    ),
    Cause(
        row=9,
        issues=("#11184",),
        breaking=host_blocks,
        named=("hyperv.inbound", "windows"),
        evidence="corp-block-8080 blocks it, and a block wins over every allow",
        flows=_FROM_LAN,
        stage=wsl_serves,
        by_hand=host_lets_in,
    ),
    Cause(
        row=10,
        issues=("docsWSL#1869",),
        breaking=windows_alone_starts,
        named=("wsl.running", "wsl"),
        evidence="Set-NetFirewallHyperVVMSetting finds nothing",
        flows=setting_is_found,
        stage=vms_come_again,
        also=frozenset({("machine.reachable", "wsl")}),
        remains=frozenset({("machine.reachable", "vm1")}),
        # A setting that was changed once is there before WSL is.
        works_before=False,
    ),
    Cause(
        row=43,
        issues=("docker/for-win#13807", "rancher#6665", "kind#3565"),
        breaking=windows_takes_it,
        named=("port.conflict", "windows"),
        evidence="listens on 0.0.0.0:8080",
        flows=_FROM_LAN,
        stage=one_of_two,
        by_hand=wsl_takes_it,
    ),
    Cause(
        row=7,
        issues=("#10495", "#11377", "#11359"),
        breaking=and_start("windows", "wsl", first=number("MpsSvc", "HyperVFirewallDisable", 1)),
        named=("hyperv.firewall", "windows"),
        evidence="HyperVFirewallDisable = 1",
        flows=from_lan_anew,
        also=_FALLEN_BACK,
        at_boot=True,
    ),
    Cause(
        row=6,
        issues=("#11002", "#10650", "#12480"),
        breaking=and_start("windows", "wsl", first=number("Tcpip6", "DisabledComponents", 0xFF)),
        named=("ipv6.components", "windows"),
        evidence="DisabledComponents = 0xff",
        flows=from_lan_anew,
        also=_WITHOUT_CARDS,
        at_boot=True,
    ),
    Cause(
        row=0,
        issues=("wsl-facts 2.1, 1",),
        breaking=steering_without_firewall,
        named=("hns.networks", "windows"),
        evidence="carries the networks of mirrored mode",
        flows=from_lan_anew,
        stage=steering_left,
        also=_FALLEN_BACK,
        at_boot=True,
    ),
)
"""A mirrored WSL on the seed, with port 8080 wished for the LAN."""
