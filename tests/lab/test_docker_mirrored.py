"""A container behind Docker's rules in a mirrored WSL: from the LAN yes, from Windows after the fix alone."""

from __future__ import annotations

import os
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from .asking import run
from .canonical.snapshot import differences, take
from .complaints.docker import container
from .servers import GREET, greeting, heard, program

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .conftest import RunningLab

pytestmark = [pytest.mark.lab, pytest.mark.full, pytest.mark.timeout(300)]

TOPOLOGY = "wsl-docker"
WINDOWS = "172.24.21.109"


@contextmanager
def published(lab: RunningLab) -> Iterator[str]:
    """A namespace on docker0 whose port 80 is published as 8080, as Docker does it, proxy included."""
    space, wsl = f"t{os.getpid()}-c1", lab.netns("wsl")
    to = ["-p", "tcp", "--dport", "8080", "-j", "DNAT", "--to-destination", "172.17.0.2:80"]
    iptables = ["ip", "netns", "exec", wsl, "iptables"]
    steps = [
        *container(wsl, space),
        [*iptables, "-t", "nat", "-A", "DOCKER", "!", "-i", "docker0", *to],
        [*iptables, "-I", "DOCKER", "-d", "172.17.0.2", "-p", "tcp", "--dport", "80", "-j", "ACCEPT"],
    ]
    try:
        for step in steps:
            subprocess.run(step, check=True, timeout=10)
        with (
            program(space, GREET, "0.0.0.0", "80", "container"),
            greeting(lab, "wsl", "0.0.0.0", 8080, "proxy"),
        ):
            yield space
    finally:
        subprocess.run(["ip", "netns", "delete", space], check=False, timeout=10)


@pytest.mark.row("S3-45", "S3-50", "S3-55")
def test_windows_reaches_a_published_port_after_the_fix(story_lab: RunningLab) -> None:
    code, done = run(story_lab, "setup", "--mirrored", "--allow", "tcp/8080@lan", "--yes")
    assert code == 0, done
    engine = (
        "mkdir -p /run/docker /etc/init.d; echo '[]' > /run/docker/containers.json; "
        "echo 26.1.5 > /run/docker/version; "
        # Its restart: the engine of the lab is a file.
        "echo '#!/bin/sh' > /etc/init.d/docker; chmod +x /etc/init.d/docker"
    )
    assert story_lab.run("wsl", ["sh", "-c", engine]).returncode == 0
    with published(story_lab):
        deadline = time.monotonic() + 20  # a new listener is felt within a second
        while heard(story_lab, "lan", WINDOWS, 8080) != "container" and time.monotonic() < deadline:
            time.sleep(0.25)
        assert heard(story_lab, "lan", WINDOWS, 8080) == "container"
        assert not heard(story_lab, "windows", "127.0.0.1", 8080)
        code, done = run(story_lab, "doctor", "--only", "docker.mirrored")
        assert [one["status"] for one in done["findings"]] == ["warn"], done
        before = take(story_lab)

        code, done = run(story_lab, "docker", "fix", "--yes")
        assert (code, done["result"]) == (0, "committed"), done
        assert heard(story_lab, "windows", "127.0.0.1", 8080) == "proxy"
        assert heard(story_lab, "lan", WINDOWS, 8080) == "container"
        assert run(story_lab, "docker", "check")[1]["engines"][0]["case"] == "handled"
        assert run(story_lab, "docker", "fix", "--yes")[1]["result"] == "unchanged"

        assert run(story_lab, "undo", "--yes")[0] == 0
        assert differences(before, take(story_lab)) == []
        code, done = run(story_lab, "docker", "fix", "--mode", "userland", "--yes")
        assert (code, done["result"]) == (0, "committed"), done
        settings = story_lab.root("wsl") / "etc" / "docker" / "daemon.json"
        assert '"iptables": false' in settings.read_text()
        assert run(story_lab, "undo", "--yes")[0] == 0
        assert not settings.exists()
