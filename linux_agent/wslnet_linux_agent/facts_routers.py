"""Fact `routers`: libvirt's networks as the virtual routers that they are, and whether their server answers.

Read by argument vectors and asked with packets of this machine to itself; nothing is leased. Not part of the
bundle.
"""

import json
import os
import re
import threading

from wslnet_linux_agent import probe_dhcp, shell
from wslnet_linux_agent.facts_guests import active_networks, attributes, rows

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Where libvirt has them on every distribution: what its lease helper keeps, and whose process the server is.
_LEASES = "/var/lib/libvirt/dnsmasq/%s.status"
_PROCESS = "/run/libvirt/network/%s.pid"
_ANSWER_S = 2.0
_MOST_BYTES = 1048576
_COLUMNS = 7


def routers() -> "list[dict[str, Any]] | None":
    """All networks of libvirt with their way out, DHCP ranges and leases; None without virsh.

    `dhcp` and `dns` are how a question to the server ended (`ok`, `timeout`, `refused`), null for what the
    network does not serve; `server` is the name of its process, `lease_file` why that file is not readable.
    """
    if not shell.find("virsh"):
        return None
    every, active = active_networks()
    commands = [command for name in every for command in _commands(name, active)]
    said = shell.run_all(commands, shell.TIMEOUT_S) if commands else []
    found = [
        _router(name, xml.text(), leased, active=name in active)
        for name, xml, leased in zip(every, said[::2], said[1::2])
    ]
    asked = [threading.Thread(target=_ask, args=(one,), daemon=True) for one in found if one["active"]]
    for one in asked:
        one.start()
    for one in asked:
        one.join(2 * _ANSWER_S)
    return found


def _commands(name: "str", active: "list[str]") -> "list[list[str]]":
    dump = ["virsh", "net-dumpxml", "--network", name]
    return [
        dump if name in active else [*dump, "--inactive"],
        ["virsh", "net-dhcp-leases", "--network", name],
    ]


def _router(name: "str", text: "str", leased: "shell.Outcome", *, active: "bool") -> "dict[str, Any]":
    ip = attributes("ip", text)
    bridge = attributes("bridge", text).get("name")
    ranges = [dict(re.findall("([a-z]+)='([^']*)'", one)) for one in re.findall("<range( [^>]*)>", text)]
    ranges = [{"first": one["start"], "last": one["end"]} for one in ranges if ":" not in one["start"]]
    forward = attributes("forward", text).get("mode", "nat") if "<forward" in text else None
    return {
        "network": name,
        "active": active,
        "bridge": bridge,
        "forward": forward,
        "gateway": ip.get("address"),
        "prefix": _prefix(ip),
        "ranges": ranges,
        "leases": _leases(leased.text()) if leased.code == 0 else None,
        "lease_file": _unreadable(bridge) if bridge else None,
        "server": _server(name),
        "dhcp": "timeout" if active and ranges and bridge else None,
        "dns": None if attributes("dns", text).get("enable") == "no" or not (active and ip) else "timeout",
    }


def _ask(router: "dict[str, Any]") -> "None":
    """Both questions, one after the other: the answers take milliseconds, and silence is seldom."""
    bridge, gateway = router["bridge"], router["gateway"]
    for key in ("dhcp", "dns"):
        if router[key] is None:
            continue
        try:
            if key == "dhcp":
                router[key] = probe_dhcp.dhcp(bridge, gateway, _ANSWER_S / 2)
            else:
                router[key] = probe_dhcp.dns(gateway, _ANSWER_S / 2)
        except OSError as error:
            # The bridge or its address is not there, though libvirt calls the network active.
            router[key] = "failed: %s" % error.strerror


def _prefix(ip: "dict[str, str]") -> "int | None":
    if "prefix" in ip:
        return int(ip["prefix"])
    mask = ip.get("netmask")
    bits = "".join(bin(int(part)) for part in mask.split(".")) if mask else None
    return None if bits is None else bits.count("1")


def _leases(text: "str") -> "list[dict[str, str | None]]":
    return [
        {
            "until": "%s %s" % (words[0], words[1]),
            "mac": words[2],
            "address": words[4].partition("/")[0],
            "host": None if words[5] == "-" else words[5],
        }
        for words in rows(text)
        if len(words) >= _COLUMNS and words[3] == "ipv4"
    ]


def _unreadable(bridge: "str") -> "str | None":
    """Why the file with the leases cannot be read; None if it can, or there is none yet."""
    path = _LEASES % bridge
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read(_MOST_BYTES)
        if text.strip():
            json.loads(text)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        return "%s: %s" % (path, getattr(error, "strerror", None) or "damaged")
    return None


def _server(network: "str") -> "str | None":
    """The name of the process that libvirt started for a network, if it lives."""
    try:
        with open(_PROCESS % network, encoding="ascii") as file:
            process = file.read().strip()
        with open(os.path.join("/proc", process, "comm"), encoding="utf-8", errors="replace") as file:
            return file.read().strip()
    except (OSError, ValueError):
        # It is not there, or libvirt runs elsewhere (another distribution that shares this network).
        return None
