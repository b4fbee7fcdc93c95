"""Causes that live in the Linux guest, by the mode of WSL in which they are drilled."""

from __future__ import annotations

from typing import Any

from .causes import Cause, connects
from .stages import WINDOWS_GREETING, windows_serves

_PORTS = "net.ipv4.ip_local_port_range"


def widen_ports(lab: Any) -> None:
    """What a file of sysctl.d does."""
    assert lab.run("wsl", ["sysctl", "-w", f"{_PORTS}=10000 40000"]).returncode == 0


IN_MIRRORED = (
    Cause(
        row=29,
        issues=("#41227", "#41102"),
        breaking=widen_ports,
        named=("port.reserved", "wsl"),
        evidence="net.ipv4.ip_local_port_range is 10000 to 40000",
        flows=connects("wsl", "127.0.0.1", 7070, WINDOWS_GREETING),
        stage=windows_serves,
        ordinary=True,
    ),
)
"""A mirrored WSL on the seed, after `setup --mirrored`."""

IN_NAT: tuple[Cause, ...] = ()
"""The seed in NAT mode, after `setup --nat`."""
