"""Why WSL fell back, told from the mode and from codes that are the same in every language."""

from __future__ import annotations

import pytest

from wslnet.model.fallback import codes_told, why_fallen_back
from wslnet.model.windows_facts import WindowsFacts
from wslnet.model.windows_wsl import WslEvent


@pytest.mark.parametrize(
    ("mode", "warnings", "told"),
    [
        ("nat", (), "the kernel is too old"),
        ("NAT", ("wsl: 检测到问题",), "the kernel is too old"),
        ("none", (), "event log"),
        ("none", ("Code: CreateInstance/CreateVm/ConfigureNetworking/0x80070422",), "SharedAccess"),
        (
            "none",
            ("错误代码: CreateInstance/CreateVm/ConfigureNetworking/0x8007054f",),
            "microsoft/WSL#12351",
        ),
        ("none", ("x: CreateInstance/CreateVm/ConfigureNetworking/0x80041fff",), "(0x80041fff)"),
        ("none", ("x: CreateInstance/CreateVm/HCS/0x80070422",), "event log"),
        ("bridged", (), "WSL chose another mode"),
    ],
)
def test_reason(mode: str, warnings: tuple[str, ...], told: str) -> None:
    assert told in why_fallen_back(mode, warnings)


def test_the_event_log_has_the_code_of_the_last_fallback() -> None:
    path = "CreateInstance/CreateVm/ConfigureNetworking/0x8007054f"
    old = "CreateInstance/CreateVm/ConfigureNetworking/0x80070422"
    log = (
        WslEvent("3", modes=("mirrored", "none")),
        WslEvent("2", codes=(path,)),
        WslEvent("1", codes=(old,)),
    )
    told = codes_told(WindowsFacts(wsl_events=log))
    assert told == (path,)
    assert "microsoft/WSL#12351" in why_fallen_back("none", told)
    assert codes_told(WindowsFacts(wsl_events=log[1:])) == ()
    assert codes_told(WindowsFacts(wsl_events=log), "none") == (path,)
    assert codes_told(WindowsFacts(wsl_events=log), "nat") == ()
    assert codes_told(WindowsFacts()) == ()
