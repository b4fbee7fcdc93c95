"""`python -m wslnet_lab.host --lab DIR`: one Windows host, in the network namespace it is started in.

It boots the machine's models over the daemon's control socket, then serves WinRM until it is killed and says
so in `DIR/windows/host.ready`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from wslnet_lab.host.contract import Identity
from wslnet_lab.host.control_socket import ControlSocket
from wslnet_lab.host.hardware import HardwareError
from wslnet_lab.host.local_programs import LocalPrograms
from wslnet_lab.host.log import JsonLinesLog
from wslnet_lab.host.machine import WindowsMachine, build_windows, endpoints_of
from wslnet_lab.host.power import serve_power
from wslnet_lab.host.server import WSMAN_PORT, WinRmServer
from wslnet_lab.host.tasks.startup_scripts import run_startup_scripts
from wslnet_lab.host.wire.accounts import Account
from wslnet_lab.host.wire.settings import Settings, SettingsError, SettingsSource
from wslnet_lab.paths import LOGONS

if TYPE_CHECKING:
    from collections.abc import Iterable

_BOOT_DEADLINE_S = 30.0
_BOOT_PAUSE_S = 0.1


def main(arguments: list[str] | None = None) -> int:
    """Boots and serves; gives 2 with one line on stderr for a lab folder that cannot be used."""
    options = _parse(arguments)
    folder: Path = options.lab
    ready = folder / "windows" / "host.ready"
    ready.unlink(missing_ok=True)
    try:
        settings = SettingsSource(folder)
        log = JsonLinesLog(folder / "log" / "calls.jsonl")
        machine = build_windows(folder, ControlSocket(folder / "control.sock"), log, resumed=options.resumed)
        local = LocalPrograms.of(machine, log, settings)
        server = _build_server(folder, local, options.port)
        _boot(machine)
        local.serve(folder / "windows" / "programs.sock")
        serve_power(folder / "windows" / "host.sock", machine.state, machine.wsl)
    except (SettingsError, ValueError, OSError, HardwareError) as error:
        sys.stderr.write(f"windows host of {folder}: {error}\n")
        return 2
    ready.write_text(json.dumps({"pid": os.getpid(), "port": server.port}) + "\n", encoding="utf-8")
    machine.wsl.watch()
    machine.scheduler.power_on(resumed=options.resumed)
    if not options.resumed:
        run_startup_scripts(machine.state, machine.scheduler, folder / "log" / "startup-scripts.log")
    server.serve()
    return 0


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m wslnet_lab.host", description="The lab's Windows host.")
    parser.add_argument("--lab", type=Path, required=True, metavar="DIR", help="the lab's folder")
    parser.add_argument("--resumed", action="store_true", help="a Fast-Startup power-on, not a boot")
    parser.add_argument("--port", type=int, default=WSMAN_PORT, help="WinRM's port (0: any free one)")
    return parser.parse_args(arguments)


def _build_server(folder: Path, local: LocalPrograms, port: int) -> WinRmServer:
    windows = local.machine.state.settings
    password = (folder / "password").read_text("utf-8").strip()
    owner = Account(Identity(windows.owner, windows.owner_sid, admin=windows.owner_admin), password)
    return WinRmServer(
        engine=local.engine,
        programs=local.machine.programs,
        log=local.log,
        accounts=[owner, *_others(local.settings(), password)],
        credential_file=folder / LOGONS,
        settings=local.settings,
        port=port,
        endpoints=endpoints_of(local.machine),
    )


def _others(settings: Settings, password: str) -> Iterable[Account]:
    for number, row in enumerate(settings.accounts, start=1002):
        sid = str(row.get("sid", f"S-1-5-21-1004336348-1177238915-682003330-{number}"))
        identity = Identity(str(row["user"]), sid, admin=bool(row.get("admin", False)))
        yield Account(identity, str(row.get("password", password)))


def _boot(machine: WindowsMachine) -> None:
    """Boots the machine once the daemon answers; raises HardwareError when it does not in time."""
    deadline = time.monotonic() + _BOOT_DEADLINE_S
    while True:
        try:
            machine.boot()
        except HardwareError as error:
            if error.code != "unreachable" or time.monotonic() > deadline:
                raise
            time.sleep(_BOOT_PAUSE_S)
        else:
            return


if __name__ == "__main__":
    sys.exit(main())
