"""The disk of a real guest: Debian with sshd, Python and libvirt; in it a second one, busybox and dropbear.

Built once from Debian's packages into a folder that the caller names, keyed by the recipe's digest; nothing
outside that folder is touched. Root is needed (mmdebstrap, mkfs.ext4 -d keeps owners).
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

SUITE = "bookworm"
MIRROR = "http://deb.debian.org/debian"
PACKAGES = (
    "openssh-server", "python3", "iproute2", "iptables", "iputils-ping", "linux-image-cloud-amd64",
    "systemd-sysv", "dbus", "udev", "netbase", "ifupdown", "isc-dhcp-client", "qemu-guest-agent",
    "busybox-static", "qemu-system-x86", "libvirt-daemon", "libvirt-daemon-driver-qemu", "libvirt-clients",
    "dnsmasq-base", "dropbear-bin",
)  # fmt: skip
_LEFT_OUT = ("/usr/share/doc/*", "/usr/share/locale/*", "/usr/share/man/*")
_BUILD_TIMEOUT_S = 3600
_CLEAR_UP_S = 60
_DISK_MIB = 1500

INNER_MAC = "52:54:00:5a:1a:8e"
INNER_NETWORK = "192.168.124"
PASSWORD = "in-vm1"
_HASH = "$1$wslnet$DkWMT/dmMo9WWD7Ml6gpk1"
"""Root's of both guests, on the serial console; hashed the old way: an emulated machine has little time."""

_INNER_ACCOUNTS = {
    "passwd": "root:x:0:0:root:/root:/bin/sh\n",
    "group": "root:x:0:\n",
    "shadow": f"root:{_HASH}:19000:0:99999:7:::\n",
}
_DROPBEAR = ("usr/sbin/dropbear", "usr/bin/dropbearkey")
_DROPBEAR_KEY = "etc/dropbear/dropbear_ed25519_host_key"
_INNER_MODULES = (
    "virtio/virtio.ko", "virtio/virtio_ring.ko", "virtio/virtio_pci_modern_dev.ko",
    "virtio/virtio_pci_legacy_dev.ko", "virtio/virtio_pci.ko", "core/failover.ko", "net/net_failover.ko",
    "net/virtio_net.ko",
)  # fmt: skip
"""In the order in which they are to be loaded; the cloud kernel has none of them built in."""

_INNER_INIT = """#!/bin/sh
/bin/busybox --install -s /bin
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
mkdir -p /dev/pts; mount -t devpts pts /dev/pts
hostname vm2
for module in {modules}; do insmod /modules/$module; done
ip link set lo up; ip link set eth0 up
udhcpc -i eth0 -s /dhcp -b -q -x hostname:vm2
dropbear -E -r /{key}
echo vm2 is up >/dev/console
while :; do setsid getty -L 115200 ttyS0 vt100; done
"""
_INNER_DHCP = """#!/bin/sh
[ "$1" = bound ] || [ "$1" = renew ] || exit 0
ip addr replace $ip/24 dev eth0
ip route replace default via $router
"""

_INTERFACES = """auto lo
iface lo inet loopback
allow-hotplug enp1s0
iface enp1s0 inet dhcp
"""

QEMU_CONF = """security_driver = "none"
user = "root"
group = "root"
remember_owner = 0
stdio_handler = "file"
"""
"""qemu as root and without the helpers (virtlogd, a security driver) that only a whole init would start."""

_LIBVIRTD = """[Unit]
Description=libvirt
After=network.target dbus.service
[Service]
ExecStart=/usr/sbin/libvirtd
[Install]
WantedBy=multi-user.target
"""
_START_INNER = """[Unit]
Description=the guest in this guest
After=libvirtd.service
Requires=libvirtd.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStartPre=/bin/sh -c 'until virsh -q list >/dev/null 2>&1; do sleep 1; done'
ExecStartPre=-/usr/bin/virsh net-start default
ExecStart=/usr/bin/virsh start vm2
TimeoutStartSec=900
[Install]
WantedBy=multi-user.target
"""


