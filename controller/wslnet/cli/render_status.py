"""What status prints for people: a block for each machine, one greppable line for each thing in it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.engine.overview import MachineView, Overview, WslView
    from wslnet.engine.overview_link import LinkView
    from wslnet.model.windows_wsl import Distro, WslVersions

_PARTS = {
    "wsl": "WSL",
    "kernel": "kernel",
    "wslg": "WSLg",
    "msrdc": "MSRDC",
    "direct3d": "Direct3D",
    "dxcore": "DXCore",
    "windows": "Windows",
}
_SWITCH = {True: "on", False: "off", None: "not known"}


def render(picture: Overview) -> Iterator[str]:
    """The lines, WSL as a whole first, then the machines in the order of the inventory."""
    if picture.wsl is not None:
        yield from _wsl(picture.wsl)
    for machine in picture.machines:
        yield ""
        yield from _machine(machine)


def render_versions(found: WslVersions) -> Iterator[str]:
    """The versions, in the order of `wsl --version`; what it did not say is not known."""
    for part, number in asdict(found).items():
        yield f"{_PARTS[part]}: {number or 'not known'}"


def _wsl(wsl: WslView) -> Iterator[str]:
    if wsl.running is False:
        yield "wsl: not running"
    else:
        yield f"wsl: mode {wsl.mode or 'not known'} (measured)"
    asked = [
        f"{who} says {mode}"
        for who, mode in ((".wslconfig", wsl.configured), ("the inventory", wsl.wished))
        if mode is not None
    ]
    if asked:
        yield f"  asked for: {', '.join(asked)}"
    if wsl.version is not None:
        yield f"  version: WSL {wsl.version}" + (f", kernel {wsl.kernel}" if wsl.kernel else "")
    for distro in wsl.distros:
        yield f"  distro: {_distro(distro)}"


def _distro(distro: Distro) -> str:
    default = ", default" if distro.default else ""
    return f"{distro.name}, {distro.state}, WSL {distro.version}{default}"


def _machine(machine: MachineView) -> Iterator[str]:
    where = f" in {machine.parent}" if machine.parent else ""
    yield f"{machine.name} ({machine.kind}{where})"
    if not machine.seen:
        yield f"  not seen: {machine.reason}"
        return
    if machine.system is not None:
        host = f"{machine.hostname}: " if machine.hostname else ""
        yield f"  system: {host}{machine.system}"
    for link in machine.links:
        yield from _link(machine.kind, link)
    if machine.forwarding is not None:
        yield f"  forwarding: IPv4 {_SWITCH[machine.forwarding]}"
    for group in machine.routes:
        yield f"  route: {group.text}"
    for bridge in machine.bridges:
        yield f"  bridge: {bridge.name}: {', '.join(bridge.ports) or 'no port'}"
    for vm in machine.vms or ():
        known = "" if vm.machine is not None else " (not in the inventory: `wslnet init` finds it)"
        yield f"  vm: {vm.name}, {vm.state}{known}"
    yield from (f"  note: {note}" for note in machine.notes)


def _link(kind: str, link: LinkView) -> Iterator[str]:
    word = "adapter" if kind == "windows" else "link"
    yield f"  {word}: {link.name}: {link.role}, {link.status}"
    told = [*link.addresses]
    told += [f"gateway {link.gateway}"] if link.gateway else []
    told += [f"mac {link.mac}"] if link.mac else []
    told += [f"mtu {link.mtu}"] if link.mtu and link.role != "loopback" else []
    told += [f"qdisc {link.qdisc}"] if link.qdisc else []
    told += [f"network {link.category}"] if link.category else []
    told += ["forwarding"] if kind == "windows" and link.forwarding else []
    told += [f"port of {link.master}"] if link.master else []
    told += list(link.flags)
    if told:
        yield f"    {', '.join(told)}"
    if link.mirrors is not None:
        yield f"    mirrors the Windows adapter {link.mirrors} (told by {link.mirrors_by})"
