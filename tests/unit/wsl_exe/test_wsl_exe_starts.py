"""What a start of the lab's WSL does: its mode, its network, its warnings; and what stays when it stops."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from wslnet_lab.host.local_session import OWNER, LocalSession
from wslnet_lab.host.paper_hardware import PaperHardware
from wslnet_lab.host.state.registry import value_of
from wslnet_lab.host.state.settings import OWNER_SID

from .conftest import FAILED, Desk

if TYPE_CHECKING:
    from pathlib import Path

UTF8 = {"WSL_UTF8": "1"}
LXSS = r"HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Lxss"
TCPIP6 = r"HKLM:\SYSTEM\CurrentControlSet\Services\Tcpip6\Parameters"


def test_a_start_registers_the_creator_and_puts_the_firewall_in_force(desk: Desk) -> None:
    assert desk.windows.state.firewall.creators() == {}
    assert desk.start().exit_code == 0
    assert list(desk.windows.state.firewall.creators().values()) == ["WSL"]
    policy = desk.hardware.policy
    assert policy is not None
    assert (policy.enabled, policy.default_inbound, policy.default_outbound) == (True, "Block", "Allow")
    assert policy.loopback
    assert {rule.protocol for rule in policy.rules} == {"ICMPv4", "ICMPv6", "UDP"}


def test_nat_keeps_its_address_in_the_registry(desk: Desk) -> None:
    desk.start()
    desk.wsl("--shutdown")
    desk.start()
    assert [(mode, address) for mode, _, address in desk.hardware.started] == [
        ("nat", None),
        ("nat", "172.23.102.37"),
    ]
    registry = desk.windows.state.registry
    assert registry.get(LXSS, "NatGatewayIpAddress", OWNER_SID) == "172.23.96.1"
    assert registry.get(LXSS, "NatNetwork", OWNER_SID) == "172.23.96.0/20"


def test_a_range_of_the_registry_counts_when_windows_has_booted(desk: Desk) -> None:
    registry = desk.windows.state.registry
    desk.start()
    for name, value in (("NatNetwork", "172.30.96.0/20"), ("NatGatewayIpAddress", "172.30.96.1")):
        registry.set(LXSS, name, value_of(value), OWNER_SID)
    boot_time = {index: card for index, card in desk.hardware.cards.items() if card.kind != "wsl-nat"}
    asked = []
    for cards in (desk.hardware.cards, boot_time):
        desk.wsl("--shutdown")
        desk.hardware.cards = dict(cards)
        for name, value in (("NatNetwork", "172.30.96.0/20"), ("NatGatewayIpAddress", "172.30.96.1")):
            registry.set(LXSS, name, value_of(value), OWNER_SID)
        stderr = desk.start().stderr.decode()
        _, settings, address = desk.hardware.started[-1]
        asked.append((settings["nat_network"], address, "172.23.102.37" in stderr))
    assert asked == [("172.23.96.0/20", "172.23.102.37", False), ("172.30.96.0/20", None, True)]
    assert registry.get(LXSS, "NatGatewayIpAddress", OWNER_SID) == "172.30.96.1"


@pytest.mark.parametrize(
    ("network", "gateway"),
    [
        ("172.24.16.0/20", "172.24.16.1"),  # the LAN is in it
        ("172.30.96.0", "172.31.0.1"),
        ("172.30.97.0/20", "172.30.97.1"),
        ("192.168.235.0/20", "192.168.235.1"),
        ("some", "172.30.96.1"),
        ("172.30.96.0/20", "172.30.96.0"),
    ],
)
def test_a_range_that_cannot_be_had_is_told_and_another_taken(desk: Desk, network: str, gateway: str) -> None:
    desk.windows.state.registry.set(LXSS, "NatNetwork", value_of(network), OWNER_SID)
    desk.windows.state.registry.set(LXSS, "NatGatewayIpAddress", value_of(gateway), OWNER_SID)
    assert f"'{network}'" in desk.start().stderr.decode()
    assert desk.hardware.started[-1][1]["nat_network"] == "172.16.0.0/20"
    assert desk.windows.state.registry.get(LXSS, "NatNetwork", OWNER_SID) == "172.16.0.0/20"


def test_the_file_counts_only_at_a_start(desk: Desk) -> None:
    desk.start()
    desk.write_wslconfig("[wsl2]\nnetworkingMode=mirrored\n")
    desk.start()
    assert desk.mode() == "nat"
    assert desk.wsl("--shutdown").exit_code == 0
    assert not desk.hardware.wsl.running
    desk.start()
    assert desk.mode() == "mirrored"


def test_settings_reach_the_hardware(desk: Desk) -> None:
    desk.write_wslconfig(
        "[wsl2]\nnetworkingMode=mirrored\n[experimental]\nhostAddressLoopback=true\nignoredPorts=3000,9000\n"
    )
    desk.start()
    _, settings, _ = desk.hardware.started[-1]
    assert settings["host_address_loopback"] is True
    assert settings["ignored_ports"] == [3000, 9000]
    assert settings["localhost_forwarding"] is False


@pytest.mark.parametrize(
    ("settings", "ipv6", "text", "mode", "said"),
    [
        ({"revision": 1, "build": 22621}, 0, "mirrored", "nat", "Windows version 22621.1"),
        ({"build": 19045, "revision": 4717}, 0, "mirrored", "nat", "Windows version 19045.4717"),
        ({}, 0xFF, "mirrored", "mirrored", ""),
        ({"wsl_version": "2.7.2.0"}, 0xFF, "mirrored", "nat", "IPv6"),
        (
            {"custom_kernel_version": "5.4.0"},
            {},
            "mirrored\nkernel=C:\\\\Users\\\\17895\\\\bzImage",
            "nat",
            "ker",
        ),
        ({}, 0, "bridged", "none", "WSL_E_VMSWITCH_NOT_SET"),
        ({}, 0, "bridged\nvmSwitch=LAN", "none", "WSL_E_VMSWITCH_NOT_FOUND"),
        ({}, 0, "virtioproxy", "virtioproxy", ""),
        ({"wsl_version": "2.9.4.0"}, 0, "virtioproxy", "consomme", ""),
        ({}, 0, "none", "none", ""),
        ({}, 0, "mirrored\nsafeMode=true", "none", ""),
        ({}, 0, "miror", "nat", "Invalid value 'miror'"),
        ({}, 0, "mirrored\nlocalhostForwarding=true", "mirrored", "no effect"),
    ],
)
def test_mode_and_fallbacks(
    tmp_path: Path, *, settings: dict[str, object], ipv6: int, text: str, mode: str, said: str
) -> None:
    desk = Desk(tmp_path, **settings)
    desk.windows.state.registry.set(TCPIP6, "DisabledComponents", value_of(ipv6), OWNER_SID)
    desk.write_wslconfig(f"[wsl2]\nnetworkingMode={text}\n")
    outcome = desk.start()
    assert (outcome.exit_code, desk.mode()) == (0, mode)
    warning = outcome.stderr.decode()
    assert said in warning
    assert bool(warning) == bool(said)
    assert all(line.startswith("wsl: ") for line in warning.splitlines() if "Falling back to" not in line)
    assert bool(desk.windows.state.events()) == bool(said)


@pytest.mark.row("S3-07")
def test_update_stops_wsl_and_stays(desk: Desk, tmp_path: Path) -> None:
    desk.start()
    assert desk.wsl("--update", environment=UTF8).stdout.decode().endswith("2.6.3.0.\r\n")
    assert not desk.hardware.wsl.running
    assert desk.wsl("--version", environment=UTF8).stdout.startswith(b"WSL version: 2.6.3.0")
    assert b"already installed" in desk.wsl("--update", environment=UTF8).stdout
    assert desk.wsl("--update", "--pre-release").exit_code == 0
    assert json.loads((tmp_path / "windows.json").read_text())["wsl_version"] == "2.9.4.0"
    guest = replace(OWNER, admin=False)
    assert b"E_ACCESSDENIED" in desk.wsl("--update", identity=guest, environment=UTF8).stdout


@pytest.mark.parametrize(
    ("version", "faults", "mode"),
    [
        ("2.9.4.0", ["wsl-nat-network-fails"], "consomme"),
        ("2.6.1.0", ["wsl-nat-network-fails"], "virtioproxy"),
        ("2.3.24.0", ["wsl-nat-network-fails"], "none"),
        ("2.9.4.0", ["wsl-nat-network-fails", "wsl-consomme-init-fails"], "none"),
        ("2.9.4.0", ["wsl-nat-init-fails"], "none"),
    ],
)
def test_nat_that_fails_leads_to_consomme_or_to_nothing(
    tmp_path: Path, version: str, faults: list[str], mode: str
) -> None:
    desk = Desk(tmp_path, wsl_version=version)
    (tmp_path / "faults.json").write_text(json.dumps({"faults": faults}))
    assert desk.start().exit_code == 0
    assert desk.mode() == mode


def test_bridged_comes_up_on_an_external_switch(desk: Desk) -> None:
    card = desk.hardware.adapters()[0]
    desk.hardware.cards[90] = replace(card, name="vEthernet (LAN)", index=90, kind="external")
    desk.write_wslconfig("[wsl2]\nnetworkingMode=bridged\nvmSwitch=lan\nipv6=true\n")
    desk.start()
    assert desk.mode() == "bridged"
    assert desk.hardware.started[-1][1]["ipv6"] is True


def test_old_wsl_without_ipv6_comes_up_mirrored_without_adapters(desk: Desk) -> None:
    desk.windows.state.registry.set(TCPIP6, "DisabledComponents", value_of(0xFF), OWNER_SID)
    desk.write_wslconfig("[wsl2]\nnetworkingMode=mirrored\n")
    desk.start()
    assert desk.hardware.started[-1][1]["adapters"] is False


def test_policy_decides_the_mode(desk: Desk) -> None:
    policies = r"HKLM:\SOFTWARE\Policies\WSL"
    registry = desk.windows.state.registry
    registry.set(policies, "DefaultNetworkingMode", value_of(3), OWNER_SID)
    desk.start()
    assert desk.mode() == "mirrored"
    desk.wsl("--shutdown")
    registry.set(policies, "AllowNetworkingModeUserSetting", value_of(0), OWNER_SID)
    desk.write_wslconfig("[wsl2]\nnetworkingMode=nat\n")
    assert "overridden" in desk.start().stderr.decode()
    assert desk.mode() == "mirrored"


def test_the_registry_can_switch_the_hyperv_firewall_off(desk: Desk) -> None:
    path = r"HKLM:\SYSTEM\CurrentControlSet\Services\MpsSvc\Parameters"
    desk.windows.state.registry.set(path, "HyperVFirewallDisable", value_of(1), OWNER_SID)
    desk.write_wslconfig("[wsl2]\nnetworkingMode=mirrored\n")
    assert "does not have the required features" in desk.start().stderr.decode().replace("\r\n", " ")
    assert desk.mode() == "nat"
    assert desk.hardware.policy is not None
    assert not desk.hardware.policy.enabled


def test_a_network_that_cannot_be_made_ends_at_none(desk: Desk) -> None:
    (desk.folder / "faults.json").write_text(
        '{"faults": {"wsl-mirrored-init-fails": {"code": "0x8007054f"}}}'
    )
    desk.write_wslconfig("[wsl2]\nnetworkingMode=mirrored\n")
    outcome = desk.start()
    assert (outcome.exit_code, desk.mode()) == (0, "none")
    text = outcome.stderr.decode()
    assert "Error code: CreateInstance/CreateVm/ConfigureNetworking/0x8007054f" in text
    assert "(networkingMode Mirrored), falling back to networkingMode None" in text


def test_a_locked_file_means_defaults_and_a_warning(desk: Desk) -> None:
    desk.write_wslconfig("[wsl2]\nnetworkingMode=mirrored\n")
    (desk.folder / "faults.json").write_text('{"faults": ["wslconfig-locked"]}')
    assert "Failed to open config file" in desk.start().stderr.decode()
    assert desk.mode() == "nat"


def test_a_missing_kernel_stops_the_start(desk: Desk) -> None:
    desk.write_wslconfig("[wsl2]\nkernel=C:\\\\nowhere\\\\bzImage\n")
    outcome = desk.start()
    assert outcome.exit_code == FAILED
    assert b"WSL_E_CUSTOM_KERNEL_NOT_FOUND" in outcome.stdout
    assert desk.hardware.started == []


def test_warnings_can_be_silenced_and_come_once(desk: Desk) -> None:
    desk.write_wslconfig("[wsl2]\nbogus=1\n")
    assert desk.wsl("-e", "true", environment={**UTF8, "WSL_DISABLE_WARNINGS": "1"}).stderr == b""
    desk.wsl("--shutdown")
    assert desk.start().stderr == b"wsl: Unknown key 'wsl2.bogus' in C:\\Users\\owner\\.wslconfig:2\r\n"
    assert desk.start().stderr == b""


def test_terminate_leaves_the_machine_up(desk: Desk) -> None:
    desk.start()
    assert desk.wsl("--terminate", "Debian").exit_code == 0
    assert b"Stopped" in desk.wsl("-l", "-v").stdout
    assert desk.hardware.wsl.running


def test_a_running_machine_is_taken_over(tmp_path: Path) -> None:
    hardware = PaperHardware()
    hardware.wsl_start("nat", {}, None)
    windows = LocalSession(tmp_path, hardware).windows
    assert windows.wsl.running_distros() == {"debian"}
    assert hardware.policy is not None
    assert hardware.policy.loopback
    assert windows.state.registry.get(LXSS, "NatNetwork", OWNER_SID) == "172.23.96.0/20"


def test_a_boot_forgets_what_a_resume_keeps(desk: Desk) -> None:
    desk.start()
    desk.hardware.wsl_stop(force=True)
    desk.boot(resumed=True)
    assert list(desk.windows.state.firewall.creators().values()) == ["WSL"]
    desk.boot()
    assert desk.windows.state.firewall.creators() == {}
