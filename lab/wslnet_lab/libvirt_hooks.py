"""libvirt's hooks, called as libvirt calls them: in the machine, synchronously, the network's XML on stdin.

As with the real one, whether there are hooks at all is looked at when the daemon starts, which here is the
boot of the machine; a hook installed later is called after the next one (virhook.c, virHookInitialize).
"""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

from wslnet_lab import inside
from wslnet_lab.errors import LabError

if TYPE_CHECKING:
    from pathlib import Path

    from wslnet_lab.processes import Process
    from wslnet_lab.topology.model import Network

_LOG = logging.getLogger(__name__)
_HOOKS = "etc/libvirt/hooks"
_TIMEOUT_S = 20.0


def present(root: Path) -> bool:
    """Whether the machine below `root` has a hook for networks, as its libvirt sees it when it starts."""
    return bool(_scripts(root))


def call(init: Process, root: Path, network: Network, operation: str) -> None:
    """Calls every hook for networks: `network NAME OPERATION begin -`, first the file, then the folder's.

    A hook that fails is logged: libvirt would refuse to start the network, which no test here needs.
    """
    account = inside.find_account(root, "root")
    for script in _scripts(root):
        argv = [script, network.name, operation, "begin", "-"]
        try:
            outcome = inside.run(init, argv, account, stdin=_xml(network), timeout_s=_TIMEOUT_S)
        except LabError as error:
            _LOG.warning("hook: %s", error)
            continue
        if outcome.exit_code:
            _LOG.warning("hook %s ended with %d: %r", script, outcome.exit_code, outcome.stderr)


def _scripts(root: Path) -> list[str]:
    hooks = root / _HOOKS
    folder = hooks / "network.d"
    found = [hooks / "network", *(sorted(folder.iterdir()) if folder.is_dir() else ())]
    return [f"/{one.relative_to(root)}" for one in found if one.is_file() and os.access(one, os.X_OK)]


def _xml(network: Network) -> bytes:
    address, _, prefix = network.bridge.address.partition("/")
    return (
        f"<hookData>\n  <network>\n    <name>{network.name}</name>\n    <forward mode='nat'/>\n"
        f"    <bridge name='{network.bridge.bridge}' stp='on' delay='0'/>\n"
        f"    <mac address='{network.bridge.mac}'/>\n"
        f"    <ip address='{address}' prefix='{prefix}'/>\n  </network>\n</hookData>\n"
    ).encode()
