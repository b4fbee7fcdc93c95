"""Row 10 of wsl-facts 6: nobody has registered WSL at the Hyper-V firewall, and Windows refuses its setting.

A story of its own beside its drill, which starts WSL: what wslnet makes before WSL has started holds when it
does.
"""

from __future__ import annotations

from typing import Any

import pytest
from tests.lab.asking import reboot, run

from wslnet.resources.hyperv_rule import WSL_CREATOR

from .by_hand import refusals
from .mirrored import from_lan_anew

pytestmark = [pytest.mark.lab, pytest.mark.full, pytest.mark.timeout(600)]

_SETTING = {"Name": WSL_CREATOR, "DefaultInboundAction": "Allow"}
_NOT_FOUND = "CmdletizationQuery_NotFound_Name,Set-NetFirewallHyperVVMSetting"


def test_the_setting_is_made_before_wsl_is_known(story_lab: Any) -> None:
    code, said = run(story_lab, "setup", "--mirrored", "--yes")
    assert (code, said["result"]) == (0, "committed"), said
    assert not from_lan_anew(story_lab)

    reboot(story_lab, "windows")
    assert not story_lab.control("wsl_state")["running"]
    assert refusals(story_lab, "Set-NetFirewallHyperVVMSetting", **_SETTING) == [_NOT_FOUND]

    code, said = run(story_lab, "firewall", "allow", "--open-all", "--yes")
    assert (code, said["result"]) == (0, "committed"), said
    run(story_lab, "doctor", "--only", "wsl.running", "--wake")
    assert from_lan_anew(story_lab), "what was made before is in force once WSL has started"
