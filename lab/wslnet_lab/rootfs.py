"""The file systems of the Linux machines: a bare Debian that they share, and an overlay for each.

The real files of this host are only ever the lower side: /usr as it is, a chosen part of /etc copied once per
lab. No home folder of the host is in there, so no shell start-up file distorts a session. All of it lies in
the lab's own tmpfs and goes with it.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from wslnet_lab import syscalls
from wslnet_lab.errors import LabError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wslnet_lab.paths import LabPaths, MachinePaths

_FOLDERS = {
    "boot": 0o755, "dev": 0o755, "etc": 0o755, "etc/ssh": 0o755,
    "etc/network": 0o755, "etc/network/if-pre-up.d": 0o755, "etc/network/if-up.d": 0o755,
    "etc/network/if-down.d": 0o755, "etc/network/if-post-down.d": 0o755,
    "home": 0o755, "media": 0o755, "mnt": 0o755,
    "opt": 0o755, "proc": 0o555, "root": 0o700, "run": 0o755, "srv": 0o755, "sys": 0o555, "tmp": 0o1777,
    "usr": 0o755, "var": 0o755, "var/cache": 0o755, "var/lib": 0o755, "var/lib/misc": 0o755,
    "var/log": 0o755, "var/spool": 0o755, "var/tmp": 0o1777,
}  # fmt: skip

# What programs of /usr need to find in /etc to behave as installed here.
_FROM_HOST = (
    "alternatives", "bash.bashrc", "ca-certificates.conf", "debian_version", "default", "ethertypes",
    "gai.conf", "host.conf", "inputrc", "iproute2", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime",
    "login.defs", "mke2fs.conf", "networks", "nsswitch.conf", "os-release", "pam.conf", "pam.d", "profile",
    "protocols", "python3", "python3.11", "python3.12", "python3.13", "rpc", "security", "services", "shells",
    "skel", "ssl", "terminfo", "timezone",
)  # fmt: skip

_ACCOUNTS = {
    "passwd": (
        "root:x:0:0:root:/root:/bin/bash\n"
        "daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n"
        "sshd:x:100:65534::/run/sshd:/usr/sbin/nologin\n"
        "wujing:x:1000:1000:wujing:/home/wujing:/bin/bash\n"
        "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"
    ),
    "group": (
        "root:x:0:\ndaemon:x:1:\ntty:x:5:\nsudo:x:27:wujing\nshadow:x:42:\n"
        "utmp:x:43:\nwujing:x:1000:\nnogroup:x:65534:\n"
    ),
    # For hosts that have sudo; a topology that wants it to ask for a password writes its own.
    "sudoers": "root ALL=(ALL:ALL) ALL\n%sudo ALL=(ALL:ALL) NOPASSWD: ALL\n",
    # '*' is no password but, unlike '!', no locked account: sshd without PAM refuses the latter its keys.
    "shadow": "root:*:19700:0:99999:7:::\nsshd:*:19700:0:99999:7:::\nwujing:*:19700:0:99999:7:::\n",
}

USERS = {"root": (0, Path("root")), "wujing": (1000, Path("home/wujing"))}
"""Accounts of every Linux machine: number of user and group, home below the root."""

# Whose they are is the topology's choice, not this host's.
_IPTABLES = (
    "iptables",
    "iptables-save",
    "iptables-restore",
    "ip6tables",
    "ip6tables-save",
    "ip6tables-restore",
)


def build_base(base: Path) -> None:
    """Makes the shared lower side in an empty folder."""
    for name, mode in _FOLDERS.items():
        folder = base / name
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(mode)
    for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32"):
        host = Path("/") / name
        if host.is_symlink():
            (base / name).symlink_to(host.readlink())
        elif host.is_dir():
            raise LabError(f"/{name} is a folder of its own; the lab needs a host with a merged /usr")
    for name in _FROM_HOST:
        _copy(Path("/etc") / name, base / "etc" / name)
    for name, text in _ACCOUNTS.items():
        (base / "etc" / name).write_text(text)
    for name in ("shadow", "sudoers"):
        (base / "etc" / name).chmod(0o440)
    choose_iptables(base, "iptables-nft")
    (base / "var/run").symlink_to("/run")
    for number, home in USERS.values():
        (base / home).mkdir(exist_ok=True)
        shutil.chown(base / home, number, number)


def choose_iptables(root: Path, program: str) -> None:
    """Makes `iptables` and its companions below a root those of `iptables-nft` or `iptables-legacy`."""
    backend = program.partition("-")[2]
    for name in _IPTABLES:
        link = root / "etc/alternatives" / name
        link.unlink(missing_ok=True)
        family, _, action = name.partition("-")
        link.symlink_to(f"/usr/sbin/{family}-{backend}{'-' * bool(action)}{action}")


def mount_machine(lab: LabPaths, machine: MachinePaths, *, standins: Mapping[str, str]) -> None:
    """Mounts a machine's root, where it stays over its restarts.

    Args:
        lab: The lab.
        machine: Whose root.
        standins: Programs that this machine has below /usr beside the host's: path to text.
    """
    for folder in (machine.root, machine.upper, machine.work, machine.usr / "upper", machine.usr / "work"):
        folder.mkdir(parents=True, exist_ok=True)
    _overlay([lab.base], machine.upper, machine.work, machine.root)
    lowers = [Path("/usr")]
    if standins:
        extra = lab.standins / machine.folder.name
        write_programs(extra, standins)
        lowers.insert(0, extra)
    _overlay(lowers, machine.usr / "upper", machine.usr / "work", machine.root / "usr")


def write_programs(folder: Path, programs: Mapping[str, str]) -> None:
    """Writes executable text files below a folder, with the folders they need."""
    for name, text in programs.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)


def write_files(root: Path, files: Mapping[str, str]) -> None:
    """Writes text files below a root, with the folders they need. UTF-8, line ends as given."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())


def _overlay(lowers: list[Path], upper: Path, work: Path, target: Path) -> None:
    lower = ":".join(str(each) for each in lowers)
    syscalls.mount("overlay", str(target), "overlay", 0, f"lowerdir={lower},upperdir={upper},workdir={work}")


def _copy(source: Path, target: Path) -> None:
    if source.is_symlink():
        target.symlink_to(source.readlink())
    elif source.is_dir():
        shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)
    elif source.exists():
        shutil.copy2(source, target)
