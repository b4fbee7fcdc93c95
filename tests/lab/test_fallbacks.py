"""Fallbacks and refusals of wsl-facts 2.1: refused beforehand, or measured behind the restart and undone."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from .asking import lab_command, reboot, run

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

pytestmark = pytest.mark.lab

ALLOW = ("setup", "--mirrored", "--allow", "tcp/8080@lan", "--yes")
TCPIP6 = r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\Tcpip6\Parameters"
FIREWALL = r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\MpsSvc\Parameters"
POLICY = r"HKEY_LOCAL_MACHINE\SOFTWARE\Policies\WSL"
FIRST_MIRRORED = 22621
_LONG_S = 400
WSL_ONLY = """
schema_version = 1
state = "{folder}/controller"
[machines.windows]
kind = "windows"
address = "127.0.0.1"
port = 5985
user = "owner"
secret = {{ command = ["cat", "{folder}/password"] }}
proxy = "{proxy}"
[machines.wsl]
kind = "wsl"
parent = "windows"
distro = "Debian"
user = "root"
key = "{folder}/keys/id_ed25519"
[wish]
mode = "mirrored"
"""


def mode(lab: Any) -> str:
    """As WSL itself says."""
    said: str = lab.run("wsl", ["wslinfo", "--networking-mode", "-n"]).stdout
    return said.strip()


def changed_things(lab: Any) -> tuple[bytes, bytes]:
    """The file and the firewall rules of Windows."""
    config = lab.root("windows") / "Users" / "owner" / ".wslconfig"
    rules = json.loads((lab.inventory.parent / "windows" / "firewall.json").read_bytes())
    return config.read_bytes(), json.dumps(rules, sort_keys=True).encode()


def without_vms(lab: Any, folder: Path) -> Path:
    """An inventory of Windows and WSL alone: no VM runs after a boot of Windows."""
    proxy = next(line.split('"')[1] for line in lab.inventory.read_text().splitlines() if "proxy" in line)
    inventory = folder / "wslnet.toml"
    inventory.write_text(WSL_ONLY.format(folder=lab.inventory.parent, proxy=proxy), encoding="utf-8")
    return inventory


@contextmanager
def another_windows(
    lab: Any, settings: Mapping[str, object], registry: Mapping[str, Mapping[str, int]]
) -> Iterator[None]:
    """Reboots Windows with other settings and registry values; at the end they are as before, unbooted."""
    folder = lab.inventory.parent
    files = (folder / "windows.json", folder / "windows" / "registry.json")
    before = [file.read_text(encoding="utf-8") for file in files]
    told = json.loads(before[0]) | settings
    keys = json.loads(before[1])
    for path, values in registry.items():
        key = next((known for known in keys if known.lower() == path.lower()), path)
        rows = {name: {"kind": "REG_DWORD", "data": data} for name, data in values.items()}
        keys[key] = keys.get(key, {}) | rows
    try:
        for file, content in zip(files, (told, keys), strict=True):
            file.write_text(json.dumps(content), encoding="utf-8")
        reboot(lab, "windows")
        yield
    finally:
        for file, text in zip(files, before, strict=True):
            file.write_text(text, encoding="utf-8")


def test_an_engine_that_fails_at_start_is_measured_explained_and_undone(story_lab: Any) -> None:
    """Mirrored that fails ends without any network, and wsl.exe still exits with 0."""
    before = changed_things(story_lab)
    lab_command(story_lab, "break", "--clear", "wsl-mirrored-init-fails")
    code, said = run(story_lab.inventory, *ALLOW)
    lab_command(story_lab, "break", "--clear")
    assert (code, said["result"], said["left"]) == (12, "rolled-back", []), said
    assert "came up in mode none, not mirrored" in said["reason"]
    assert "microsoft/WSL#12351" in said["reason"]
    assert changed_things(story_lab) == before
    assert mode(story_lab) == "nat"
    machines = story_lab.status()["machines"]
    assert [machines[name]["state"] for name in ("wsl", "vm1", "vm2")] == ["running"] * 3


def test_when_the_way_back_fails_too_it_is_told_and_resume_ends_it(story_lab: Any) -> None:
    before = changed_things(story_lab)
    lab_command(story_lab, "break", "--clear", "wsl-mirrored-init-fails", "wsl-nat-init-fails")
    code, said = run(story_lab.inventory, *ALLOW)
    assert (code, said["result"]) == (21, "failed"), said
    assert ["came up in mode none, not nat" in line for line in said["left"]] == [True]
    assert changed_things(story_lab) == before
    code, told = run(story_lab.inventory, "doctor")
    unseen = {one["machine"]: one for one in told["findings"] if one["code"] == "machine.reachable"}
    assert (code, told["summary"]["crash"]) == (11, 0)
    assert unseen["wsl"]["cause"] == "WSL runs in mode none: it has no network"
    lab_command(story_lab, "break", "--clear")
    code, said = run(story_lab.inventory, "resume")
    assert (code, said["result"], said["left"]) == (12, "rolled-back", []), said
    assert mode(story_lab) == "nat"
    machines = story_lab.status()["machines"]
    assert [machines[name]["state"] for name in ("wsl", "vm1", "vm2")] == ["running"] * 3


@pytest.mark.parametrize(
    ("settings", "cause"),
    [
        ({"custom_kernel_version": "5.4.72"}, "the kernel is too old"),
        ({"compute_network": False}, "Windows or the kernel is too old"),
    ],
    ids=["kernel", "no port reservation"],
)
def test_a_fallback_to_nat_that_nothing_foretold_is_rolled_back(
    story_lab: Any, tmp_path: Path, settings: dict[str, object], cause: str
) -> None:
    inventory = without_vms(story_lab, tmp_path)
    with another_windows(story_lab, settings, {}):
        before = changed_things(story_lab)
        code, said = run(inventory, *ALLOW)
        assert (code, said["result"], said["left"]) == (12, "rolled-back", []), said
        assert "came up in mode nat, not mirrored" in said["reason"]
        assert cause in said["reason"]
        assert changed_things(story_lab) == before
        assert mode(story_lab) == "nat"


@pytest.mark.parametrize(
    ("settings", "registry", "code", "named"),
    [
        ({}, {TCPIP6: {"DisabledComponents": 0xFF}}, "ipv6.components", "0xff"),
        ({}, {FIREWALL: {"HyperVFirewallDisable": 1}}, "hyperv.firewall", "HyperVFirewallDisable"),
        ({}, {POLICY: {"AllowNetworkingModeUserSetting": 0}}, "wsl.policy", "a policy fixes"),
        ({"build": 22000, "revision": 2538}, {}, "windows.build", "22621.2359"),
        ({"build": 22621, "revision": 1105}, {}, "windows.build", "22621.2359"),
        ({"build": 19045, "revision": 3803}, {}, "windows.build", "Windows 10 never"),
        (
            {"build": 20348, "revision": 2000, "edition": "ServerStandard", "product": "Windows Server 2022"},
            {},
            "windows.build",
            "Windows Server never",
        ),
        (
            {"build": 14393, "revision": 7606, "edition": "ServerStandard", "product": "Windows Server 2016"},
            {},
            "windows.build",
            "Windows Server never",
        ),
        ({"wsl_version": "1.2.5.0"}, {}, "wsl.version", "1.2.5.0"),
    ],
    ids=["ipv6", "firewall", "policy", "21H2", "22H2", "windows 10", "server", "server 2016", "old wsl"],
)
def test_what_cannot_be_is_refused_before_anything_is_touched(
    story_lab: Any,
    settings: dict[str, object],
    registry: dict[str, dict[str, int]],
    code: str,
    named: str,
) -> None:
    with another_windows(story_lab, settings, registry):
        before = changed_things(story_lab)
        exit_code, said = run(story_lab.inventory, *ALLOW)
        assert (exit_code, said["error"]["code"]) == (15, "unsupported"), said
        assert named in said["error"]["message"]
        assert "\n" not in said["error"]["message"]
        assert changed_things(story_lab) == before
        assert story_lab.status()["machines"]["wsl"]["state"] != "running"
        exit_code, told = run(story_lab.inventory, "doctor", "--only", code)
        assert exit_code == 11
        assert [one["status"] for one in told["findings"] if one["code"] == code] == ["fail"]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (
            {"build": 14393, "revision": 7606, "edition": "ServerStandard", "product": "Windows Server 2016"},
            11,
        ),
        ({"build": 22000, "revision": 2538}, 11),
        ({"build": 22621, "revision": 2361}, 11),
        ({"build": 26100, "revision": 1742}, 11),
    ],
    ids=["server 2016", "windows 11 21H2", "windows 11 22H2", "windows 11 24H2"],
)
def test_every_check_ends_on_a_windows_that_lacks_commands(
    story_lab: Any, settings: dict[str, object], told: int
) -> None:
    """Each build has the commands and parameters that its machine was read with, and no others."""
    unfit = int(str(settings["build"])) < FIRST_MIRRORED
    with another_windows(story_lab, settings, {}):
        code, said = run(story_lab.inventory, "doctor")
        assert (code, said["summary"]["crash"]) == (told, 0), said
        found = {one["code"]: one["status"] for one in said["findings"] if one["machine"] == "windows"}
        assert (found["windows.build"] == "fail") == unfit
        for verb in ("status", "ports", "plan"):
            code, said = run(story_lab.inventory, verb)
            assert code in {0, 10, 15, 20}, said


@pytest.mark.timeout(900)
def test_the_oldest_build_that_can_lacks_parameters_and_does_it_all_the_same(
    story_lab: Any, tmp_path: Path
) -> None:
    inventory = without_vms(story_lab, tmp_path)
    with another_windows(story_lab, {"build": 22621, "revision": 2361}, {}):
        code, said = run(inventory, *ALLOW, timeout_s=_LONG_S)
        assert (code, said.get("result")) == (0, "committed"), said
        assert mode(story_lab) == "mirrored"
        code, said = run(inventory, "undo", "--yes", timeout_s=_LONG_S)
        assert (code, said["result"]) == (0, "committed"), said
        assert mode(story_lab) == "nat"


def test_a_policy_that_only_sets_the_default_hinders_nobody(story_lab: Any) -> None:
    with another_windows(story_lab, {}, {POLICY: {"DefaultNetworkingMode": 3}}):
        exit_code, told = run(story_lab.inventory, "doctor", "--only", "wsl.policy")
        assert (exit_code, [one["status"] for one in told["findings"]]) == (0, ["ok"])
