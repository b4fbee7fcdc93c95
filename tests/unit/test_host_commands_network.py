"""Network commands of the lab's Windows, bound and run by the engine over hardware on paper."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from wslnet_lab.host.contract import Identity, PlainObject
from wslnet_lab.host.hardware import HardwareError, LinkAddress, Listener, Route
from wslnet_lab.host.local_session import LocalSession, Screen
from wslnet_lab.host.paper_hardware import PaperHardware
from wslnet_lab.host.state.registry import value_of
from wslnet_lab.host.state.settings import OWNER_SID

if TYPE_CHECKING:
    from pathlib import Path

LAN, NAT, FSE = 25, 41, 42


class Desk(LocalSession):
    """A Windows on paper; keyword arguments are parameters."""

    def __init__(self, folder: Path, **settings: object) -> None:
        (folder / "windows.json").write_text(json.dumps(settings), "utf-8")
        super().__init__(folder)

    def start_wsl(self, mode: str = "nat") -> None:
        self.write_wslconfig(f"[wsl2]\nnetworkingMode={mode}\n")
        assert self.native("wsl.exe", "-e", "true").exit_code == 0

    def do(self, command: str, **parameters: object) -> Screen:
        return self.run(command, parameters)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def by_alias(screen: Screen, alias: str) -> list[dict[str, object]]:
    return [row for row in screen.rows() if row["InterfaceAlias"] == alias]


def rule_count(desk: Desk) -> int:
    assert desk.hardware.policy is not None
    return len(desk.hardware.policy.rules)


# ---- interfaces ----------------------------------------------------------------------------------------


def test_two_rows_per_alias(desk: Desk) -> None:
    rows = by_alias(desk.do("Get-NetIPInterface"), "以太网")
    assert [row["AddressFamily"] for row in rows] == [2, 23]
    assert {row["InterfaceIndex"] for row in rows} == {LAN}
    assert (rows[0]["NlMtu"], rows[0]["InterfaceMetric"], rows[0]["ConnectionState"]) == (1500, 25, 1)
    assert by_alias(desk.do("Get-NetIPInterface"), "WLAN")[0]["ConnectionState"] == 0
    assert by_alias(desk.do("Get-NetIPInterface"), "Loopback Pseudo-Interface 1")[0]["NlMtu"] == 2**32 - 1


def test_forwarding_reaches_the_hardware_and_is_read_from_it(desk: Desk) -> None:
    done = desk.do(
        "Set-NetIPInterface",
        InterfaceIndex=LAN,
        AddressFamily="IPv4",
        Forwarding="Enabled",
        ErrorAction="Stop",
    )
    assert (done.end.state, done.outputs) == ("Completed", [])
    assert desk.hardware.cards[LAN].forwarding == {4: True, 6: False}
    rows = by_alias(desk.do("Get-NetIPInterface"), "以太网")
    assert [row["Forwarding"] for row in rows] == [1, 0]
    desk.hardware.set_forwarding(LAN, 4, enabled=False)
    shown = desk.do("Get-NetIPInterface", InterfaceIndex=LAN, AddressFamily="IPv4")
    assert shown.rows()[0]["Forwarding"] == 0
    assert shown.friendly()[0]["Forwarding"] == "Disabled"


def test_a_setting_without_store_survives_a_boot_an_active_one_does_not(desk: Desk) -> None:
    stores: dict[str, dict[str, object]] = {"IPv4": {}, "IPv6": {"PolicyStore": "ActiveStore"}}
    for name, store in stores.items():
        desk.do("Set-NetIPInterface", InterfaceIndex=LAN, AddressFamily=name, Forwarding="Enabled", **store)
    kept = desk.do("Get-NetIPInterface", InterfaceIndex=LAN, PolicyStore="PersistentStore")
    assert [row["Forwarding"] for row in kept.rows()] == [1, 0]
    for family in (4, 6):
        desk.hardware.set_forwarding(LAN, family, enabled=False)
    desk.boot()
    assert desk.hardware.cards[LAN].forwarding == {4: True, 6: False}


def test_forwarding_on_the_nat_adapter_is_lost_at_boot(desk: Desk) -> None:
    desk.start_wsl()
    desk.do("Set-NetIPInterface", InterfaceIndex=NAT, AddressFamily="IPv4", Forwarding="Enabled")
    assert desk.hardware.cards[NAT].forwarding[4]
    desk.hardware.set_forwarding(NAT, 4, enabled=False)
    desk.boot()
    assert not desk.hardware.cards[NAT].forwarding[4]


def test_the_mirrored_host_adapter_takes_no_ip_settings(desk: Desk) -> None:
    desk.start_wsl("mirrored")
    aliases = {row["InterfaceAlias"] for row in desk.do("Get-NetIPInterface").rows()}
    assert "vEthernet (FSE HostVnic)" in aliases
    done = desk.do("Set-NetIPInterface", InterfaceIndex=FSE, AddressFamily="IPv4", Forwarding="Enabled")
    assert done.ids == ["Windows System Error 87,Set-NetIPInterface"]
    assert not desk.hardware.cards[FSE].forwarding[4]


def test_without_a_selector_every_interface_is_set(desk: Desk) -> None:
    desk.do("Set-NetIPInterface", Forwarding="Enabled")
    assert all(all(card.forwarding.values()) for card in desk.hardware.cards.values())


def test_ipv6_rows_go_with_the_registry_value(desk: Desk) -> None:
    path = r"HKLM:\SYSTEM\CurrentControlSet\Services\Tcpip6\Parameters"
    desk.windows.state.registry.set(path, "DisabledComponents", value_of(0xFF), OWNER_SID)
    assert {row["AddressFamily"] for row in desk.do("Get-NetIPInterface").rows()} == {2}


# ---- who may write ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "parameters"),
    [
        ("Set-NetIPInterface", {"InterfaceIndex": LAN, "AddressFamily": "IPv4", "Forwarding": "Enabled"}),
        ("New-NetRoute", {"DestinationPrefix": "10.9.0.0/16", "InterfaceIndex": LAN}),
        ("Remove-NetRoute", {"DestinationPrefix": "0.0.0.0/0", "Confirm": False}),
        ("Set-NetConnectionProfile", {"InterfaceIndex": LAN, "NetworkCategory": "Public"}),
        ("New-NetFirewallHyperVRule", {"DisplayName": "x"}),
        ("New-NetFirewallRule", {"DisplayName": "x"}),
        ("New-NetIPAddress", {"IPAddress": "10.9.0.1", "InterfaceIndex": LAN}),
    ],
)
def test_writes_need_an_administrator(desk: Desk, command: str, parameters: dict[str, object]) -> None:
    user = Identity("owner", OWNER_SID, admin=False)
    before = (dict(desk.hardware.cards), list(desk.hardware.table), desk.hardware.policy)
    refused = desk.run(command, parameters, identity=user)
    assert refused.ids == [f"Windows System Error 5,{command}"]
    stopped = desk.run(command, {**parameters, "ErrorAction": "Stop"}, identity=user)
    assert (stopped.end.state, stopped.ids) == ("Failed", refused.ids)
    assert (desk.hardware.cards, desk.hardware.table, desk.hardware.policy) == before


# ---- addresses and routes ----------------------------------------------------------------------------------


def test_addresses(desk: Desk) -> None:
    (row,) = desk.do("Get-NetIPAddress", IPAddress="172.24.21.109").rows()
    assert (row["InterfaceIndex"], row["PrefixLength"], row["AddressState"]) == (LAN, 24, 4)
    assert row["ValidLifetime"] > timedelta(days=10_000_000)  # type: ignore[operator]
    added = desk.do("New-NetIPAddress", IPAddress="10.9.0.1", PrefixLength=24, InterfaceAlias="以太网")
    assert [r["IPAddress"] for r in added.rows()] == ["10.9.0.1"]
    assert LinkAddress(4, "10.9.0.1", 24) in desk.hardware.cards[LAN].addresses
    again = desk.do("New-NetIPAddress", IPAddress="10.9.0.1", PrefixLength=24, InterfaceAlias="以太网")
    assert again.ids == ["Windows System Error 5010,New-NetIPAddress"]
    assert desk.do("Remove-NetIPAddress", IPAddress="10.9.0.1", Confirm=False).ids == []
    missing = desk.do("Get-NetIPAddress", IPAddress="10.9.0.1")
    assert missing.ids == ["CmdletizationQuery_NotFound_IPAddress,Get-NetIPAddress"]


def test_link_local_addresses_carry_the_index(desk: Desk) -> None:
    desk.hardware.address_add(LAN, 6, "fe80::ef34:dd3d:aaaa:75f", 64)
    shown = desk.do("Get-NetIPAddress", InterfaceIndex=LAN, AddressFamily="IPv6").rows()
    assert [row["IPAddress"] for row in shown] == ["fe80::ef34:dd3d:aaaa:75f%25"]


def test_routes_split_the_metric(desk: Desk) -> None:
    (default,) = desk.do("Get-NetRoute", DestinationPrefix="0.0.0.0/0").rows()
    assert (default["NextHop"], default["RouteMetric"], default["InterfaceMetric"]) == (
        "172.24.21.254",
        0,
        25,
    )
    (subnet,) = desk.do("Get-NetRoute", DestinationPrefix="172.24.21.0/24").rows()
    assert (subnet["NextHop"], subnet["RouteMetric"], subnet["Protocol"]) == ("0.0.0.0", 256, 2)


def test_a_new_route_comes_back_after_a_boot_unless_it_is_active_only(desk: Desk) -> None:
    active = {"PolicyStore": "ActiveStore"}
    stores: dict[str, dict[str, str]] = {"10.8.0.0/16": {}, "10.9.0.0/16": active}
    for prefix, store in stores.items():
        made = desk.do(
            "New-NetRoute", DestinationPrefix=prefix, InterfaceIndex=LAN, NextHop="172.24.21.1", **store
        )
        assert made.rows()[0]["RouteMetric"] == 256
    desk.hardware.table = [r for r in desk.hardware.table if not r.dst.startswith("10.")]
    desk.boot()
    assert [r.dst for r in desk.hardware.table if r.via == "172.24.21.1"] == ["10.8.0.0/16"]
    again = desk.do(
        "New-NetRoute", DestinationPrefix="10.8.0.0/16", InterfaceIndex=LAN, NextHop="172.24.21.1"
    )
    assert again.ids == ["Windows System Error 87,New-NetRoute"]
    desk.do("Remove-NetRoute", DestinationPrefix="10.8.0.0/16", Confirm=False)
    desk.boot()
    assert not [r for r in desk.hardware.table if r.dst == "10.8.0.0/16"]


def test_persistent_store_alone_is_refused_for_new_routes(desk: Desk) -> None:
    refused = desk.do(
        "New-NetRoute", DestinationPrefix="10.8.0.0/16", InterfaceIndex=LAN, PolicyStore="PersistentStore"
    )
    assert refused.ids == ["Windows System Error 87,New-NetRoute"]


def test_remove_netroute_without_a_selector_removes_all(desk: Desk) -> None:
    asked = desk.do("Remove-NetRoute")
    assert (asked.end.state, asked.ids) == ("Failed", ["HostException"])
    assert desk.hardware.table
    assert desk.do("Remove-NetRoute", Confirm=False).end.state == "Completed"
    assert desk.hardware.table == []


class DeafHardware(PaperHardware):
    """Refuses some calls once `deaf` is set."""

    deaf = False

    def routes(self) -> tuple[Route, ...]:
        if self.deaf:
            raise HardwareError("unreachable", "nobody there")
        return super().routes()

    def listeners(self) -> tuple[Listener, ...]:
        raise HardwareError("failed", "no ss")


def test_a_failing_lab_says_so_and_never_pretends(tmp_path: Path) -> None:
    hardware = DeafHardware()
    session = LocalSession(tmp_path, hardware)
    hardware.deaf = True
    rows = session.run("Get-NetRoute")
    assert (rows.outputs, rows.ids) == ([], ["MiClientApiError_Failed,Get-NetRoute"])
    written = session.run("New-NetFirewallHyperVRule", {"DisplayName": "x", "ErrorAction": "Stop"})
    assert (written.end.state, written.ids) == (
        "Failed",
        ["MiClientApiError_Failed,New-NetFirewallHyperVRule"],
    )
    processes = session.run("Get-Process", {"Id": [1]})
    assert processes.ids == ["LabHardware,Microsoft.PowerShell.Commands.GetProcessCommand"]
    started = session.native("wsl.exe", "-e", "true")
    assert (started.exit_code, b"nobody there" in started.stdout) == (4294967295, True)


# ---- adapters, profiles, sockets ---------------------------------------------------------------------------


def test_hidden_adapters_need_the_switch(desk: Desk) -> None:
    desk.start_wsl()
    alias = "vEthernet (WSL (Hyper-V firewall))"
    assert alias not in [row["Name"] for row in desk.do("Get-NetAdapter").rows()]
    found = desk.do("Get-NetAdapter", IncludeHidden=True)
    assert alias in [row["Name"] for row in found.rows()]
    shown = {str(row["Name"]): each for row, each in zip(found.rows(), found.friendly(), strict=True)}
    assert (shown["以太网"]["Status"], shown["WLAN"]["Status"]) == ("Up", "Disconnected")
    assert shown["以太网"]["MacAddress"] == "1C-83-41-CF-A8-7C"


def test_dead_adapters_of_the_settings(tmp_path: Path) -> None:
    row = {"name": "本地连接* 9", "index": 3, "guid": "{B}", "description": "Wi-Fi Direct", "mac": ""}
    desk = Desk(tmp_path, dead_adapters=[row])
    assert [
        r["InterfaceIndex"] for r in desk.do("Get-NetAdapter", InterfaceDescription="Wi-Fi Direct").rows()
    ] == [3]
    assert len(by_alias(desk.do("Get-NetIPInterface"), "本地连接* 9")) == 2
    assert desk.do("Set-NetIPInterface", InterfaceIndex=3, Forwarding="Enabled").ids == []


def test_a_category_moves_the_hyperv_firewall(desk: Desk) -> None:
    desk.do(
        "New-NetFirewallHyperVRule", DisplayName="x", Protocol="TCP", LocalPorts=["80"], Profiles="Private"
    )
    assert rule_count(desk) == 1
    desk.do("Set-NetConnectionProfile", InterfaceIndex=LAN, NetworkCategory="Public")
    assert rule_count(desk) == 0
    (row,) = desk.do("Get-NetConnectionProfile", InterfaceIndex=LAN).rows()
    assert row["NetworkCategory"] == 0
    desk.boot()
    assert (
        desk.do("Get-NetConnectionProfile", InterfaceIndex=LAN).friendly()[0]["NetworkCategory"] == "Public"
    )


def test_sockets_and_their_processes(desk: Desk) -> None:
    desk.hardware.sockets = [
        Listener("tcp", 4, "0.0.0.0", 5985, 4, "System"),
        Listener("tcp", 6, "::", 8080, 1234, "node.exe"),
        Listener("udp", 4, "0.0.0.0", 5353, 1300, "svchost.exe"),
    ]
    rows = desk.do("Get-NetTCPConnection", State="Listen").rows()
    assert [(row["LocalAddress"], row["LocalPort"], row["OwningProcess"]) for row in rows] == [
        ("0.0.0.0", 5985, 4),
        ("::", 8080, 1234),
    ]
    assert [row["OwningProcess"] for row in desk.do("Get-NetUDPEndpoint").rows()] == [1300]
    found = desk.do("Get-Process", Id=[1234, 99])
    assert found.ids == ["NoProcessFoundForGivenId,Microsoft.PowerShell.Commands.GetProcessCommand"]
    (process,) = found.outputs
    assert isinstance(process, PlainObject)
    assert process.properties["ProcessName"] == "node"


def test_dns_servers_and_no_netnat(tmp_path: Path) -> None:
    desk = Desk(tmp_path, dns_servers={"以太网": ["223.5.5.5", "fd00::1"]})
    desk.start_wsl()
    rows = desk.do("Get-DnsClientServerAddress", InterfaceAlias="以太网").rows()
    assert [(row["AddressFamily"], row["ServerAddresses"]) for row in rows] == [
        (2, ["223.5.5.5"]),
        (23, ["fd00::1"]),
    ]
    nat = desk.do("Get-NetNat")
    assert (nat.outputs, nat.ids) == ([], [])


# ---- Test-NetConnection ------------------------------------------------------------------------------------


def results(screen: Screen, *names: str) -> list[object]:
    (result,) = screen.outputs
    assert isinstance(result, PlainObject)
    return [result.properties[name] for name in names]


def test_connection_to_a_port(desk: Desk) -> None:
    desk.hardware.reachable = {("tcp", "172.24.21.50", 22), ("icmp", "172.24.21.51", 0)}
    good = desk.do("Test-NetConnection", ComputerName="172.24.21.50", Port=22)
    assert results(good, "TcpTestSucceeded", "PingSucceeded", "InterfaceAlias") == [True, False, "以太网"]
    assert good.warnings == []
    bad = desk.do("Test-NetConnection", ComputerName="172.24.21.51", Port=22)
    assert results(bad, "TcpTestSucceeded", "PingSucceeded", "RemoteAddress") == [False, True, "172.24.21.51"]
    assert len(bad.warnings) == 1
    quiet = desk.do("Test-NetConnection", ComputerName="172.24.21.51", InformationLevel="Quiet")
    assert quiet.outputs == [True]


def test_names_do_not_resolve(desk: Desk) -> None:
    lost = desk.do("Test-NetConnection", ComputerName="example.org", Port=80)
    assert results(lost, "NameResolutionSucceeded", "TcpTestSucceeded") == [False, False]
