"""Fact `in_use`: what the settings of WSL came out as, as far as the machine itself shows it.

Memory and processors of the VM, the kernel's command line, who resolves names, and whether the
configuration is a link. Asked for by `config` and doctor only, so it is sent on demand.
"""

import os

from wslnet_linux_agent.facts_host import read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_RESOLV = "/etc/resolv.conf"
_WSL_CONF = "/etc/wsl.conf"
_MOST_BYTES = 65536


def in_use() -> "dict[str, Any]":
    """Give `memory_kb`, `swap_kb`, `processors`, `command_line`, `resolver` and `wsl_conf_link`."""
    memory = _memory()
    return {
        "memory_kb": memory.get("MemTotal", 0),
        "swap_kb": memory.get("SwapTotal", 0),
        "processors": os.sysconf("SC_NPROCESSORS_ONLN"),
        "command_line": read("/proc/cmdline") or "",
        "resolver": {"link": _link(_RESOLV), "nameservers": _nameservers()},
        "wsl_conf_link": _link(_WSL_CONF),
    }


def _memory() -> "dict[str, int]":
    found = {}
    for line in (read("/proc/meminfo") or "").split("\n"):
        name, _, value = line.partition(":")
        words = value.split()
        if words and words[0].isdigit():
            found[name] = int(words[0])
    return found


def _link(path: "str") -> "str | None":
    return os.readlink(path) if os.path.islink(path) else None


def _nameservers() -> "list[str]":
    """Servers in their order; none where the file is missing, or a link that leads nowhere."""
    try:
        with open(_RESOLV, encoding="utf-8", errors="replace") as file:
            lines = file.read(_MOST_BYTES).split("\n")
    except FileNotFoundError:
        return []
    rows = [line.split() for line in lines]
    return [row[1] for row in rows if len(row) > 1 and row[0] == "nameserver"]
