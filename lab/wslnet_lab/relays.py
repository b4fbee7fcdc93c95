"""Windows' relay processes as the daemon holds them: started when they are needed, ended with their cause.

What they do is `relay`'s.
"""

from __future__ import annotations

import json
import select
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import wslnet_lab
from wslnet_lab import netns
from wslnet_lab.errors import LabError
from wslnet_lab.init import PATH

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_IMPORT_ROOT = str(Path(wslnet_lab.__file__).parent.parent)
_ANSWER_TIMEOUT_S = 10.0
_END_TIMEOUT_S = 5.0


def start_wslrelay(windows: str, wsl: str, address: str | None = None) -> subprocess.Popen[bytes]:
    """Starts wslrelay between two network namespaces, named as `ip netns` does.

    `address`: of the guest, dialled by IPv4 instead of its 127.0.0.1.
    """
    return _start("wslrelay", windows, wsl, further=() if address is None else (address,))


def start_names(namespace: str, kind: str, address: str, names: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Starts who answers WSL's questions for names: `relay.names` says how, and the kinds.

    It answers when `is_ready` says so; it never does where the port is somebody else's.
    """
    return _start("names", namespace, further=(kind, address, json.dumps(dict(names))))


def is_ready(process: subprocess.Popen[bytes]) -> bool:
    """Whether who answers names does, waited for; ask once."""
    return _line(process) == b"ready\n"


def end(process: subprocess.Popen[bytes]) -> None:
    """Ends a relay process and every connection that it carries."""
    process.kill()
    process.communicate(timeout=_END_TIMEOUT_S)


class IpHelper:
    """The process of iphlpsvc, which is there when there are rules."""

    def __init__(self, windows: str) -> None:
        """Takes the name of Windows' network namespace."""
        self._windows = windows
        self._process: subprocess.Popen[bytes] | None = None

    def tell(self, rules: Sequence[tuple[str, int, str, int]]) -> list[bool]:
        """Makes these (listen address, port, connect address, port) the rules; gives which of them listen.

        Without any the process ends, and with it the connections it carries.

        Raises:
            LabError: It does not answer.
        """
        if self._process is not None and (not rules or self._process.poll() is not None):
            end(self._process)
            self._process = None
        if not rules:
            return []
        process = self._process = self._process or _start("iphlpsvc", self._windows)
        answer = _ask(process, json.dumps(list(rules)).encode() + b"\n")
        if not answer:
            raise LabError("iphlpsvc does not answer")
        listening: list[bool] = json.loads(answer)
        return listening


def _ask(process: subprocess.Popen[bytes], line: bytes) -> bytes:
    assert process.stdin is not None  # noqa: S101 - it was given pipes
    process.stdin.write(line)
    process.stdin.flush()
    return _line(process)


def _line(process: subprocess.Popen[bytes]) -> bytes:
    assert process.stdout is not None  # noqa: S101 - it was given pipes
    ready, _, _ = select.select([process.stdout], [], [], _ANSWER_TIMEOUT_S)
    return process.stdout.readline() if ready else b""


def _start(program: str, *namespaces: str, further: Sequence[str] = ()) -> subprocess.Popen[bytes]:
    paths = [str(netns.NETNS / name) for name in namespaces]
    return subprocess.Popen(
        [sys.executable, "-S", "-m", f"wslnet_lab.relay.{program}", *paths, *further],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={"PATH": PATH, "PYTHONPATH": _IMPORT_ROOT, "PYTHONUTF8": "1"},
        cwd="/",
        start_new_session=True,
    )
