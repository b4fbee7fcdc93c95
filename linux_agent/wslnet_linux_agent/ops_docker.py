"""Fact `engines` and verb `daemon_json.write`: container engines, their versions, Docker's settings file.

Nothing is started or restarted here. The file is written whole, over exactly what was read. Not part of the
bundle: sent when needed.
"""

import base64
import hashlib
import os

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
_MOST_BYTES = 262144
_BESIDE = ".wslnet-tmp"


def engines() -> "list[dict[str, Any]]":
    """Engines that are installed: version (None: it does not answer), and docker's settings in base64."""
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
        }
        for name, outcome in zip(names, said)
    ]


def write(args: "Args") -> "dict[str, Any]":
    """Put `content` (base64; null: no file) in the place of what has `expect_sha256` (null: of no file).

    Raises:
        OpError: `exists` when the file is not what was read.
    """
    have = _read()
    digest = None if have is None else hashlib.sha256(have).hexdigest()
    if digest != args.raw("expect_sha256"):
        raise OpError("exists", "%s is not what was read" % PATH)
    if not args.has("content"):
        os.unlink(PATH)
        return {}
    folder = os.path.dirname(PATH)
    os.makedirs(folder, 0o755, exist_ok=True)
    mode = 0o644 if have is None else os.stat(PATH).st_mode & 0o777
    with open(os.open(PATH + _BESIDE, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
        file.write(base64.b64decode(args.value("content")))
        file.flush()
        os.fsync(file.fileno())
    os.rename(PATH + _BESIDE, PATH)
    return {}


def _read() -> "bytes | None":
    try:
        with open(PATH, "rb") as file:
            return file.read(_MOST_BYTES)
    except FileNotFoundError:
        return None
