"""Fact `platform`: what the kernel was built with, what the CPU can do for VMs, and who process 1 is.

Asked for by doctor only, so it is sent on demand and not part of the bundle.
"""

import gzip
import os

from wslnet_linux_agent.facts_host import read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_OPTIONS = (
    "BRIDGE", "TUN", "VETH", "NETFILTER", "NF_CONNTRACK", "NF_NAT", "NF_TABLES", "IP_NF_IPTABLES", "KVM",
    "KVM_INTEL", "KVM_AMD",
)  # fmt: skip
_PACKED_CONFIG = "/proc/config.gz"
_CONFIG = "/boot/config-" + os.uname().release
_MOST_CONFIG = 1 << 20
_CPUINFO = "/proc/cpuinfo"
_CPU_FLAGS = ("vmx", "svm")
_MODULES = ("kvm_intel", "kvm_amd")


def platform() -> "dict[str, Any]":
    """Give `options` (None: the kernel does not tell), the CPU's flag, `kvm`, `nested` and `init`."""
    nested = [read("/sys/module/%s/parameters/nested" % module) for module in _MODULES]
    return {
        "options": _options(),
        "cpu": _cpu_flag(),
        "kvm": os.path.exists("/dev/kvm"),
        "nested": next((value in ("Y", "1") for value in nested if value is not None), None),
        "init": read("/proc/1/comm") or "",
    }


def _options() -> "dict[str, str] | None":
    text = _config()
    if text is None:
        return None
    found = {}
    for line in text.split("\n"):
        name, _, value = line.partition("=")
        if name[:7] == "CONFIG_" and name[7:] in _OPTIONS and value in ("y", "m"):
            found[name[7:]] = value
    return found


def _config() -> "str | None":
    # A kernel tells it itself where it was built so (WSL's is); a distribution keeps it beside the kernel.
    for opener, path in ((gzip.open, _PACKED_CONFIG), (open, _CONFIG)):
        if os.path.exists(path):
            with opener(path, "rt", encoding="utf-8", errors="replace") as file:
                return str(file.read(_MOST_CONFIG))
    return None


def _cpu_flag() -> "str | None":
    with open(_CPUINFO, encoding="utf-8", errors="replace") as file:
        for line in file:
            name, _, value = line.partition(":")
            if name.strip() == "flags":
                words = value.split()
                return next((flag for flag in _CPU_FLAGS if flag in words), None)
    return None
