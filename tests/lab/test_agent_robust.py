"""Tools that hang or flood, and requests of any kind: the agent answers, and leaves nothing behind."""

from __future__ import annotations

import contextlib
import os
import random
from pathlib import Path

import pytest

from wslnet.model.change import Op

from .agent_bench import Netns, agent_in

pytestmark = pytest.mark.lab


def test_a_tool_that_hangs_or_floods_takes_only_its_own_fact(machine: Netns, tmp_path: Path) -> None:
    (tmp_path / "virsh").write_text("#!/bin/sh\nexec cat /dev/zero\n")
    (tmp_path / "nft").write_text("#!/bin/sh\necho some; sleep 60\n")
    for tool in ("virsh", "nft"):
        (tmp_path / tool).chmod(0o755)
    with agent_in(machine, env={"PATH": f"{tmp_path}:{os.environ['PATH']}"}) as client:
        wanted = {"needs": ["domains", "links", "firewall"], "timeout_s": 1.5}
        (result,) = client.run([Op("facts", wanted)])
    found = result.value
    assert found["domains"] is None
    assert found["links"]
    assert found["firewall"]["nft"] is None
    assert found["errors"]["domains"]["code"] == "failed"
    assert found["errors"]["firewall/nft"]["code"] == "timed-out"


def test_wslinfo_is_asked_where_it_is(machine: Netns, tmp_path: Path) -> None:
    (tmp_path / "wslinfo").write_text(
        '#!/bin/sh\ncase "$1" in --networking-mode) printf mirrored;; --version) printf 2.5.9;; esac\n'
    )
    (tmp_path / "wslinfo").chmod(0o755)
    script = f'mount -t overlay overlay -o lowerdir={tmp_path}:/usr/bin /usr/bin && exec "$@"'
    prefix = ("unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh")
    with agent_in(machine, prefix=prefix) as client:
        assert client.facts(["wsl"])["wsl"] == {"mode": "mirrored", "version": "2.5.9"}


def test_nothing_of_the_agent_stays(machine: Netns, tmp_path: Path) -> None:
    marker = f"wslnet-test-{os.getpid()}"
    with agent_in(
        machine, env={"PATH": os.environ["PATH"], "MARKER": marker, "TMPDIR": str(tmp_path)}
    ) as client:
        client.facts(["links", "firewall"])
        client.call("listen", proto="tcp", address="127.0.0.1", port=0, text="hello")
    assert list(tmp_path.iterdir()) == []
    left = []
    for process in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if marker.encode() in (process / "environ").read_bytes():
                left.append(process)
    assert left == []


def test_no_request_brings_the_agent_down(machine: Netns) -> None:
    """Ops of every verb with arguments of every kind, in a namespace that may take any harm."""
    chance = random.Random(11)  # noqa: S311 - a campaign must be repeatable
    verbs = (
        "facts", "route.add", "route.delete", "sysctl.set", "rule.insert", "rule.delete", "domain.start",
        "domain.shutdown", "probes", "unlisten", "listen", "__class__", "", None, 7, [], {},
    )  # fmt: skip
    names = (
        "needs", "family", "dst", "via", "dev", "table", "proto", "metric", "key", "value", "backend",
        "chain", "position", "spec", "name", "probes", "address", "port", "text",
    )  # fmt: skip
    values = (
        None, True, 0, -1, 4, 6, 2**40, 1.5, "", "x", "4", "eth0", "tcp", "-F", "a\0b", "../..", "\ud800",
        "10.0.0.0/8", "fd00::/64", "iptables-nft", "filter", "FORWARD", [], ["x"], [None], {},
        {"proto": "tcp"}, [{"proto": "icmp"}], ["links", "links"], ["-j", "ACCEPT"],
    )  # fmt: skip
    with agent_in(machine) as client:
        for _ in range(150):
            ops = [
                {
                    "verb": chance.choice(verbs),
                    "args": {n: chance.choice(values) for n in chance.sample(names, 9)},
                }
                for _ in range(4)
            ]
            ops.append(chance.choice([None, 3, [], {}, {"verb": "facts", "args": []}, {"verb": "facts"}]))
            results = client.run([Raw(op) for op in ops], timeout_s=20)
            assert len(results) == 5
        assert client.facts(["identity"])["identity"]["uid"] == 0


class Raw:
    """An op that is sent as it is, well-formed or not."""

    def __init__(self, content: object) -> None:
        self.content = content
        self.verb = "facts"
        self.args: dict[str, object] = {}

    def to_json(self) -> object:
        return self.content
