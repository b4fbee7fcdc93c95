"""Facts that the kernel and the distribution hold as files: who the machine is, and its network switches."""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_OS_RELEASE = "/etc/os-release"
_SYS = "/proc/sys"
_SINGLE = (
    "net.ipv4.ip_forward",
    "net.ipv4.conf.all.accept_redirects",
    "net.ipv4.ip_local_port_range",
    "net.bridge.bridge-nf-call-iptables",
    "net.bridge.bridge-nf-call-ip6tables",
)
_PER_LINK = (
    ("ipv4", ("forwarding", "rp_filter", "arp_filter", "accept_local", "route_localnet", "proxy_arp")),
    ("ipv6", ("forwarding", "disable_ipv6", "accept_ra")),
)


def identity() -> "dict[str, Any]":
    """Who answers; `boot_id` changes with every boot."""
    system = os.uname()
    release = _os_release()
    return {
        "hostname": system.nodename,
        "kernel": system.release,
        "boot_id": read(_SYS + "/kernel/random/boot_id") or "",
        "python": "%d.%d.%d" % sys.version_info[:3],
        "uid": os.geteuid(),
        "os_id": release.get("ID"),
        "os_version": release.get("VERSION_ID"),
    }


def sysctls() -> "dict[str, str]":
    """The switches that decide about forwarding and filtering, all interfaces; absent ones are left out."""
    found = {}
    for key in _SINGLE:
        found[key] = read(_SYS + "/" + key.replace(".", "/"))
    for family, names in _PER_LINK:
        folder = "%s/net/%s/conf" % (_SYS, family)
        for link in os.listdir(folder) if os.path.isdir(folder) else ():
            for name in names:
                # As `sysctl` writes it: a dot in the name of an interface (eth0.100) becomes a slash.
                key = "net.%s.conf.%s.%s" % (family, link.replace(".", "/"), name)
                found[key] = read("%s/%s/%s" % (folder, link, name))
    # The kernel parts several numbers by tabs, which no text in an answer may hold.
    return {key: value.replace("\t", " ") for key, value in found.items() if value is not None}


def read(path: "str") -> "str | None":
    """Give a small file's text without its last newline; None if it is absent."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(4096).rstrip("\n")
    except OSError:
        return None


def _os_release() -> "dict[str, str]":
    found = {}
    for line in (read(_OS_RELEASE) or "").split("\n"):
        key, _, value = line.partition("=")
        found[key] = value.strip("\"'")
    return found
