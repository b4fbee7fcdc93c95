#!/usr/bin/env -S python3 -IS
"""Docker's command line as far as running containers are listed. Its engine is a file that goes with WSL.

`/run/docker/containers.json` is a list of objects with the keys of `docker ps --format '{{json .}}'`; without
it no engine runs. `/run/docker/version` beside it says another version of the server than 28.0.4.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

_ENGINE = Path("/run/docker/containers.json")
_VERSION = _ENGINE.with_name("version")
_NO_ENGINE = (
    "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?"
)


def main(arguments: list[str]) -> int:
    """Answers `docker ps` and `docker version`; 1 for anything else and without an engine."""
    if arguments[:1] == ["version"] and _ENGINE.exists():
        sys.stdout.write((_VERSION.read_text(encoding="utf-8") if _VERSION.exists() else "28.0.4") + "\n")
        return 0
    if arguments[:1] not in (["ps"], ["version"]):
        sys.stderr.write(f"docker: '{' '.join(arguments)}' is not a docker command.\nSee 'docker --help'\n")
        return 1
    if not _ENGINE.exists():
        sys.stderr.write(f"{_NO_ENGINE}\n")
        return 1
    containers = json.loads(_ENGINE.read_text(encoding="utf-8"))
    if arguments[1:] == ["--format", "{{json .}}"]:
        sys.stdout.write("".join(f"{json.dumps(one, separators=(',', ':'))}\n" for one in containers))
        return 0
    sys.stdout.write("CONTAINER ID   IMAGE     COMMAND   CREATED   STATUS    PORTS     NAMES\n")
    for one in containers:
        sys.stdout.write(f"{one['ID']}   {one['Image']}   {one['Names']}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
