"""The questions that doctor asks of a network's server, put to the real dnsmasq as libvirt sets it up."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .agent_bench import Netns

if TYPE_CHECKING:
    from collections.abc import Iterator

DNSMASQ = shutil.which("dnsmasq", path="/usr/sbin:/usr/bin:/sbin:/bin")
AGENT = Path(__file__).parents[2] / "linux_agent"
ASK = (
    "from wslnet_linux_agent import probe_dhcp as probe\n"
    "print(probe.dhcp('virbr0', '192.168.122.1', 2.0), probe.dns('192.168.122.1', 2.0))"
)
# As in /var/lib/libvirt/dnsmasq/default.conf; what it leases would be kept by libvirt's own helper.
CONFIG = """\
strict-order
user=root
pid-file={folder}/pid
except-interface=lo
bind-dynamic
interface=virbr0
dhcp-range=192.168.122.2,192.168.122.254,255.255.255.0
dhcp-no-override
dhcp-authoritative
dhcp-lease-max=253
dhcp-leasefile={folder}/leases
no-resolv
"""

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(DNSMASQ is None, reason="dnsmasq is not installed (scripts/install --vm)"),
]


@pytest.fixture
def bridge() -> Iterator[Netns]:
    host = Netns()
    try:
        host.exec("ip", "link", "set", "lo", "up")
        host.exec("ip", "link", "add", "virbr0", "type", "bridge")
        host.exec("ip", "address", "add", "192.168.122.1/24", "dev", "virbr0")
        host.exec("ip", "link", "set", "virbr0", "up")
        yield host
    finally:
        host.remove()


def asked(host: Netns) -> str:
    done = subprocess.run(
        ["ip", "netns", "exec", host.name, sys.executable, "-c", ASK],
        cwd=AGENT, capture_output=True, text=True, timeout=30, check=True,
    )  # fmt: skip
    return done.stdout.strip()


@pytest.mark.row("S0-62")
def test_dnsmasq_answers_and_leases_nothing(bridge: Netns, tmp_path: Path) -> None:
    assert asked(bridge) == "timeout refused"
    file = tmp_path / "default.conf"
    file.write_text(CONFIG.format(folder=tmp_path), "utf-8")
    argv = ["ip", "netns", "exec", bridge.name, str(DNSMASQ), f"--conf-file={file}", "--keep-in-foreground"]
    with subprocess.Popen(argv, stderr=subprocess.DEVNULL) as server:
        try:
            until = time.monotonic() + 30
            while (said := asked(bridge)) != "ok ok" and time.monotonic() < until:
                time.sleep(0.2)
            assert said == "ok ok"
            assert (tmp_path / "leases").read_text("utf-8") == ""
        finally:
            server.terminate()
