"""The lab's `wsl` machine as a host of real VMs: this host's own libvirtd and QEMU run in it, by TCG alone.

Files are laid into the machine's own overlay and go with the lab; nothing of this host's /etc is touched.
"""

from __future__ import annotations

import base64
import json
import subprocess
import time
from typing import TYPE_CHECKING, Any

from .image import INNER_NETWORK

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .image import Image

    Run = Callable[[list[str], float], str]

VM1_MAC = "52:54:00:fc:38:e0"
NETWORK = "192.168.122"
HOME = "var/lib/vm1"
SERIAL = "var/log/vm1.serial"
_ACCOUNTS = {
    "etc/passwd": "libvirt-qemu:x:64055:64055::/nonexistent:/usr/sbin/nologin\n"
    "libvirt-dnsmasq:x:64056:64056::/nonexistent:/usr/sbin/nologin\n",
    "etc/group": "libvirt-qemu:x:64055:\nkvm:x:994:\nlibvirt-dnsmasq:x:64056:\n",
}
_PROGRAM_S = 120.0
_AGENT_S = 900.0
"""Until the guest agent answers: 40 s on an idle machine of two cores, ten times that on a loaded one."""


def install(root: Path, image: Image, qemu_conf: str, network_xml: str) -> None:
    """Lays the image, libvirt's configuration and the accounts that it wants into a machine's files."""
    home = root / HOME
    home.mkdir(parents=True)
    for source, name in ((image.kernel, "vmlinuz"), (image.initrd, "initrd"), (image.disk, "disk.img")):
        subprocess.run(["cp", "--sparse=always", str(source), str(home / name)], timeout=120, check=True)
    (root / "var/log/libvirt").mkdir(parents=True, exist_ok=True)
    files = {
        "etc/libvirt/qemu.conf": qemu_conf,
        "etc/libvirt/libvirtd.conf": 'auth_unix_rw = "none"\nauth_unix_ro = "none"\n',
        "etc/libvirt/default.xml": network_xml,
        "etc/libvirt/vm1.xml": _domain(),
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    for name, lines in _ACCOUNTS.items():
        with (root / name).open("a") as accounts:
            accounts.write(lines)


def start(run: Run) -> None:
    """Starts libvirtd, its network `default` and the domain vm1 in the machine; returns at once."""
    for argv in (
        ["/usr/sbin/libvirtd", "-d"],
        ["virsh", "net-define", "/etc/libvirt/default.xml"],
        ["virsh", "net-start", "default"],
        ["virsh", "define", "/etc/libvirt/vm1.xml"],
        ["virsh", "start", "vm1"],
    ):
        run(argv, 120)


def wait_for_agent(run: Run) -> None:
    """Waits until the guest agent of vm1 tells an address of both networks: it starts before either is up.

    Raises:
        TimeoutError: it does not in 15 minutes.
    """
    deadline = time.monotonic() + _AGENT_S
    while time.monotonic() < deadline:
        try:
            told = run(["virsh", "domifaddr", "vm1", "--source", "agent"], 30)
        except subprocess.SubprocessError:
            told = ""
        if f" {NETWORK}." in told and f" {INNER_NETWORK}.1/" in told:
            return
        time.sleep(5)
    raise TimeoutError("the guest agent of vm1 does not answer")


def run_in_guest(run: Run, argv: list[str]) -> str:
    """Runs a program in vm1 over its guest agent and gives what it printed.

    Raises:
        RuntimeError: it ended with an error.
        TimeoutError: it does not end in two minutes.
    """

    def ask(command: str, **arguments: object) -> Any:
        text = json.dumps({"execute": command, "arguments": arguments})
        return json.loads(run(["virsh", "qemu-agent-command", "vm1", text], 60))["return"]

    pid = ask("guest-exec", path=argv[0], arg=argv[1:], **{"capture-output": True})["pid"]
    deadline = time.monotonic() + _PROGRAM_S
    while time.monotonic() < deadline:
        state = ask("guest-exec-status", pid=pid)
        if state["exited"]:
            if state["exitcode"] != 0:
                raise RuntimeError(f"{argv}: {base64.b64decode(state.get('err-data', '')).decode()}")
            return base64.b64decode(state.get("out-data", "")).decode()
        time.sleep(1)
    raise TimeoutError(f"{argv} does not end in vm1")


def _domain() -> str:
    return (
        "<domain type='qemu'><name>vm1</name><memory unit='MiB'>1024</memory><vcpu>2</vcpu>"
        "<os><type arch='x86_64' machine='q35'>hvm</type>"
        f"<kernel>/{HOME}/vmlinuz</kernel><initrd>/{HOME}/initrd</initrd>"
        "<cmdline>root=/dev/vda rw console=ttyS0 quiet mitigations=off</cmdline></os>"
        "<features><acpi/></features><cpu mode='maximum'/>"
        "<devices><emulator>/usr/bin/qemu-system-x86_64</emulator>"
        f"<disk type='file' device='disk'><driver name='qemu' type='raw' cache='unsafe'/>"
        f"<source file='/{HOME}/disk.img'/><target dev='vda' bus='virtio'/></disk>"
        f"<interface type='network'><mac address='{VM1_MAC}'/><source network='default'/>"
        "<model type='virtio'/><rom enabled='no'/></interface>"
        f"<serial type='pty'><log file='/{SERIAL}'/></serial>"
        "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>"
        "<memballoon model='none'/></devices></domain>\n"
    )
