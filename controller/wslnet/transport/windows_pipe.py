"""Windows' own part of an elevated bridge, by ctypes: the UAC prompt, and a named pipe that one may open.

The child makes the pipe, with one instance, for its owner's SID and administrators, never over the network.
Each side looks whose process is at the other end. Nothing here is imported anywhere but on Windows.
"""

from __future__ import annotations

import sys

if sys.platform == "win32":
    import ctypes
    import msvcrt
    import os
    import re
    import subprocess
    import threading
    import time
    from ctypes import wintypes
    from typing import TYPE_CHECKING

    from wslnet.errors import NeedsElevation, Unreachable
    from wslnet.transport.own_streams import Handles
    from wslnet.transport.pipe import after, left

    if TYPE_CHECKING:
        from collections.abc import Sequence

        from wslnet.transport.pipe import Pipe

    _SID = re.compile(r"S-1-[0-9-]{3,180}")
    _PORTION = 1 << 16
    _ACCEPT_S = 30.0
    _POLL_S = 0.1
    _MOST_ANCESTORS = 3
    _DUPLEX, _FIRST_INSTANCE = 0x3, 0x00080000
    _REJECT_REMOTE = 0x8
    _READ_WRITE, _OPEN_EXISTING = 0xC0000000, 3
    _IDENTIFY_ONLY = 0x00100000 | 0x00010000
    """SECURITY_SQOS_PRESENT | SECURITY_IDENTIFICATION: whoever serves the pipe cannot act as us."""

    _NO_CLOSE_PROCESS, _NO_ASYNC, _HIDDEN = 0x40, 0x100, 0
    _CANCELLED, _NOT_FOUND, _CONNECTED = 1223, 2, 535
    _SNAP_PROCESSES = 0x2
    _INVALID = ctypes.c_void_p(-1).value

    _kernel = ctypes.WinDLL("kernel32", use_last_error=True)
    _advapi = ctypes.WinDLL("advapi32", use_last_error=True)
    _shell = ctypes.WinDLL("shell32", use_last_error=True)
    _kernel.CreateNamedPipeW.restype = _kernel.CreateFileW.restype = wintypes.HANDLE
    _kernel.CreateToolhelp32Snapshot.restype = wintypes.HANDLE
    _kernel.LocalFree.argtypes = [ctypes.c_void_p]

    class _Security(ctypes.Structure):
        _fields_ = (
            ("length", wintypes.DWORD),
            ("descriptor", ctypes.c_void_p),
            ("inherit", wintypes.BOOL),
        )

    class _Execute(ctypes.Structure):
        _fields_ = (
            ("size", wintypes.DWORD),
            ("mask", wintypes.ULONG),
            ("window", wintypes.HWND),
            ("verb", wintypes.LPCWSTR),
            ("file", wintypes.LPCWSTR),
            ("parameters", wintypes.LPCWSTR),
            ("folder", wintypes.LPCWSTR),
            ("show", ctypes.c_int),
            ("instance", wintypes.HINSTANCE),
            ("ids", ctypes.c_void_p),
            ("class_name", wintypes.LPCWSTR),
            ("class_key", wintypes.HKEY),
            ("hot_key", wintypes.DWORD),
            ("icon", wintypes.HANDLE),
            ("process", wintypes.HANDLE),
        )

    class _Entry(ctypes.Structure):
        _fields_ = (
            ("size", wintypes.DWORD),
            ("usage", wintypes.DWORD),
            ("process", wintypes.DWORD),
            ("heap", ctypes.c_size_t),
            ("module", wintypes.DWORD),
            ("threads", wintypes.DWORD),
            ("parent", wintypes.DWORD),
            ("priority", wintypes.LONG),
            ("flags", wintypes.DWORD),
            ("name", wintypes.WCHAR * 260),
        )

    def run_elevated(
        machine: str, program: str, arguments: Sequence[str], pipe: str, *, within_s: float
    ) -> Pipe:
        """Start a program after one prompt and open the pipe that it makes.

        Raises:
            NeedsElevation: the prompt was declined.
            Unreachable: it makes no pipe, or the pipe is another process's.
        """
        given = _Execute(
            size=ctypes.sizeof(_Execute),
            mask=_NO_CLOSE_PROCESS | _NO_ASYNC,
            verb="runas",
            file=program,
            parameters=subprocess.list2cmdline(arguments),
            show=_HIDDEN,
        )
        if not _shell.ShellExecuteExW(ctypes.byref(given)):
            code = ctypes.get_last_error()
            why = "was declined" if code == _CANCELLED else f"failed (error {code})"
            raise NeedsElevation(
                f"{machine}: the request for an administrator's rights {why}; nothing was changed",
                machine=machine,
            )
        child = _kernel.GetProcessId(wintypes.HANDLE(given.process))
        deadline = after(within_s)
        while (handle := _open(pipe)) is None:
            if left(deadline) == 0:
                raise Unreachable(f"{machine}: the elevated part does not come up", machine=machine)
            time.sleep(_POLL_S)
        server = wintypes.ULONG()
        _kernel.GetNamedPipeServerProcessId(wintypes.HANDLE(handle), ctypes.byref(server))
        if not _descends(server.value, child):
            _kernel.CloseHandle(wintypes.HANDLE(handle))
            raise Unreachable(
                f"{machine}: another process has the pipe of the elevated part", machine=machine
            )
        return _as_pipe(handle, "elevated part")

    def serve_one(pipe: str, owner: str, parent: int) -> Pipe:
        """Make the pipe and wait for the one process that may open it.

        Raises:
            NeedsElevation: somebody else came, nobody came, or the pipe cannot be made.
        """
        if _SID.fullmatch(owner) is None:
            raise NeedsElevation("the owner of the pipe is no SID")
        descriptor = ctypes.c_void_p()
        text = f"D:P(A;;GA;;;SY)(A;;GA;;;BA)(A;;GRGW;;;{owner})"
        made = _advapi.ConvertStringSecurityDescriptorToSecurityDescriptorW(
            text, 1, ctypes.byref(descriptor), None
        )
        if not made:
            raise NeedsElevation(f"the pipe's rights cannot be set (error {ctypes.get_last_error()})")
        security = _Security(ctypes.sizeof(_Security), descriptor, inherit=False)
        handle = _kernel.CreateNamedPipeW(
            _path(pipe),
            _DUPLEX | _FIRST_INSTANCE,
            _REJECT_REMOTE,
            1,
            _PORTION,
            _PORTION,
            0,
            ctypes.byref(security),
        )
        _kernel.LocalFree(descriptor)
        if handle in (None, _INVALID):
            raise NeedsElevation(f"the pipe cannot be made (error {ctypes.get_last_error()})")
        _await_client(handle)
        client = wintypes.ULONG()
        _kernel.GetNamedPipeClientProcessId(wintypes.HANDLE(handle), ctypes.byref(client))
        if client.value != parent:
            _kernel.CloseHandle(wintypes.HANDLE(handle))
            raise NeedsElevation("another process opened the pipe")
        return _as_pipe(handle, "who asked")

    def _await_client(handle: int) -> None:
        came = threading.Event()

        def wait() -> None:
            if (
                _kernel.ConnectNamedPipe(wintypes.HANDLE(handle), None)
                or ctypes.get_last_error() == _CONNECTED
            ):
                came.set()

        threading.Thread(target=wait, name="pipe", daemon=True).start()
        if not came.wait(_ACCEPT_S):
            raise NeedsElevation("nobody opened the pipe")

    def _open(pipe: str) -> int | None:
        handle = _kernel.CreateFileW(_path(pipe), _READ_WRITE, 0, None, _OPEN_EXISTING, _IDENTIFY_ONLY, None)
        if handle not in (None, _INVALID):
            return int(handle)
        code = ctypes.get_last_error()
        if code != _NOT_FOUND:
            raise Unreachable(f"the pipe of the elevated part does not open (error {code})")
        return None

    def _descends(process: int, ancestor: int) -> bool:
        """Whether a process is `ancestor`, or was started by it: a venv's python.exe starts the real one."""
        parents = _parents()
        for _ in range(_MOST_ANCESTORS):
            if process == ancestor:
                return True
            process = parents.get(process, 0)
        return False

    def _parents() -> dict[int, int]:
        snapshot = _kernel.CreateToolhelp32Snapshot(_SNAP_PROCESSES, 0)
        entry = _Entry(size=ctypes.sizeof(_Entry))
        found = {}
        more = _kernel.Process32FirstW(wintypes.HANDLE(snapshot), ctypes.byref(entry))
        while more:
            found[entry.process] = entry.parent
            more = _kernel.Process32NextW(wintypes.HANDLE(snapshot), ctypes.byref(entry))
        _kernel.CloseHandle(wintypes.HANDLE(snapshot))
        return found

    def _as_pipe(handle: int, name: str) -> Pipe:
        number = msvcrt.open_osfhandle(handle, os.O_RDWR | os.O_BINARY)
        return Handles(
            name,
            lambda: os.read(number, _PORTION),
            lambda data: os.write(number, data),
            lambda: os.close(number),
        )

    def _path(pipe: str) -> str:
        return rf"\\.\pipe\{pipe}"
