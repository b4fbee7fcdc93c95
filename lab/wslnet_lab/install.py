"""Makes everything of a lab that lies on disk before anything runs: keys, password, every machine's files."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING

from wslnet_lab import rootfs, sshd, standins

if TYPE_CHECKING:
    from wslnet_lab.paths import LabPaths
    from wslnet_lab.topology.model import Machine, Topology


def install(paths: LabPaths, topology: Topology) -> None:
    """Installs all machines of a topology in a lab's empty folder."""
    rootfs.build_base(paths.base)
    sshd.make_key(paths.client_key, f"owner@{paths.name}")
    paths.password.write_text(f"{secrets.token_urlsafe(12)}\n")
    paths.password.chmod(0o600)
    for machine in topology.machines.values():
        where = paths.machine(machine.name)
        where.folder.mkdir()
        if machine.is_linux:
            rootfs.mount_machine(paths, where, standins=standins.programs(machine))
            rootfs.write_files(where.root, _identity(machine))
            rootfs.choose_iptables(where.root, machine.iptables)
            sshd.install(where.root, machine.hostname, paths.client_key)
        else:
            where.root.mkdir()
            rootfs.write_programs(paths.windows_programs, standins.programs(machine))
            paths.windows_settings.write_text(json.dumps(dict(machine.settings), indent=1))
        rootfs.write_files(where.root, machine.files)


def _identity(machine: Machine) -> dict[str, str]:
    return {"etc/hostname": f"{machine.hostname}\n", "etc/hosts": usual_hosts(machine.hostname)}


def usual_hosts(hostname: str) -> str:
    """What /etc/hosts says on a new machine, and on WSL after each start that generates it."""
    return f"127.0.0.1\tlocalhost\n127.0.1.1\t{hostname}\n::1\tlocalhost ip6-localhost\n"
