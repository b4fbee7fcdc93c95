"""The lab's inventory (spec/cli.md "Machines and the inventory"): how a controller on this host gets in.

The controller stands on Windows, so everything that Windows can reach is reached through the lab's proxy.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from wslnet_lab.hardware import WINRM_PORT
from wslnet_lab.sshd import host_key

if TYPE_CHECKING:
    from pathlib import Path

    from wslnet_lab.paths import LabPaths
    from wslnet_lab.topology.model import Machine, Topology


def write(paths: LabPaths, topology: Topology, proxy_port: int) -> None:
    """Writes the inventory, and into its state folder the host keys of all machines that were installed.

    A lab is raised on this very host, so its keys are known without asking anybody over a network.
    """
    paths.inventory.write_text(render(paths, topology, f"socks5h://127.0.0.1:{proxy_port}"))
    paths.local_inventory.write_text(render(paths, topology, None))
    lines = [
        f"{machine.name} {' '.join(host_key(paths.machine(machine.name).upper).split()[:2])}\n"
        for machine in topology.machines.values()
        if machine.kind not in {"windows", "gateway"}
    ]
    state = _state(paths)
    state.mkdir(exist_ok=True)
    (state / "known_hosts").write_text("".join(lines))


def _state(paths: LabPaths) -> Path:
    return paths.folder / "controller"


def render(paths: LabPaths, topology: Topology, proxy: str | None) -> str:
    """The inventory as TOML text; without proxy it is that of a controller on Windows itself."""
    lines = [
        f"# Inventory of the lab {paths.name!r} (topology {topology.name!r}), written by `wslnet lab up`.",
        "schema_version = 1",
        f"state = {_value(str(_state(paths)))}",
    ]
    for machine in topology.machines.values():
        if machine.kind != "gateway":
            lines += ["", f"[machines.{machine.name}]"]
            lines += [f"{key} = {_value(value)}" for key, value in _entry(paths, machine, proxy).items()]
    lines += ["", "[wish]", f"mode = {_value(topology.wish.mode)}", "reach = ["]
    lines += [f"    {_value(list(pair))}," for pair in topology.wish.reach]
    return "\n".join([*lines, "]", ""])


def _entry(paths: LabPaths, machine: Machine, proxy: str | None) -> Mapping[str, object]:
    # Hyper-V's own VM is no machine in WSL's tree but another computer, reached by way of Windows.
    peer = machine.kind == "peer" or (machine.kind == "vm" and machine.parent == "windows")
    entry: dict[str, object] = {"kind": "peer" if peer else machine.kind}
    if machine.kind == "windows" and proxy is None:
        return entry
    if machine.kind == "windows":
        entry |= {
            "address": "127.0.0.1",
            "port": WINRM_PORT,
            "user": machine.user,
            "secret": {"command": ["cat", str(paths.password)]},
            "proxy": proxy,
        }
        return entry
    if machine.parent is not None and not peer:
        entry["parent"] = machine.parent
    if machine.kind == "wsl":
        entry["distro"] = machine.distro
    elif machine.address is not None:
        entry["address"] = machine.address
    entry |= {"user": machine.user, "key": str(paths.client_key)}
    if peer:
        entry |= {} if proxy is None else {"proxy": proxy}
    return entry


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_value(each)}" for key, each in value.items()) + " }"
    # Strings, numbers and lists are written alike in JSON and TOML, but for characters beyond the BMP.
    return json.dumps(value, ensure_ascii=False)