@dataclass(frozen=True)
class Image:
    """What a domain starts from: kernel and initial file system beside the disk."""

    kernel: Path
    initrd: Path
    disk: Path


def build(cache: Path) -> Image:
    """The image of today's recipe, built if the cache has none.

    Raises:
        RuntimeError: a step failed; its output is named.
    """
    recipe = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:12]
    folder = cache / recipe
    image = Image(folder / "vmlinuz", folder / "initrd", folder / "disk.img")
    if image.disk.exists():
        return image
    making = cache / f"{recipe}.part"
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    root = making / "root"
    _debian(root, making / "build.log")
    _configure(root)
    (kernel,) = (root / "boot").glob("vmlinuz-*")
    _inner(root, kernel)
    shutil.copy(kernel, making / "vmlinuz")
    (initrd,) = (root / "boot").glob("initrd.img-*")
    shutil.copy(initrd, making / "initrd")
    with (making / "disk.img").open("wb") as disk:
        disk.truncate(_DISK_MIB << 20)
    _run(["mkfs.ext4", "-q", "-F", "-d", str(root), str(making / "disk.img")], making / "build.log")
    shutil.rmtree(root)
    shutil.rmtree(making / "inner")
    making.rename(folder)
    return image


def _debian(root: Path, log: Path) -> None:
    options = [f"--dpkgopt=path-exclude={one}" for one in _LEFT_OUT]
    _run(
        ["mmdebstrap", "--mode=root", "--variant=minbase", "--aptopt=Apt::Install-Recommends false", *options,
         f"--include={','.join(PACKAGES)}", SUITE, str(root), MIRROR],
        log,
    )  # fmt: skip


