"""A PC with firewalls, agents and policies of others: setup names them and changes nothing of theirs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from .asking import run
from .test_fallbacks import another_windows, without_vms

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.lab, pytest.mark.full, pytest.mark.timeout(600)]

_MACHINE = "HKEY_LOCAL_MACHINE"
NTLM = rf"{_MACHINE}\SYSTEM\CurrentControlSet\Control\Lsa\MSV1_0"
APPLOCKER = rf"{_MACHINE}\SOFTWARE\Policies\Microsoft\Windows\SrpV2\Exe"
PUBLIC = rf"{_MACHINE}\SOFTWARE\Policies\Microsoft\WindowsFirewall\PublicProfile"
SERVICES = ("AppIDSvc", "com.docker.service", "csc_vpnagent", "sshd")
CORPORATE: dict[str, object] = {
    "firewall_products": {"ESET Firewall": 0x41000},
    "code_integrity": 2,
    "services": dict.fromkeys(SERVICES, "Running"),
}
REGISTRY = {
    NTLM: {"RestrictSendingNTLMTraffic": 2},
    APPLOCKER: {"EnforcementMode": 1},
    PUBLIC: {"AllowLocalPolicyMerge": 0},
}
NAMED = (
    "ESET Firewall guards this Windows, too",
    "a VPN agent runs: Cisco Secure Client",
    "Docker Desktop runs in the same virtual machine",
    "Windows' own SSH server has port 22",
    "a policy says which programs may run here",
    "a policy refuses NTLM",
    "rules of this PC do not count in Windows' firewall: profile Public",
)


def theirs(lab: Any) -> dict[str, object]:
    """The state of their services, and their keys."""
    folder = lab.inventory.parent / "windows"
    services = json.loads((folder / "services.json").read_bytes())
    keys = json.loads((folder / "registry.json").read_bytes())
    return {name: services[name] for name in SERVICES} | {key: keys[key] for key in REGISTRY}


def test_setup_names_them_and_leaves_them_as_they_are(story_lab: Any, tmp_path: Path) -> None:
    inventory = without_vms(story_lab, tmp_path)
    with another_windows(story_lab, CORPORATE, REGISTRY):
        before = theirs(story_lab)
        code, said = run(inventory, "setup", "--mirrored", "--yes")
        assert (code, said["result"]) == (0, "committed"), said
        assert [one for one in NAMED if not any(one in note for note in said["notes"])] == []
        assert theirs(story_lab) == before
        code, said = run(inventory, "doctor", "--fix", "--yes")
        assert theirs(story_lab) == before, said
        code, said = run(inventory, "undo", "--yes")
        assert (code, said["result"]) == (0, "committed"), said
        assert theirs(story_lab) == before
