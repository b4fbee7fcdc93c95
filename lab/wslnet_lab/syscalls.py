"""The few Linux system calls that Python 3.11 lacks: namespaces, mounts and pivot_root.

Thin wrappers that raise OSError; standard library only, because the init of every machine imports them
before anything else. No policy here.
"""

from __future__ import annotations

import ctypes
import os
import platform

CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_RDONLY = 0x1
MS_NOSUID = 0x2
MS_NODEV = 0x4
MS_NOEXEC = 0x8
MS_REMOUNT = 0x20
MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 0x40000

MNT_DETACH = 0x2

# libc has no wrapper for pivot_root (arch/*/entry/syscalls/*.tbl).
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41, "riscv64": 41}

_LIBC = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def unshare(flags: int) -> None:
    """Gives the calling thread namespaces of its own (unshare(2))."""
    _check(_LIBC.unshare(flags), "unshare")


def setns(descriptor: int, kind: int) -> None:
    """Moves the calling thread into the namespace behind an open file (setns(2))."""
    _check(_LIBC.setns(descriptor, kind), "setns")


def mount(source: str, target: str, kind: str | None, flags: int = 0, options: str = "") -> None:
    """Mounts or binds (mount(2))."""
    filesystem = kind.encode() if kind is not None else None
    result = _LIBC.mount(
        source.encode(), target.encode(), filesystem, ctypes.c_ulong(flags), options.encode() or None
    )
    _check(result, f"mount on {target}")


def bind(source: str, target: str) -> None:
    """Makes a file or folder appear at another path."""
    mount(source, target, None, MS_BIND)


def unmount(target: str, flags: int = MNT_DETACH) -> None:
    """Unmounts; by default lazily, so that an open file somewhere does not hold it (umount2(2))."""
    _check(_LIBC.umount2(target.encode(), flags), f"umount {target}")


def change_root(folder: str) -> None:
    """Makes a mounted folder the root of this mount namespace and lets go of the old one (pivot_root(2))."""
    os.chdir(folder)
    number = _PIVOT_ROOT.get(platform.machine())
    if number is None:
        raise OSError(f"pivot_root: unknown number on {platform.machine()}")
    _check(_LIBC.syscall(ctypes.c_long(number), b".", b"."), "pivot_root")
    # Old and new root lie on each other now; what "." unmounts is the old one.
    unmount(".")
    os.chdir("/")


def name_process(name: str) -> None:
    """Gives this process the name that lists of processes and sockets show (prctl(2), PR_SET_NAME)."""
    _check(_LIBC.prctl(15, name.encode(), 0, 0, 0), "prctl")


def become_subreaper() -> None:
    """Makes orphaned descendants of this process its children (prctl(2), PR_SET_CHILD_SUBREAPER)."""
    _check(_LIBC.prctl(36, 1, 0, 0, 0), "prctl")