def _configure(root: Path) -> None:
    """A guest as note 000 has it: named debian, address by DHCP, libvirt's network `default` on virbr0."""
    files = {
        "etc/hostname": "debian\n",
        "etc/network/interfaces": _INTERFACES,
        "etc/libvirt/qemu.conf": QEMU_CONF,
        "etc/libvirt/libvirtd.conf": 'auth_unix_rw = "none"\nauth_unix_ro = "none"\n',
        "etc/libvirt/qemu/networks/default.xml": network_xml(INNER_NETWORK),
        "etc/libvirt/qemu/vm2.xml": _inner_domain(),
        "etc/systemd/system/libvirtd.service": _LIBVIRTD,
        "etc/systemd/system/vm2.service": _START_INNER,
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    wanted = root / "etc/systemd/system/multi-user.target.wants"
    wanted.mkdir(exist_ok=True)
    shadow = (root / "etc/shadow").read_text()
    (root / "etc/shadow").write_text(shadow.replace("root:*:", f"root:{_HASH}:", 1))
    for unit in ("libvirtd.service", "vm2.service"):
        (wanted / unit).symlink_to(f"/etc/systemd/system/{unit}")
    with (root / "etc/passwd").open("a") as accounts:
        accounts.write("libvirt-qemu:x:64055:64055::/nonexistent:/usr/sbin/nologin\n")
    with (root / "etc/group").open("a") as groups:
        groups.write("libvirt-qemu:x:64055:\n")
    _run(["ssh-keygen", "-A", "-f", str(root)], root.parent / "build.log")


def network_xml(prefix: str) -> str:
    """libvirt's own network `default` on `virbr0` with the /24 of `prefix`."""
    return (
        "<network><name>default</name><forward mode='nat'/><bridge name='virbr0'/>"
        f"<ip address='{prefix}.1' netmask='255.255.255.0'>"
        f"<dhcp><range start='{prefix}.2' end='{prefix}.254'/></dhcp></ip></network>\n"
    )


def _inner_domain() -> str:
    """One whose clock counts instructions: by real time its timer would come faster than it can be served."""
    return (
        "<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>"
        "<name>vm2</name><memory unit='MiB'>128</memory><vcpu>1</vcpu>"
        "<os><type arch='x86_64' machine='pc'>hvm</type><kernel>/var/lib/vm2/vmlinuz</kernel>"
        "<initrd>/var/lib/vm2/initrd</initrd>"
        "<cmdline>console=ttyS0 nokaslr mitigations=off tsc=reliable</cmdline></os>"
        "<features><acpi/></features><devices><emulator>/usr/bin/qemu-system-x86_64</emulator>"
        "<controller type='usb' model='none'/>"
        f"<interface type='network'><mac address='{INNER_MAC}'/><source network='default'/>"
        "<model type='virtio'/><rom enabled='no'/></interface>"
        "<serial type='pty'><log file='/var/log/vm2.serial'/></serial><memballoon model='none'/>"
        "</devices><qemu:commandline><qemu:arg value='-icount'/><qemu:arg value='shift=6,sleep=on'/>"
        "</qemu:commandline></domain>\n"
    )


def _inner(root: Path, kernel: Path) -> None:
    """The kernel and the initial file system of the guest in the guest: busybox, its address by DHCP."""
    home, tree = root / "var/lib/vm2", root.parent / "inner"
    home.mkdir(parents=True)
    shutil.copy(kernel, home / "vmlinuz")
    for folder in ("bin", "dev", "modules", "proc", "sys"):
        (tree / folder).mkdir(parents=True)
    shutil.copy(root / "bin/busybox", tree / "bin/busybox")
    (tree / "bin/sh").symlink_to("busybox")
    drivers = root / "lib/modules" / kernel.name.removeprefix("vmlinuz-") / "kernel"
    names = []
    for module in _INNER_MODULES:
        (found,) = drivers.rglob(module)
        shutil.copy(found, tree / "modules")
        names.append(found.name)
    _dropbear(root, tree)
    for name, text in (
        ("init", _INNER_INIT.format(modules=" ".join(names), key=_DROPBEAR_KEY)),
        ("dhcp", _INNER_DHCP),
    ):
        (tree / name).write_text(text)
        (tree / name).chmod(0o755)
    listing = "\n".join(str(one.relative_to(tree)) for one in sorted(tree.rglob("*")))
    packed = subprocess.run(
        ["cpio", "-o", "-H", "newc", "--quiet"],
        input=listing.encode(), cwd=tree, stdout=subprocess.PIPE, timeout=60, check=True,
    )  # fmt: skip
    # Not compressed: that would be undone by an emulated machine in an emulated machine.
    (home / "initrd").write_bytes(packed.stdout)


def _dropbear(root: Path, tree: Path) -> None:
    """The SSH server with its libraries, a host key of its own and the one account."""
    asked = ["chroot", str(root), "ldd", *(f"/{one}" for one in _DROPBEAR)]
    wanted = subprocess.run(asked, capture_output=True, text=True, timeout=60, check=True).stdout
    for path in {*_DROPBEAR, *re.findall(r"/(lib\S+)", wanted)}:
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy((root / path).resolve(), tree / path)
    (tree / _DROPBEAR_KEY).parent.mkdir(parents=True)
    (tree / "root").mkdir(mode=0o700)
    for name, text in _INNER_ACCOUNTS.items():
        (tree / "etc" / name).write_text(text)
    made = f"/{Path(_DROPBEAR_KEY).name}"
    _run(["chroot", str(root), "dropbearkey", "-t", "ed25519", "-f", made], root.parent / "build.log")
    shutil.move(root / made.lstrip("/"), tree / _DROPBEAR_KEY)


def _run(argv: list[str], log: Path) -> None:
    """Runs a step of the build; one that takes too long is asked to clear up after itself (its mounts)."""
    with log.open("ab") as out:
        step = subprocess.Popen(argv, stdout=out, stderr=out, start_new_session=True)
        try:
            code = step.wait(_BUILD_TIMEOUT_S)
        finally:
            _end(step)
    if code != 0:
        raise RuntimeError(f"{argv[0]} failed with {code}; see {log}")


def _end(step: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        if step.poll() is not None:
            return
        os.killpg(step.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            step.wait(_CLEAR_UP_S)
