"""The servers that libvirt runs beside its networks, one for each: started and ended inside the machine.

A server that does not start is logged and not more: a network is up without it, which is what is found then.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from wslnet_lab import inside
from wslnet_lab.errors import LabError

if TYPE_CHECKING:
    from pathlib import Path

    from wslnet_lab.processes import Process
    from wslnet_lab.topology.model import Network

_LOG = logging.getLogger(__name__)
_PROGRAM = "/usr/libexec/dnsmasq"
_TIMEOUT_S = 20.0


def start(init: Process, root: Path, network: Network) -> None:
    """Starts the server of a network, which listens when this returns."""
    address = network.bridge.address.partition("/")[0]
    _run(init, root, [network.name, network.bridge.bridge, address])


def stop(init: Process, root: Path, network: Network) -> None:
    """Ends it."""
    _run(init, root, ["--stop", network.name])


def _run(init: Process, root: Path, arguments: list[str]) -> None:
    argv = [_PROGRAM, *arguments]
    try:
        done = inside.run(init, argv, inside.find_account(root, "root"), stdin=b"", timeout_s=_TIMEOUT_S)
    except LabError as error:
        _LOG.warning("%s: %s", " ".join(argv), error)
        return
    if done.exit_code:
        _LOG.warning("%s ended with %d: %r", " ".join(argv), done.exit_code, done.stderr)
