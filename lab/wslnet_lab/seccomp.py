"""Trapping bind(2) for somebody else to decide, as WSL does in its utility VM (wsl-guest-facts 4).

As a program, `seccomp.py SOCKET COMMAND…` installs the trap, hands its listener over on the socket and
becomes the command. Standard library only, and nothing of the lab: it also runs as a file, without packages.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
import sys
from dataclasses import dataclass

# Numbers of the system calls by machine (arch/*/entry/syscalls/*.tbl): seccomp, bind; and its audit name.
_CALLS = {
    "x86_64": (317, 49, 0xC000003E),
    "aarch64": (277, 200, 0xC00000B7),
    "riscv64": (277, 200, 0xC00000F3),
}
_PIDFD_GETFD = 438

# include/uapi/linux/seccomp.h
_SET_MODE_FILTER = 1
_NEW_LISTENER = 1 << 3
_ALLOW = 0x7FFF0000
_USER_NOTIF = 0x7FC00000
_CONTINUE = 1
_RECEIVE, _SEND, _STILL_VALID = 0xC0502100, 0xC0182101, 0x40082102
_NOTICE = struct.Struct("=QIIiIQ6Q")
_ANSWER = struct.Struct("=QqiI")

# include/uapi/linux/bpf_common.h: load a word, jump if equal, return; and offsets in
# struct seccomp_data.
_LOAD, _JUMP_IF, _RETURN = 0x20, 0x15, 0x06
_AT_CALL, _AT_ARCHITECTURE = 0, 4

_LIBC = ctypes.CDLL(None, use_errno=True)


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


@dataclass(frozen=True)
class Notice:
    """A bind(2) that waits for an answer.

    Attributes:
        listener: The listener that it came on.
        id: The kernel's number for it.
        task: Number of the thread that called.
        descriptor: Its first argument, the socket.
        address: Its second argument, where the address lies in the caller's memory.
        length: Its third argument.
    """

    listener: int
    id: int
    task: int
    descriptor: int
    address: int
    length: int


def trap_bind() -> int:
    """Traps every bind(2) of this process and of all it becomes and starts; gives the listener.

    Raises:
        OSError: The kernel refuses, or the machine's numbers are not known here.
    """
    machine = os.uname().machine
    if machine not in _CALLS:
        raise OSError(f"seccomp: unknown numbers on {machine}")
    seccomp, bind, architecture = _CALLS[machine]
    instructions = b"".join(
        struct.pack("=HBBI", *each)
        for each in (
            (_LOAD, 0, 0, _AT_ARCHITECTURE),
            (_JUMP_IF, 0, 3, architecture),
            (_LOAD, 0, 0, _AT_CALL),
            (_JUMP_IF, 0, 1, bind),
            (_RETURN, 0, 0, _USER_NOTIF),
            (_RETURN, 0, 0, _ALLOW),
        )
    )
    program = _Program(len(instructions) // 8, instructions)
    arguments = (ctypes.c_ulong(_SET_MODE_FILTER), ctypes.c_ulong(_NEW_LISTENER), ctypes.byref(program))
    return _checked(_LIBC.syscall(ctypes.c_long(seccomp), *arguments), "seccomp")


def receive(listener: int) -> Notice:
    """The next call that waits.

    Raises:
        OSError: ENOENT when its caller has gone meanwhile.
    """
    buffer = bytearray(_NOTICE.size)
    fcntl.ioctl(listener, _RECEIVE, buffer, True)  # noqa: FBT003 - fcntl takes it by position only
    number, task, _, _, _, _, descriptor, address, length, *_ = _NOTICE.unpack(buffer)
    return Notice(listener, number, task, descriptor & 0xFFFFFFFF, address, length & 0xFFFFFFFF)


def answer(notice: Notice, error: int) -> None:
    """Lets the call go on (0), or fail with this number of an error, without the kernel having seen it.

    Raises:
        OSError: ENOENT when its caller has gone meanwhile.
    """
    flags = 0 if error else _CONTINUE
    fcntl.ioctl(notice.listener, _SEND, _ANSWER.pack(notice.id, 0, -error, flags))


def still_waits(notice: Notice) -> bool:
    """Whether the caller is still the one that called, so that what was read of it is its own."""
    try:
        fcntl.ioctl(notice.listener, _STILL_VALID, struct.pack("=Q", notice.id))
    except FileNotFoundError:
        return False
    return True


def borrow(process: int, descriptor: int) -> int:
    """A descriptor of another process as one of this one (pidfd_getfd(2)).

    Raises:
        OSError: There is no such process or descriptor.
    """
    there = os.pidfd_open(process)
    try:
        arguments = (ctypes.c_int(there), ctypes.c_int(descriptor), ctypes.c_uint(0))
        return _checked(_LIBC.syscall(ctypes.c_long(_PIDFD_GETFD), *arguments), "pidfd_getfd")
    finally:
        os.close(there)


def hand_over(path: str) -> None:
    """Traps bind(2) from here on, decided by whoever serves the Unix socket at `path`.

    Raises:
        OSError: Nobody serves it, or as `trap_bind`.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.connect(path)
        listener = trap_bind()
        # No copy may stay here: a listener that nobody serves must fail what it traps, not hold it.
        socket.send_fds(connection, [b"!"], [listener])
        os.close(listener)


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


if __name__ == "__main__":
    hand_over(sys.argv[1])
    os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606 - it becomes the command that it was given
