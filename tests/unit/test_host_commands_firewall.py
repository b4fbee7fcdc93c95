"""Firewall commands of the lab's Windows: what they store, show, and put in force."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from wslnet_lab.host.contract import Argument, Invocation
from wslnet_lab.host.local_session import LocalSession, Screen

if TYPE_CHECKING:
    from pathlib import Path

    from wslnet_lab.host.hardware import EffectivePolicy

WSL = "{40E0AC32-46A5-438A-A0B2-2B479E8F2E90}"
OTHER = "{9E288F02-CE00-4D9E-BE2B-14CE463B0298}"


class Desk(LocalSession):
    def do(self, command: str, **parameters: object) -> Screen:
        return self.run(command, parameters)

    def start_wsl(self, text: str = "[wsl2]\nnetworkingMode=mirrored\n") -> None:
        self.write_wslconfig(text)
        assert self.native("wsl.exe", "-e", "true").exit_code == 0

    def rule(self, **parameters: object) -> Screen:
        usual = {
            "Name": "wslnet-8080",
            "DisplayName": "wslnet tcp/8080",
            "Direction": "Inbound",
            "VMCreatorId": WSL,
            "Protocol": "TCP",
            "LocalPorts": ["8080"],
            "RemoteAddresses": ["172.24.21.0/24"],
            "Profiles": ["Private", "Domain"],
            "Action": "Allow",
        }
        return self.run("New-NetFirewallHyperVRule", {**usual, **parameters})

    def policy(self) -> EffectivePolicy:
        assert self.hardware.policy is not None
        return self.hardware.policy

    def in_force(self) -> list[str]:
        return [rule.name for rule in self.policy().rules if not rule.name.startswith("WslCore-")]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


# ---- rules ---------------------------------------------------------------------------------------------


def test_a_rule_is_shown_with_raw_numbers_and_words(desk: Desk) -> None:
    assert desk.rule().ids == []
    found = desk.do("Get-NetFirewallHyperVRule", Name="wslnet-8080")
    (row,) = found.rows()
    assert (row["Direction"], row["Action"], row["Enabled"], row["Profiles"]) == (1, 2, 1, 3)
    assert (row["LocalPorts"], row["RemotePorts"], row["Protocol"]) == (["8080"], ["Any"], "TCP")
    (words,) = found.friendly()
    assert (words["Enabled"], words["Profiles"], words["Name"]) == ("True", "Domain, Private", "wslnet-8080")


def test_rules_hold_before_wsl_ever_ran_and_reach_the_packets(desk: Desk) -> None:
    desk.rule()
    (rule,) = desk.policy().rules
    assert (rule.name, rule.action, rule.protocol) == ("wslnet-8080", "Allow", "TCP")
    assert (rule.local_ports, rule.remote_addresses) == (("8080",), ("172.24.21.0/24",))


def test_rules_survive_a_boot_unless_active_only(desk: Desk) -> None:
    desk.rule()
    desk.rule(Name="gone", PolicyStore="ActiveStore")
    assert desk.in_force() == ["wslnet-8080", "gone"]
    desk.boot()
    assert desk.in_force() == ["wslnet-8080"]


def test_names_are_taken_once_per_store(desk: Desk) -> None:
    desk.rule()
    assert desk.rule().ids == ["Windows System Error 183,New-NetFirewallHyperVRule"]
    unnamed = [desk.do("New-NetFirewallHyperVRule", DisplayName="same") for _ in range(2)]
    assert [screen.ids for screen in unnamed] == [[], []]
    assert len(desk.do("Get-NetFirewallHyperVRule", DisplayName="same").rows()) == 2


@pytest.mark.parametrize(
    "parameters",
    [
        {"LocalPorts": ["99999"]},
        {"LocalPorts": ["80-70"]},
        {"LocalPorts": ["http"]},
        {"Protocol": "ICMPv4"},
        {"Protocol": "GRE"},
        {"RemoteAddresses": ["LocalSubnet"]},
        {"RemoteAddresses": ["10.0.0.9-10.0.0.1"]},
        {"VMCreatorId": WSL.strip("{}")},
        {"Action": "NotConfigured"},
    ],
)
def test_bad_values_are_refused_and_change_nothing(desk: Desk, parameters: dict[str, object]) -> None:
    assert desk.rule(**parameters).ids == ["Windows System Error 87,New-NetFirewallHyperVRule"]
    assert desk.do("Get-NetFirewallHyperVRule").rows() == []
    assert desk.in_force() == []


def test_a_disabled_or_foreign_rule_does_not_count(desk: Desk) -> None:
    desk.rule()
    desk.do("Disable-NetFirewallHyperVRule", Name="wslnet-8080")
    desk.rule(Name="wsa", VMCreatorId=OTHER)
    assert desk.in_force() == []
    desk.do("Enable-NetFirewallHyperVRule", Name="wslnet-8080")
    assert desk.in_force() == ["wslnet-8080"]


def test_block_rules_come_first(desk: Desk) -> None:
    desk.rule()
    desk.rule(Name="no", Action="Block", LocalPorts=["5000-5010"], Profiles="Any")
    assert [rule.action for rule in desk.policy().rules] == ["Block", "Allow"]


def test_set_rename_remove(desk: Desk) -> None:
    desk.rule()
    desk.do(
        "Set-NetFirewallHyperVRule",
        Name="wslnet-8080",
        LocalPorts=["9090"],
        NewDisplayName="other",
        RemoteAddresses=["Any"],
    )
    (rule,) = desk.policy().rules
    assert (rule.local_ports, rule.remote_addresses) == (("9090",), ())
    assert desk.do("Get-NetFirewallHyperVRule", DisplayName="other").ids == []
    assert desk.do("Rename-NetFirewallHyperVRule", Name="wslnet-8080", NewName="wslnet-9090").ids == []
    assert desk.in_force() == ["wslnet-9090"]
    missing = desk.do("Remove-NetFirewallHyperVRule", Name="wslnet-8080")
    assert missing.ids == ["CmdletizationQuery_NotFound_InstanceID,Remove-NetFirewallHyperVRule"]
    desk.do("Remove-NetFirewallHyperVRule", Name="wslnet-9090")
    assert desk.in_force() == []


def test_without_a_selector_all_rules_go(desk: Desk) -> None:
    desk.rule()
    desk.rule(Name="second")
    assert desk.do("Remove-NetFirewallHyperVRule").ids == []
    assert desk.do("Get-NetFirewallHyperVRule").rows() == []


def test_wsls_own_rules_are_in_the_active_store_only_and_stay(desk: Desk) -> None:
    desk.start_wsl()
    assert desk.do("Get-NetFirewallHyperVRule", VMCreatorId=WSL).rows() == []
    shown = desk.do("Get-NetFirewallHyperVRule", VMCreatorId=WSL, PolicyStore="ActiveStore").rows()
    names = [str(row["InstanceID"]) for row in shown]
    assert len(names) == 4
    assert all(name.startswith("WslCore-Allow-Inbound-") for name in names)
    refused = desk.do("Remove-NetFirewallHyperVRule", Name=names[0], PolicyStore="ActiveStore")
    assert refused.ids == ["Windows System Error 87,Remove-NetFirewallHyperVRule"]
    assert len(desk.policy().rules) == 4


def test_a_policy_about_rules_of_this_pc_holds_at_once(desk: Desk) -> None:
    desk.start_wsl()
    key = r"HKLM\SOFTWARE\Policies\Microsoft\WindowsFirewall\PublicProfile"
    value = ("/v", "AllowLocalPolicyMerge")

    def let_in() -> bool:
        rules = [
            rule for zone in desk.hardware.zones for rule in zone.policy.rules if zone.category == "Public"
        ]
        return "WSLCore-SharedAccess-Allow-Rule" in {rule.name for rule in rules}

    assert let_in()
    assert desk.native("reg.exe", "add", key, *value, "/t", "REG_DWORD", "/d", "0", "/f").exit_code == 0
    assert not let_in()
    assert desk.native("reg.exe", "delete", key, *value, "/f").exit_code == 0
    assert let_in()


# ---- settings, profiles, creators, ports ---------------------------------------------------------------


def test_the_setting_needs_a_registered_creator_or_new(desk: Desk) -> None:
    change = {"Name": WSL, "DefaultInboundAction": "Allow"}
    refused = desk.run("Set-NetFirewallHyperVVMSetting", change)
    assert refused.ids == ["CmdletizationQuery_NotFound_Name,Set-NetFirewallHyperVVMSetting"]
    assert desk.policy().default_inbound == "Block"
    assert desk.run("New-NetFirewallHyperVVMSetting", change).ids == []
    assert desk.policy().default_inbound == "Allow"
    twice = desk.run("New-NetFirewallHyperVVMSetting", change)
    assert twice.ids == ["Windows System Error 183,New-NetFirewallHyperVVMSetting"]
    assert desk.do("Set-NetFirewallHyperVVMSetting", Name=WSL, DefaultInboundAction="Block").ids == []
    assert desk.policy().default_inbound == "Block"


def test_the_two_stores_of_a_setting(desk: Desk) -> None:
    desk.start_wsl()
    stored = desk.do("Get-NetFirewallHyperVVMSetting", Name=WSL)
    (words,) = stored.friendly()
    assert {str(words[name]) for name in ("Enabled", "DefaultInboundAction", "LoopbackEnabled")} == {
        "NotConfigured"
    }
    (row,) = desk.do("Get-NetFirewallHyperVVMSetting", Name=WSL, PolicyStore="ActiveStore").rows()
    held = [
        row[name] for name in ("Enabled", "DefaultInboundAction", "DefaultOutboundAction", "LoopbackEnabled")
    ]
    assert held == [1, 4, 2, 1]
    desk.do("Set-NetFirewallHyperVVMSetting", Name=WSL, LoopbackEnabled="False", Enabled="True")
    (row,) = desk.do("Get-NetFirewallHyperVVMSetting", Name=WSL).rows()
    assert (row["LoopbackEnabled"], row["Enabled"], row["DefaultInboundAction"]) == (0, 1, 0)
    assert not desk.policy().loopback


def test_an_active_setting_is_gone_after_a_boot_a_stored_one_is_not(desk: Desk) -> None:
    desk.start_wsl()
    desk.do(
        "Set-NetFirewallHyperVVMSetting", Name=WSL, DefaultInboundAction="Allow", PolicyStore="ActiveStore"
    )
    assert desk.policy().default_inbound == "Allow"
    desk.do("Set-NetFirewallHyperVVMSetting", Name=WSL, DefaultOutboundAction="Block")
    desk.native("wsl.exe", "--shutdown")
    desk.boot()
    assert (desk.policy().default_inbound, desk.policy().default_outbound) == ("Block", "Block")
    desk.do("Remove-NetFirewallHyperVVMSetting", Name=WSL)
    assert desk.policy().default_outbound == "Allow"


def test_creators_and_ports_come_with_wsl(desk: Desk) -> None:
    missing = desk.do("Get-NetFirewallHyperVVMCreator", VMCreatorId=WSL)
    assert missing.ids == ["CmdletizationQuery_NotFound_VMCreatorId,Get-NetFirewallHyperVVMCreator"]
    assert desk.do("Get-NetFirewallHyperVPort").rows() == []
    desk.start_wsl()
    assert desk.do("Get-NetFirewallHyperVVMCreator").rows()[0]["FriendlyName"] == "WSL"
    (port,) = desk.do("Get-NetFirewallHyperVPort").friendly()
    assert (port["NetworkType"], port["Profile"]) == ("FSE", "Private")
    desk.native("wsl.exe", "--shutdown")
    assert desk.do("Get-NetFirewallHyperVPort").rows() == []
    assert len(desk.do("Get-NetFirewallHyperVVMCreator").rows()) == 1


def test_a_disabled_profile_ends_enforcement(desk: Desk) -> None:
    desk.start_wsl()
    desk.do("Set-NetFirewallHyperVProfile", Name=WSL, Profile="Public", Enabled="False")
    assert desk.policy().enabled
    desk.do("Set-NetFirewallHyperVProfile", Name=WSL, Profile="Private", Enabled="False")
    assert not desk.policy().enabled
    rows = desk.do("Get-NetFirewallHyperVProfile", Name=WSL, PolicyStore="ActiveStore").rows()
    assert [(row["Profile"], row["Enabled"]) for row in rows] == [(1, 1), (2, 0), (4, 0)]


def test_profiles_can_be_made_before_wsl_ran_and_taken_back(desk: Desk) -> None:
    made = desk.do("New-NetFirewallHyperVProfile", Name=WSL, Profile="Private", DefaultInboundAction="Allow")
    assert made.rows()[0]["DefaultInboundAction"] == 2
    assert desk.policy().default_inbound == "Allow"
    again = desk.do("New-NetFirewallHyperVProfile", Name=WSL, Profile="Private", Enabled="True")
    assert again.ids == ["Windows System Error 183,New-NetFirewallHyperVProfile"]
    desk.start_wsl()
    desk.do("Remove-NetFirewallHyperVProfile", Name=WSL, Profile="Private")
    assert desk.policy().default_inbound == "Block"


def test_local_rules_can_be_switched_off_by_profile(desk: Desk) -> None:
    desk.start_wsl()
    desk.rule()
    desk.do("Set-NetFirewallHyperVProfile", Name=WSL, AllowLocalFirewallRules="False")
    assert desk.in_force() == []
    assert len(desk.policy().rules) == 4


def test_firewall_false_ends_enforcement_in_nat_only(desk: Desk) -> None:
    desk.start_wsl("[wsl2]\nfirewall=false\n")
    assert not desk.policy().enabled
    desk.native("wsl.exe", "--shutdown")
    desk.start_wsl("[wsl2]\nfirewall=false\nnetworkingMode=mirrored\n")
    assert desk.policy().enabled


# ---- the host's own firewall ---------------------------------------------------------------------------


def test_host_rules_and_their_filters(desk: Desk) -> None:
    desk.do(
        "New-NetFirewallRule",
        Name="web",
        DisplayName="Web",
        Direction="Inbound",
        Protocol="6",
        LocalPort=["8080"],
        RemoteAddress=["LocalSubnet"],
        Profile="Private",
    )
    (row,) = desk.do("Get-NetFirewallRule", Name="web").rows()
    assert (row["Enabled"], row["Profiles"]) == (1, 2)
    assert "LocalPort" not in row
    asked = Invocation("Get-NetFirewallRule", (Argument("Name", "web"),))
    (ports,) = desk.pipe(asked, Invocation("Get-NetFirewallPortFilter")).rows()
    assert (ports["Protocol"], ports["LocalPort"]) == ("TCP", ["8080"])
    (addresses,) = desk.pipe(asked, Invocation("Get-NetFirewallAddressFilter")).rows()
    assert addresses["RemoteAddress"] == ["LocalSubnet"]
    again = desk.do("New-NetFirewallRule", Name="web", DisplayName="x")
    assert again.ids == ["Windows System Error 183,New-NetFirewallRule"]


def test_plain_host_rules_are_merged_for_wsl(desk: Desk) -> None:
    desk.do("New-NetFirewallRule", Name="web", DisplayName="Web", Protocol="TCP", LocalPort=["8080"])
    desk.do("New-NetFirewallRule", Name="app", DisplayName="App", Program="C:\\app.exe")
    assert desk.in_force() == ["web"]
    shown = desk.do("Get-NetFirewallHyperVRule", PolicyStore="ActiveStore").friendly()
    assert [each["PolicyStoreSourceType"] for each in shown] == ["HostFirewallLocal"]
    desk.do("Disable-NetFirewallRule", Name="web")
    assert desk.in_force() == []
    desk.do("Enable-NetFirewallRule", Name="web")
    desk.do("New-NetFirewallHyperVVMSetting", Name=WSL, AllowHostPolicyMerge="False")
    assert desk.in_force() == []


def test_conditions_that_the_lab_cannot_keep_are_refused(desk: Desk) -> None:
    refused = desk.do("New-NetFirewallRule", DisplayName="x", RemoteUser="D:(A;;CC;;;WD)")
    assert refused.ids == ["MiClientApiError_NotSupported,New-NetFirewallRule"]
    assert desk.do("Get-NetFirewallRule", DisplayName="x").rows() == []


def test_host_profiles(desk: Desk) -> None:
    rows = desk.do("Get-NetFirewallProfile", PolicyStore="ActiveStore").friendly()
    assert [each["Enabled"] for each in rows] == ["True", "True", "True"]
    (private,) = desk.do("Get-NetFirewallProfile", Name="Private").rows()
    assert private["DefaultInboundAction"] == 0


# ---- Windows without it ----------------------------------------------------------------------------------


def test_windows_10_has_no_such_commands(tmp_path: Path) -> None:
    (tmp_path / "windows.json").write_text('{"build": 19045}')
    old = Desk(tmp_path)
    assert old.do("Get-NetFirewallHyperVRule").ids == ["CommandNotFoundException"]
    assert old.do("Get-NetIPInterface").rows() != []


def test_a_host_rule_stands_in_the_registry_as_one_text(desk: Desk) -> None:
    policy = "HKLM:\\SYSTEM\\CurrentControlSet\\Services\\SharedAccess\\Parameters\\FirewallPolicy"

    def texts() -> dict[str, str]:
        found = desk.do("Get-ItemProperty", LiteralPath=f"{policy}\\FirewallRules").outputs
        return {name: str(text) for one in found for name, text in one.notes.items()}  # type: ignore[attr-defined]

    made = {
        "Name": "for-wsl",
        "DisplayName": "for WSL",
        "Direction": "Inbound",
        "Action": "Allow",
        "Protocol": "TCP",
        "LocalPort": ["3000", "5000-5010"],
        "RemoteAddress": ["172.23.96.0/20", "LocalSubnet"],
        "Profile": "Public",
    }
    assert desk.do("New-NetFirewallRule", **made).ids == []
    assert texts()["for-wsl"].split("|")[1:-1] == [
        "Action=Allow",
        "Active=TRUE",
        "Dir=In",
        "Protocol=6",
        "Profile=Public",
        "LPort=3000",
        "LPort2_10=5000-5010",
        "RA4=LocalSubnet",
        "RA4=172.23.96.0/20",
        "Name=for WSL",
    ]
    assert desk.do("Disable-NetFirewallRule", Name="for-wsl").ids == []
    assert "Active=FALSE" in texts()["for-wsl"]
    assert desk.do("Remove-NetFirewallRule", Name="for-wsl").ids == []
    assert "for-wsl" not in texts()
