"""Fact `persistence`: how this machine starts, what of ours its start calls, and who else is at its network.

Distributions of WSL share one network namespace and no processes. Unix sockets belong to the namespace, so
the kernel's list of them shows daemons of another distribution that no process list here does.
"""

import os

from wslnet_linux_agent import ops_persist, shell

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# A daemon's own socket, and the name of its process.
_MANAGERS = (
    ("/run/NetworkManager/private", "NetworkManager"),
    ("/run/systemd/netif/io.systemd.Network", "systemd-network"),
    ("/run/dhcpcd/sock", "dhcpcd"),
    ("/run/connman/", "connmand"),
)
AGENT_SOCKET = "@wslnet-agent"
_AGENT = "wslnet-agent"
_SBIN = ("/usr/sbin", "/sbin")
_VERSION_S = 5.0
_PATH_COLUMN = 7


def persistence() -> "dict[str, Any]":
    """All of it; which mechanism is used is the controller's choice."""
    sockets, processes = _sockets(), _processes()
    return {
        "systemd": os.path.isdir("/run/systemd/system"),
        "ifupdown": os.path.exists("/etc/network/interfaces")
        and any(os.access(folder + "/ifup", os.X_OK) for folder in _SBIN),
        "networkmanager": os.path.isdir("/etc/NetworkManager"),
        "libvirt": _libvirt(),
        "enabled": ops_persist.enabled(),
        "wsl_conf": ops_persist.content(ops_persist.WSL_CONF),
        "hosts": ops_persist.content(ops_persist.HOSTS),
        "watched": AGENT_SOCKET in sockets,
        "resident": _AGENT in processes,
        "managers": [
            {"name": name, "here": name in processes}
            for socket, name in _MANAGERS
            if any(one.startswith(socket) for one in sockets)
        ],
    }


def _libvirt() -> "str | None":
    """The version of libvirt's client; None if it is not there."""
    if not os.path.isdir("/etc/libvirt") and shell.find("virsh") is None:
        return None
    outcome = shell.run(["virsh", "--version"], _VERSION_S)
    return outcome.text().strip() if outcome.code == 0 else ""


def _sockets() -> "set[str]":
    found = set()
    with open("/proc/net/unix", encoding="utf-8", errors="replace") as table:
        for line in table:
            words = line.split()
            if len(words) > _PATH_COLUMN:
                found.add(words[_PATH_COLUMN])
    return found


def _processes() -> "set[str]":
    """Names of all processes here; a Python program is known by the script that it runs."""
    found = set()
    for process in os.listdir("/proc"):
        if process.isdigit():
            found.update(_names(process))
    return found


def _names(process: "str") -> "list[str]":
    try:
        with open("/proc/%s/comm" % process, encoding="utf-8", errors="replace") as file:
            names = [file.read().rstrip("\n")]
        with open("/proc/%s/cmdline" % process, "rb") as file:
            words = file.read(4096).split(b"\0")
    except OSError:
        # It ended between the look and the reading.
        return []
    scripts = [os.path.basename(word).decode("utf-8", "replace") for word in words[:4]]
    return names + [one for one in scripts if one == _AGENT]
