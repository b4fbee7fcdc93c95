"""The guest agent of a lab's VM: the commands of qemu-ga that read and write files and run programs.

It acts on the machine's files and in its namespaces, as the real one does from inside; no network is used.
"""

from __future__ import annotations

import base64
import posixpath
from typing import IO, TYPE_CHECKING, Any

from wslnet_lab import inside
from wslnet_lab.errors import LabError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from wslnet_lab.processes import Process

_RUN_TIMEOUT_S = 30.0
_READ = 4096
_MODES = {"r": "rb", "w": "wb", "a": "ab"}


class GuestAgent:
    """The agent of one machine; open files and ended programs are kept until they are asked for."""

    def __init__(self, root: Path, init: Callable[[], Process]) -> None:
        self._root = root
        self._init = init
        self._files: dict[int, IO[bytes]] = {}
        self._ended: dict[int, inside.Outcome] = {}
        self._last = 0

    def answer(self, command: dict[str, Any]) -> object:
        """What a command returns.

        Raises:
            LabError: With the text of libvirt for a command that is refused.
        """
        name, arguments = str(command["execute"]), command.get("arguments", {})
        known = {
            "guest-ping": self._ping,
            "guest-file-open": self._open,
            "guest-file-read": self._read,
            "guest-file-write": self._write,
            "guest-file-close": self._close,
            "guest-exec": self._execute,
            "guest-exec-status": self._status,
        }
        if name not in known:
            raise _refused(name, f"The command {name} has not been found")
        return known[name](arguments)

    def _ping(self, _: dict[str, Any]) -> object:
        return {}

    def _open(self, arguments: dict[str, Any]) -> object:
        path, mode = arguments["path"], arguments.get("mode", "r")
        try:
            # The folder alone is resolved, and inside the machine: its links may be absolute.
            opened = (self._root / posixpath.relpath(path, "/")).open(_MODES[mode])
        except OSError as error:
            raise _refused(
                "guest-file-open", f"failed to open file '{path}' (mode: '{mode}'): {error.strerror}"
            ) from error
        self._last += 1
        self._files[self._last] = opened
        return self._last

    def _read(self, arguments: dict[str, Any]) -> object:
        data = self._files[arguments["handle"]].read(arguments.get("count", _READ))
        return {"count": len(data), "buf-b64": base64.b64encode(data).decode(), "eof": len(data) < _READ}

    def _write(self, arguments: dict[str, Any]) -> object:
        data = base64.b64decode(arguments["buf-b64"])
        return {"count": self._files[arguments["handle"]].write(data), "eof": False}

    def _close(self, arguments: dict[str, Any]) -> object:
        self._files.pop(arguments["handle"]).close()
        return {}

    def _execute(self, arguments: dict[str, Any]) -> object:
        argv = [arguments["path"], *arguments.get("arg", [])]
        account = inside.find_account(self._root, "root")
        self._last += 1
        self._ended[self._last] = inside.run(self._init(), argv, account, stdin=b"", timeout_s=_RUN_TIMEOUT_S)
        return {"pid": self._last}

    def _status(self, arguments: dict[str, Any]) -> object:
        outcome = self._ended.pop(arguments["pid"])
        said = {"out-data": outcome.stdout, "err-data": outcome.stderr}
        told = {key: base64.b64encode(data).decode() for key, data in said.items() if data}
        return {"exited": True, "exitcode": outcome.exit_code, **told}


def _refused(command: str, why: str) -> LabError:
    return LabError(f"internal error: unable to execute QEMU agent command '{command}': {why}")
