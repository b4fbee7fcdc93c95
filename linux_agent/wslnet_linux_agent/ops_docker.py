"""Fact `engines` and verb `daemon_json.write`: container engines, their versions, Docker's settings file.

The file is written whole, over exactly what was read. Docker is restarted with it only where that is asked
for; if it does not come up with the new settings, it gets the old ones back. Not part of the bundle: sent
when needed.
"""

import base64
import hashlib
import os
import time

from wslnet_linux_agent import shell
from wslnet_linux_agent.ops import OpError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from wslnet_linux_agent.ops import Args

PATH = "/etc/docker/daemon.json"
_ASK = {
    "docker": ["docker", "version", "--format", "{{.Server.Version}}"],
    "podman": ["podman", "version", "--format", "{{.Version}}"],
}
_TIMEOUT_S = 5.0
_RESTART_S = 40.0
_UP_S = 10.0
_PROCESS = "/run/docker.pid"
_SYSTEMD = "/run/systemd/system"
_MOST_BYTES = 262144
_BESIDE = ".wslnet-tmp"


def engines() -> "list[dict[str, Any]]":
    """Engines that are installed: version (None: it does not answer), and docker's settings in base64.

    `outdated`: docker was started before its settings were last changed, so they are not in force.
    """
    names = sorted(name for name in _ASK if shell.find(name))
    said = shell.run_all([_ASK[name] for name in names], _TIMEOUT_S)
    settings = _read()
    return [
        {
            "engine": name,
            "version": outcome.text().strip() or None if outcome.code == 0 else None,
            "settings": base64.b64encode(settings).decode("ascii")
            if name == "docker" and settings is not None
            else None,
            "outdated": name == "docker" and _is_outdated(),
        }
        for name, outcome in zip(names, said)
    ]


def write(args: "Args") -> "dict[str, Any]":
    """Put `content` (base64; null: no file) in the place of what has `expect_sha256` (null: of no file).

    `restart`: docker is restarted then, and what it had is put back if it does not answer after that.

    Raises:
        OpError: `exists` when the file is not what was read; `failed` when docker cannot be restarted.
    """
    have = _read()
    digest = None if have is None else hashlib.sha256(have).hexdigest()
    if digest != args.raw("expect_sha256"):
        raise OpError("exists", "%s is not what was read" % PATH)
    _replace(base64.b64decode(args.value("content")) if args.has("content") else None, have)
    if args.raw("restart") is True:
        try:
            _restart()
        except OpError:
            _replace(have, _read())
            _restart()
            raise
    return {}


def _replace(content: "bytes | None", have: "bytes | None") -> "None":
    if content is None:
        if have is not None:
            os.unlink(PATH)
        return
    folder = os.path.dirname(PATH)
    os.makedirs(folder, 0o755, exist_ok=True)
    mode = 0o644 if have is None else os.stat(PATH).st_mode & 0o777
    with open(os.open(PATH + _BESIDE, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.rename(PATH + _BESIDE, PATH)


def _restart() -> "None":
    """Restart docker by whatever starts services here, and wait until it answers.

    Raises:
        OpError: it cannot be restarted, or does not answer.
    """
    systemd = os.path.isdir(_SYSTEMD)
    argv = ["systemctl", "restart", "docker"] if systemd else ["service", "docker", "restart"]
    shell.run(argv, _RESTART_S).text()
    deadline = time.monotonic() + _UP_S
    answer = shell.run(_ASK["docker"], _TIMEOUT_S)
    while answer.code != 0:
        if time.monotonic() > deadline:
            raise OpError("failed", "docker does not answer after its restart: %s" % answer.reason())
        time.sleep(0.2)
        answer = shell.run(_ASK["docker"], _TIMEOUT_S)


def _is_outdated() -> "bool":
    try:
        with open(_PROCESS, encoding="ascii") as file:
            process = file.read().strip()
        with open("/proc/%s/stat" % process, "rb") as file:
            # proc(5): the 22nd field, the 20th behind the name in brackets; a name may hold blanks.
            ticks = int(file.read().rpartition(b")")[2].split()[19])
        with open("/proc/uptime", encoding="ascii") as file:
            up = float(file.read().split()[0])
        started = time.time() - up + ticks / float(os.sysconf("SC_CLK_TCK"))
        return started < os.stat(PATH).st_mtime
    except (OSError, ValueError, IndexError):
        # No settings, or no process of it that could be seen: nothing is known to be outdated.
        return False


def _read() -> "bytes | None":
    try:
        with open(PATH, "rb") as file:
            return file.read(_MOST_BYTES)
    except FileNotFoundError:
        return None
