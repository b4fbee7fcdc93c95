"""Switching a machine on and off: its namespace, its process 1, and everything that lives in it.

Knows nothing of wires: the caller lays them between `prepare` and `boot`, while the namespace is still empty.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import uuid
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import wslnet_lab
from wslnet_lab import netns, processes
from wslnet_lab.errors import LabError
from wslnet_lab.fabric import netns as fabric_netns
from wslnet_lab.init import PATH, Boot
from wslnet_lab.processes import Process

if TYPE_CHECKING:
    from wslnet_lab.paths import LabPaths
    from wslnet_lab.topology.model import Machine

_BOOT_TIMEOUT_S = 20.0
_SHUTDOWN_TIMEOUT_S = 5.0

_IMPORT_ROOT = str(Path(wslnet_lab.__file__).parent.parent)

_ENVIRONMENT = {
    "HOME": "/root",
    "USER": "root",
    "LOGNAME": "root",
    "SHELL": "/bin/bash",
    "LANG": "C.UTF-8",
}


def boot(
    lab: LabPaths,
    machine: Machine,
    services: list[list[str]],
    *,
    binds: list[list[str]],
    path: str = PATH,
    silent: bool = False,
) -> Process:
    """Starts the machine's process 1 in its namespace and gives it once its services are started.

    Args:
        lab: The lab.
        machine: Which one.
        services: Argument vectors of its services.
        binds: Files and folders of this host that it sees: source, target.
        path: Where its services look for programs.
        silent: Whether its services are held back until process 1 gets USR2.

    Raises:
        LabError: It does not boot; the machine's log says why.
    """
    where = lab.machine(machine.name)
    file = where.boot
    log = lab.log / f"{machine.name}.log"
    description = Boot(
        netns=str(netns.NETNS / lab.netns(machine.name)),
        hostname=machine.hostname,
        root=str(where.root) if machine.is_linux else None,
        services=services,
        environment={**_ENVIRONMENT, "PATH": path},
        log=str(log),
        binds=binds,
        boot_id=str(uuid.uuid4()),
        wsl_boot=machine.kind == "wsl",
        silent=silent,
        ports=str(lab.ports) if machine.kind == "wsl" and lab.ports.exists() else None,
    )
    file.write_text(json.dumps(asdict(description)), encoding="utf-8")
    with log.open("ab") as errors:
        try:
            done = subprocess.run(
                [sys.executable, "-S", "-m", "wslnet_lab.init", str(file)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                env={"PATH": PATH, "PYTHONPATH": _IMPORT_ROOT, "PYTHONUTF8": "1"},
                cwd="/",
                timeout=_BOOT_TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise LabError(f"{machine.name} does not boot, see {log}") from None
    if done.returncode != 0:
        raise LabError(f"{machine.name} does not boot, see {log}")
    return Process.of(int(done.stdout))


def end(namespace: str, init: Process | None, *, orderly: bool) -> None:
    """Ends everything that runs in a machine, outsiders in its namespace included; the namespace stays.

    Args:
        namespace: Name of its network namespace; there may be none.
        init: Its process 1, None when that is not known to run.
        orderly: Whether services get a moment to end by themselves.
    """
    if init is not None:
        if orderly:
            init.signal(signal.SIGTERM)
            init.wait_end(_SHUTDOWN_TIMEOUT_S)
        init.signal(signal.SIGKILL)
    if fabric_netns.exists(namespace):
        processes.end_all({netns.identity(namespace)})
    if init is not None:
        reap(init, wait=True)


def reap(init: Process, *, wait: bool) -> None:
    """Takes the exit of a process 1, which is the daemon's child since its launcher ended (a subreaper)."""
    try:
        os.waitpid(init.pid, 0 if wait else os.WNOHANG)
    except ChildProcessError:
        return  # taken already, or it belongs to whoever adopted it when an earlier daemon died
