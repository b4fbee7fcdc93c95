"""Domain ops against a libvirt of one file: listed, started, shut down, refused."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from .agent_bench import Netns, agent_in, refused

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from wslnet.transport.agent_client import AgentClient

pytestmark = pytest.mark.lab


VIRSH = """#!/bin/sh
# A libvirt of one file: each domain is a file that holds its state.
cd {folder}
case "$1" in
list)
    for name in vm*; do
        case "$*" in *running*) grep -q running $name || continue ;; esac
        echo $name
    done ;;
start) test -e $2 || exit 1; (sleep 0.3; echo running >$2) >/dev/null 2>&1 & ;;
shutdown) test $2 = vm-deaf || (sleep 0.3; echo off >$2) >/dev/null 2>&1 & ;;
esac
exit 0
"""


class TestDomains:
    @pytest.fixture
    def virsh(self, tmp_path: Path, machine: Netns) -> Iterator[AgentClient]:
        tools = tmp_path / "tools"
        tools.mkdir()
        domains = tmp_path / "domains"
        domains.mkdir()
        for name, state in (("vm1", "running"), ("vm2", "off"), ("vm-deaf", "running")):
            (domains / name).write_text(state)
        (tools / "virsh").write_text(VIRSH.format(folder=domains))
        (tools / "virsh").chmod(0o755)
        with agent_in(machine, env={"PATH": f"{tools}:{os.environ['PATH']}"}) as client:
            yield client

    def test_listed_with_their_states(self, virsh: AgentClient) -> None:
        assert virsh.facts(["domains"])["domains"] == [
            {"name": "vm-deaf", "state": "running"},
            {"name": "vm1", "state": "running"},
            {"name": "vm2", "state": "shut off"},
        ]

    def test_start_and_shutdown_wait_for_the_state(self, virsh: AgentClient) -> None:
        assert virsh.call("domain.shutdown", name="vm1", timeout_s=10) == {"state": "shut off"}
        assert virsh.call("domain.start", name="vm2", timeout_s=10) == {"state": "running"}
        states = {one["name"]: one["state"] for one in virsh.facts(["domains"])["domains"]}
        assert states == {"vm-deaf": "running", "vm1": "shut off", "vm2": "running"}
        assert virsh.call("domain.start", name="vm2", timeout_s=10) == {"state": "running"}

    def test_a_guest_that_does_not_follow_is_reported_in_time(self, virsh: AgentClient) -> None:
        started = time.monotonic()
        assert refused(virsh, "domain.shutdown", name="vm-deaf", timeout_s=0.5) == "timed-out"
        assert time.monotonic() - started < 5

    def test_refusals_have_their_codes(self, virsh: AgentClient) -> None:
        assert refused(virsh, "domain.start", name="vm9") == "not-found"
        assert refused(virsh, "domain.start", name="--all") == "bad-op"

    def test_without_libvirt_the_tool_is_missing(self, agent: AgentClient) -> None:
        assert refused(agent, "domain.start", name="vm1") == "tool-missing"
