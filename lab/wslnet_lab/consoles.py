"""The consoles of a machine's VMs, behind the stand-in `virsh console`: a login on the terminal of its own.

One client at a time, as libvirt has it. Unlike a real console's, a session ends with its client.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from wslnet_lab import inside
from wslnet_lab.errors import LabError, NotRunning
from wslnet_lab.wsl_programs import run_attached

if TYPE_CHECKING:
    from wslnet_lab.attached import Act, Streams
    from wslnet_lab.hardware import Hardware
    from wslnet_lab.topology.model import Machine

_GETTY = "/usr/local/sbin/getty"


def serve(hardware: Hardware, host: Machine) -> Act:
    """Gives what serves such a request: `{name}` of a domain of `host` in, `{exit_code}` out."""
    in_use: set[str] = set()
    lock = threading.Lock()

    def act(request: dict[str, Any], streams: Streams) -> dict[str, Any]:
        name = request["name"]
        init = hardware.inits.get(name)
        children = {each.name for each in hardware.topology.children(host.name)}
        if name not in children or init is None or not init.alive():
            raise NotRunning("Requested operation is not valid: domain is not running")
        with lock:
            if name in in_use:
                raise LabError("operation failed: Active console session exists for this domain")
            in_use.add(name)
        try:
            account = inside.find_account(hardware.paths.machine(name).root, "root")
            return {"exit_code": run_attached(inside.command(init, [_GETTY], account), streams)}
        finally:
            in_use.discard(name)

    return act
