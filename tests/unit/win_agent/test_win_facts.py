"""Facts from rows as Windows sends them: three encodings of on and off, missing cmdlets, absent keys."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest

from wslnet_win_agent.bridge import WindowsObject
from wslnet_win_agent.errors import WindowsAgentError
from wslnet_win_agent.facts import NAMES, gather
from wslnet_win_agent.registry import FOR_ADMINISTRATORS

if TYPE_CHECKING:
    from wslnet_win_agent.host import Host

    from .conftest import FakeWindows, FakeWslExe

CIM = "Microsoft.Management.Infrastructure.CimInstance#"


def row(class_name: str, text: dict[str, object] | None = None, /, **raw: object) -> WindowsObject:
    return WindowsObject((f"{CIM}ROOT/StandardCimv2/{class_name}", f"{CIM}{class_name}"), raw, text or {})


def fact(host: Host, name: str) -> Any:
    return gather(host, [name])[name]


def test_os_from_the_registry(host: Host) -> None:
    assert fact(host, "os") == {
        "build": 22631,
        "revision": 4317,
        "edition": "Professional",
        "product": "Windows 10 Pro",
    }


def test_adapters_with_and_without_the_types_file(host: Host, windows: FakeWindows) -> None:
    raw = {
        "InterfaceIndex": 25,
        "Name": "以太网",
        "InterfaceDescription": "Realtek",
        "PermanentAddress": "1C8341CFA87C",
        "InterfaceOperationalStatus": 1,
        "Hidden": False,
        "Virtual": False,
        "InterfaceGuid": "{8D0F}",
    }
    shown = {"MacAddress": "1C-83-41-CF-A8-7C", "Status": "Disconnected"}
    windows.rows["netadapter"] = [row("MSFT_NetAdapter", **raw), row("MSFT_NetAdapter", shown, **raw)]
    bare, full = fact(host, "adapters")
    assert bare == {
        "index": 25,
        "name": "以太网",
        "description": "Realtek",
        "mac": "1c:83:41:cf:a8:7c",
        "status": "Up",
        "hidden": False,
        "virtual": False,
        "guid": "{8D0F}",
    }
    assert (full["mac"], full["status"]) == ("1c:83:41:cf:a8:7c", "Disconnected")


def test_addresses_lose_their_zone_and_families_are_numbers(host: Host, windows: FakeWindows) -> None:
    place = {"InterfaceIndex": 25, "InterfaceAlias": "x", "AddressFamily": 23}
    windows.rows["netipaddress"] = [
        row("MSFT_NetIPAddress", **place, IPAddress="fe80::1%25", PrefixLength=64)
    ]
    assert fact(host, "addresses") == [
        {"index": 25, "alias": "x", "family": 6, "address": "fe80::1", "prefix": 64}
    ]


def test_routes_and_profiles(host: Host, windows: FakeWindows) -> None:
    place = {"InterfaceIndex": 25, "InterfaceAlias": "x"}
    way = {"DestinationPrefix": "0.0.0.0/0", "NextHop": "172.24.21.254", "RouteMetric": 0}
    windows.rows["netroute"] = [row("MSFT_NetRoute", **place, **way, AddressFamily=2)]
    windows.rows["netconnectionprofile"] = [
        row("MSFT_NetConnectionProfile", **place, Name="网络", NetworkCategory=1)
    ]
    (route,) = fact(host, "routes")
    assert (route["dst"], route["via"], route["metric"]) == ("0.0.0.0/0", "172.24.21.254", 0)
    assert fact(host, "profiles") == [{"index": 25, "alias": "x", "name": "网络", "category": "Private"}]


def test_everything_that_every_windows_has_is_one_pipeline(host: Host, windows: FakeWindows) -> None:
    gather(host, ["os", "adapters", "interfaces", "addresses", "routes", "profiles", "portproxy", "registry"])
    assert len(windows.batches) == 1


def test_setting_and_rules_of_the_hyperv_firewall(host: Host, windows: FakeWindows) -> None:
    windows.rules["wslnet-x"] = {
        "DisplayName": "x",
        "Direction": "Inbound",
        "Action": "Block",
        "Enabled": "False",
        "Protocol": "TCP",
        "LocalPorts": ["80", "5000-5010"],
        "RemoteAddresses": ["Any"],
        "Profiles": "Any",
        "VMCreatorId": "{40E0AC32-46A5-438A-A0B2-2B479E8F2E90}",
    }
    found = fact(host, "hyperv_firewall")
    assert found["setting"] == {
        "enabled": "True",
        "default_inbound": "Block",
        "default_outbound": None,
        "loopback": "True",
        "host_policy_merge": None,
    }
    (rule,) = found["rules"]
    # Enabled 2 is "off" for a rule, though 2 is true in Python.
    assert (rule["name"], rule["enabled"], rule["action"]) == ("wslnet-x", False, "Block")
    assert (rule["local_ports"], rule["profiles"]) == (["80", "5000-5010"], ["Any"])


@pytest.mark.row("S3-12")
def test_what_is_in_force_is_read_from_the_active_store(host: Host, windows: FakeWindows) -> None:
    fact(host, "hyperv_firewall")
    stores = {
        (one.cmdlet, dict(one.parameters).get("PolicyStore"))
        for batch in windows.batches
        for one in batch.statements
    }
    assert ("Get-NetFirewallHyperVVMSetting", "ActiveStore") in stores
    assert ("Get-NetFirewallHyperVRule", "ActiveStore") in stores


def test_windows_without_a_hyperv_firewall(host: Host, windows: FakeWindows) -> None:
    windows.absent = {"Get-NetFirewallHyperVVMCreator"}
    assert fact(host, "hyperv_firewall") == {
        "supported": False,
        "creator_registered": False,
        "setting": None,
        "stored_setting": None,
        "rules": [],
        "profiles": [],
    }


def test_creator_that_is_not_registered_yet(host: Host, windows: FakeWindows) -> None:
    windows.creator = False
    found = fact(host, "hyperv_firewall")
    assert (found["supported"], found["creator_registered"]) == (True, False)


def test_one_read_that_fails_does_not_hide_the_others(host: Host, windows: FakeWindows) -> None:
    windows.absent = {"Get-NetConnectionProfile"}
    windows.denied = {"Get-NetRoute"}
    found: Any = gather(host, ["os", "profiles", "routes"])
    assert (found["os"]["build"], found["profiles"], found["routes"]) == (22631, None, None)
    assert {name: one["code"] for name, one in found["errors"].items()} == {
        "profiles": "tool-missing",
        "routes": "not-permitted",
    }


def test_no_rights_to_read_anything_is_a_failure(host: Host, windows: FakeWindows) -> None:
    windows.denied = {"Get-NetRoute", "Get-NetFirewallHyperVRule"}
    for name in ("routes", "hyperv_firewall"):
        with pytest.raises(WindowsAgentError) as denied:
            fact(host, name)
        assert denied.value.code == "not-permitted"


def test_listeners_with_the_names_of_their_owners(host: Host, windows: FakeWindows) -> None:
    windows.rows["nettcpconnection"] = [
        row("MSFT_NetTCPConnection", LocalAddress="0.0.0.0", LocalPort=8080, State=2, OwningProcess=4120),
        row("MSFT_NetTCPConnection", LocalAddress="10.0.0.1", LocalPort=50000, State=5, OwningProcess=4120),
    ]
    windows.rows["netudpendpoint"] = [
        row("MSFT_NetUDPEndpoint", LocalAddress="::", LocalPort=53, OwningProcess=0)
    ]
    windows.rows["process"] = [
        WindowsObject(("System.Diagnostics.Process",), {"Id": 4120, "ProcessName": "nginx"})
    ]
    assert fact(host, "listeners") == [
        {"proto": "tcp", "address": "0.0.0.0", "port": 8080, "pid": 4120, "process": "nginx"},
        {"proto": "udp", "address": "::", "port": 53, "pid": 0, "process": None},
    ]


def test_portproxy_and_registry(host: Host, windows: FakeWindows) -> None:
    windows.registry[r"HKLM:\SYSTEM\CurrentControlSet\Services\PortProxy\v4tov4\tcp"] = {
        "0.0.0.0/2222": "172.23.102.37/22",
        "*/80": "localhost/8080",
        "odd": "value",
    }
    windows.registry[r"HKLM:\SYSTEM\CurrentControlSet\Services\Tcpip6\Parameters"] = {
        "DisabledComponents": 255
    }
    windows.registry[r"HKLM:\SOFTWARE\Policies\WSL"] = {"AllowNetworkingModeUserSetting": 0}
    first, second = fact(host, "portproxy")
    assert (first["listen_address"], first["listen_port"], first["connect_port"]) == ("0.0.0.0", 2222, 22)
    assert (second["family"], second["connect_address"]) == ("v4tov4", "localhost")
    assert fact(host, "registry") == {
        "ipv6_disabled_components": 255,
        "hyperv_firewall_disabled": None,
        "policies": {"AllowNetworkingModeUserSetting": 0},
    }


def test_wslconfig_with_its_bytes(host: Host, windows: FakeWindows) -> None:
    found = fact(host, "wslconfig")
    assert base64.b64decode(found["content"]) == b"[wsl2]\r\nnetworkingMode=nat\r\n"
    assert (found["exists"], found["error"], found["target"]) == (True, None, found["path"])
    windows.files.clear()
    assert fact(host, "wslconfig") == {
        "path": "C:\\Users\\17895\\.wslconfig",
        "target": "C:\\Users\\17895\\.wslconfig",
        "exists": False,
        "content": None,
        "error": None,
    }


def test_wslconfig_that_is_locked_or_a_link(host: Host, windows: FakeWindows) -> None:
    windows.locked = {"C:\\Users\\17895\\.wslconfig"}
    found = fact(host, "wslconfig")
    assert (found["exists"], found["content"], found["error"]) == (True, None, "locked")
    windows.files = {"D:\\dot\\wslconfig": b"# x"}
    windows.links = {"C:\\Users\\17895\\.wslconfig": "D:\\dot\\wslconfig"}
    found = fact(host, "wslconfig")
    assert (found["target"], found["exists"]) == ("D:\\dot\\wslconfig", True)


@pytest.mark.parametrize("pieces", [[b"ab", b"c"], [97, 98, 99], [[97, 98], [99]]])
def test_bytes_come_whole_or_in_pieces(host: Host, windows: FakeWindows, pieces: list[Any]) -> None:
    def content(_given: Any, outputs: list[WindowsObject], _errors: Any) -> None:
        outputs.extend(WindowsObject(value=piece) for piece in pieces)

    windows._get_content = content  # type: ignore[method-assign]
    assert base64.b64decode(fact(host, "wslconfig")["content"]) == b"abc"


def test_bytes_that_did_not_all_arrive_are_not_the_file(host: Host, windows: FakeWindows) -> None:
    windows.lengths = {"C:\\Users\\17895\\.wslconfig": 29}
    with pytest.raises(WindowsAgentError, match="29 bytes and 28 arrived"):
        fact(host, "wslconfig")
    windows.lengths = {"C:\\Users\\17895\\.wslconfig": 28}
    assert fact(host, "wslconfig")["exists"] is True


def test_stopped_wsl_is_not_started_by_looking(host: Host, wsl_exe: FakeWslExe) -> None:
    wsl_exe.states = {"Ubuntu-22.04": "Stopped"}
    found = fact(host, "wsl")
    assert (found["version"], found["kernel_version"]) == ("2.6.3.0", "6.6.87.2-1")
    assert (found["running"], found["mode"], found["address"]) == (False, None, None)
    assert found["distros"] == [{"name": "Ubuntu-22.04", "state": "Stopped", "version": 2, "default": True}]
    assert wsl_exe.seen == [("--version",), ("-l", "-v")]


def test_running_wsl_is_asked_through_a_distro_that_is_not_dockers(host: Host, wsl_exe: FakeWslExe) -> None:
    assert fact(host, "wsl")["mode"] is None
    wsl_exe.states["Ubuntu-22.04"] = "Running"
    found = fact(host, "wsl")
    assert (found["running"], found["mode"], found["address"]) == (True, "nat", "172.23.102.37")
    wsl_exe.mode = "mirrored"
    assert fact(host, "wsl")["address"] == "127.0.0.1"
    wsl_exe.mode = "none"
    assert fact(host, "wsl")["address"] is None


def test_remembered_nat_address_must_be_in_the_guest(
    host: Host, windows: FakeWindows, wsl_exe: FakeWslExe
) -> None:
    wsl_exe.states["Ubuntu-22.04"] = "Running"
    wsl_exe.addresses = "172.30.0.9 192.168.122.1"
    assert fact(host, "wsl")["address"] == "172.30.0.9"
    windows.registry.clear()
    assert fact(host, "wsl")["installed"] is False


def test_wsl_that_cannot_be_asked_leaves_a_reason(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise WindowsAgentError("not-permitted", "win: owner may not open a remote shell")

    monkeypatch.setattr(host.native, "run", refuse)
    found = fact(host, "wsl")
    assert (found["installed"], found["running"]) == (True, False)
    assert "remote shell" in found["error"]


def test_unknown_fact_is_refused_and_all_known_ones_are_given(host: Host, windows: FakeWindows) -> None:
    with pytest.raises(WindowsAgentError, match="nonsense"):
        gather(host, ["os", "nonsense"])
    assert windows.batches == []
    assert set(gather(host, NAMES)) == NAMES


def test_rights_show_in_whether_localservices_hive_opens(host: Host, windows: FakeWindows) -> None:
    assert fact(host, "elevated") is None  # Windows does not say
    windows.registry[FOR_ADMINISTRATORS] = {"TEMP": "%USERPROFILE%"}
    assert fact(host, "elevated") is True
    windows.denied = {"Get-ItemProperty"}
    assert fact(host, "elevated") is False
