"""Programs inside WSL on the streams of a client of wsl.exe, for as long as both live."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from typing import TYPE_CHECKING, Any

from wslnet_lab import inside, processes
from wslnet_lab.errors import NotRunning

if TYPE_CHECKING:
    from wslnet_lab.attached import Act, Streams
    from wslnet_lab.hardware import Hardware
    from wslnet_lab.utility_vm import UtilityVm


def attach(hardware: Hardware, wsl: UtilityVm) -> Act:
    """Gives what serves such a request: `{argv, user}` in, `{exit_code}` out."""

    def act(request: dict[str, Any], streams: Streams) -> dict[str, Any]:
        name = hardware.topology.one("wsl").name
        init = hardware.inits.get(name)
        if init is None or not init.alive():
            raise NotRunning("WSL is not running")
        wsl.wake_distro()
        account = inside.find_account(hardware.paths.machine(name).root, request["user"])
        command = inside.command(init, request["argv"], account, ports=hardware.paths.ports)
        return {"exit_code": run_attached(command, streams)}

    return act


def run_attached(argv: list[str], streams: Streams) -> int:
    """Runs a program on a client's streams until it ends or the client goes; gives its exit code."""
    program = subprocess.Popen(
        argv,
        stdin=streams.stdin,
        stdout=streams.stdout,
        stderr=streams.stderr,
        start_new_session=True,
    )
    threading.Thread(target=_end_with_client, args=(program, streams.gone), daemon=True).start()
    code = program.wait()
    processes.reap_orphans(program.pid)
    return code


def _end_with_client(program: subprocess.Popen[bytes], gone: threading.Event) -> None:
    """Ends the program when its client goes; the event is set too when it has ended by itself."""
    gone.wait()
    if program.poll() is None:
        # nsenter forks on its way into the machine: only its process group has all of them.
        os.killpg(program.pid, signal.SIGKILL)
