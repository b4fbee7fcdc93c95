"""Docker is restarted with its settings, and gets its old ones back when it does not come up with them."""

from __future__ import annotations

import base64
import hashlib
import time
from typing import TYPE_CHECKING, Any

import pytest

from wslnet.app.inventory_file import load_inventory
from wslnet.model.change import Op, OpResult
from wslnet.transport.connections import Connections

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .conftest import RunningLab

pytestmark = [pytest.mark.lab, pytest.mark.timeout(240)]

DOCKER = """\
#!/bin/sh
[ "$1" = restart ] || exit 3
[ -e /run/docker.pid ] && kill "$(cat /run/docker.pid)"
rm -rf /run/docker
grep -q broken /etc/docker/daemon.json && exit 1
mkdir /run/docker
echo "[]" > /run/docker/containers.json
setsid sleep 900 < /dev/null > /dev/null 2>&1 &
echo $! > /run/docker.pid
echo restarted >> /run/docker.log
"""
"""What a distribution has as /etc/init.d/docker; dockerd here is a process that only lives."""


@pytest.fixture
def docker(shared_lab: RunningLab) -> Iterator[Callable[[Op], OpResult]]:
    script = shared_lab.root("wsl") / "etc/init.d/docker"
    script.parent.mkdir(exist_ok=True)
    script.write_text(DOCKER, "utf-8")
    script.chmod(0o755)
    with Connections(load_inventory(shared_lab.inventory)) as fleet:
        yield lambda op: fleet.execute("wsl", [op], deadline_s=120)[0]
    shared_lab.run("wsl", ["sh", "-c", "kill $(cat /run/docker.pid); rm -rf /run/docker* /etc/docker"])
    script.unlink()


def write(content: bytes | None, over: bytes | None) -> Op:
    return Op(
        "daemon_json.write",
        {
            "content": None if content is None else base64.b64encode(content).decode(),
            "expect_sha256": None if over is None else hashlib.sha256(over).hexdigest(),
            "restart": True,
        },
    )


@pytest.mark.row("S3-49")
def test_docker_is_restarted_with_its_settings(
    shared_lab: RunningLab, docker: Callable[[Op], OpResult]
) -> None:
    root = shared_lab.root("wsl")
    settings = root / "etc/docker/daemon.json"

    def engine() -> Any:
        value: Any = docker(Op("facts", {"needs": ["engines"]})).value
        return next(one for one in value["engines"] if one["engine"] == "docker")

    def restarts() -> int:
        return len(shared_lab.run("wsl", ["cat", "/run/docker.log"]).stdout.splitlines())

    first, second = b'{"iptables": false}', b'{"broken": true}'
    assert docker(write(first, None)).ok
    assert (settings.read_bytes(), restarts(), engine()["outdated"]) == (first, 1, False)
    refused = docker(write(second, first))
    assert refused.code == "failed", refused
    assert (settings.read_bytes(), restarts(), engine()["version"]) == (first, 2, "28.0.4")
    time.sleep(0.1)
    settings.write_bytes(first)
    assert engine()["outdated"] is True
    assert docker(write(None, first)).ok
    assert not settings.exists()
    assert (restarts(), engine()["outdated"]) == (3, False)
