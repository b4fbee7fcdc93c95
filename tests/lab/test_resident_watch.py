"""What wslnet-agent hears of changes, by pyroute2 and by the bare sockets, in a namespace of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import wslnet_linux_agent

if TYPE_CHECKING:
    from .agent_bench import Netns

pytestmark = pytest.mark.lab

WATCH = """
import sys
from wslnet_linux_agent import resident_watch as watch
if sys.argv[1] == "Bare":
    sys.modules["pyroute2"] = None
heard = watch.sources()
assert type(heard[0]).__name__ == sys.argv[1], heard
assert watch.wait(heard, 0.2) == "", "something happened by itself"
print("ready", flush=True)
for _ in range(int(sys.argv[2])):
    sys.stdin.readline()
    said = ""
    while True:
        more = watch.wait(heard, 1.0)
        if not more:
            break
        said += more + ";"
    print(said, flush=True)
"""


@pytest.mark.parametrize("source", ["ByPyroute2", "Bare"])
def test_links_routes_and_rules_are_heard(machine: Netns, source: str) -> None:
    named = source == "ByPyroute2"
    changes = (
        (["ip", "link", "add", "br7", "type", "bridge"], "RTM_NEWLINK br7" if named else "rtnetlink"),
        (
            ["ip", "route", "add", "10.9.0.0/16", "via", "192.168.122.191"],
            "10.9.0.0" if named else "rtnetlink",
        ),
        (["iptables-nft", "-A", "FORWARD", "-j", "ACCEPT"], "rules"),
    )
    folder = str(Path(wslnet_linux_agent.__file__).parent.parent)
    code = f"import sys; sys.path.insert(0, {folder!r})\n{WATCH}"
    argv = ["ip", "netns", "exec", machine.name, sys.executable, "-c", code, source, str(len(changes))]
    with subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as program:
        assert program.stdin is not None
        assert program.stdout is not None
        try:
            assert program.stdout.readline() == "ready\n"
            for change, wanted in changes:
                machine.exec(*change)
                program.stdin.write("\n")
                assert wanted in program.stdout.readline()
            assert program.wait(20) == 0
        finally:
            program.kill()
