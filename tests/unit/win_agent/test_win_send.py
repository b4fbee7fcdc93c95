"""The one place that sends: what it lets through, and every way around it that we could think of."""

from __future__ import annotations

from collections import UserString
from datetime import timedelta
from enum import IntEnum, StrEnum
from types import MappingProxyType
from typing import Any

import pytest

from wslnet_win_agent.bridge import Bridge, Reply
from wslnet_win_agent.call import Call
from wslnet_win_agent.calls import firewall, network
from wslnet_win_agent.catalogue import cmdlet
from wslnet_win_agent.crossing import Wide, crossed
from wslnet_win_agent.errors import CallRefused
from wslnet_win_agent.send import SELECTORS, Batch, is_write

WSL = firewall.WSL_CREATOR


class Wiretap(Bridge):
    """Notes what a bridge is given to carry."""

    def __init__(self) -> None:
        self.delivered: list[Batch] = []

    def deliver(self, batch: Batch, *, deadline_s: float) -> Reply:
        assert deadline_s > 0
        self.delivered.append(batch)
        return Reply()

    def close(self) -> None:
        """Nothing is open."""


def send(*calls: Any) -> dict[str, object]:
    tap = Wiretap()
    tap.run(calls, deadline_s=1)
    return dict(tap.delivered[0].statements[0].parameters)


def refused(*calls: Any) -> str:
    tap = Wiretap()
    with pytest.raises(CallRefused) as error:
        tap.run(calls, deadline_s=1)
    assert tap.delivered == []
    return error.value.message


def test_a_write_gets_stop_and_confirm_and_a_read_gets_neither() -> None:
    assert send(firewall.remove_rule("wslnet-x")) == {
        "Name": ["wslnet-x"],
        "ErrorAction": "Stop",
        "Confirm": False,
    }
    assert send(network.interfaces()) == {"PolicyStore": "ActiveStore"}


@pytest.mark.parametrize(
    "value", [[], "", None, "  ", [""], [None], "wslnet-*", "wslnet-?", "rule [1]", "a`b", ["a", "b*"]]
)
def test_a_selector_that_is_empty_or_a_pattern_is_refused(value: object) -> None:
    with pytest.raises(CallRefused):
        send(Call("Remove-NetFirewallHyperVRule", {"Name": value}))


@pytest.mark.parametrize(
    ("cmdlet", "parameters"),
    [
        ("Remove-NetFirewallHyperVRule", {}),
        ("Remove-NetFirewallHyperVRule", {"All": True}),
        ("Remove-NetFirewallHyperVRule", {"Direction": ["Inbound"]}),
        ("Remove-NetFirewallHyperVRule", {"DisplayName": ["x"]}),
        ("Set-NetIPInterface", {"Forwarding": "Enabled"}),
        ("Set-NetIPInterface", {"InterfaceIndex": [3], "Forwarding": "Enabled"}),
        ("Set-NetIPInterface", {"InterfaceAlias": ["x"], "AddressFamily": ["IPv4"], "Forwarding": "Enabled"}),
        ("Remove-NetRoute", {}),
        ("Remove-NetRoute", {"DestinationPrefix": ["0.0.0.0/0"]}),
        ("Remove-NetIPAddress", {"IPAddress": ["10.0.0.1"]}),
        ("Unregister-ScheduledTask", {"TaskName": ["x"]}),
        ("Disable-NetFirewallHyperVRule", {"Name": ["x"]}),
        ("Stop-Process", {"Id": [4]}),
        ("Invoke-CimMethod", {"ClassName": "Win32_Process", "MethodName": "Create"}),
        ("Register-ScheduledTask", {"TaskName": "x", "Xml": "<x/>"}),
        ("Remove-Item", {"LiteralPath": ["C:\\x"], "Recurse": True}),
        ("Remove-Item", {"Path": ["C:\\x"]}),
    ],
)  # fmt: skip
def test_writes_without_their_own_key_or_not_of_ours_are_refused(
    cmdlet: str, parameters: dict[str, Any]
) -> None:
    with pytest.raises(CallRefused):
        send(Call(cmdlet, parameters))


@pytest.mark.parametrize(
    "more",
    [
        {"AsJob": True},
        {"WhatIf": True},
        {"Confirm": True},
        {"Confirm": False},
        {"ErrorAction": "SilentlyContinue"},
        {"ErrorAction": "Stop"},
        {"CimSession": ["other"]},
        {"ThrottleLimit": 1},
        {"OutVariable": "x"},
        {"InputObject": "x"},
    ],
)
def test_common_parameters_of_the_caller_are_refused(more: dict[str, Any]) -> None:
    with pytest.raises(CallRefused):
        send(Call("Remove-NetFirewallHyperVRule", {"Name": ["x"], **more}))


@pytest.mark.parametrize(
    "name",
    [
        "remove-netfirewallhypervrule", "Remove-NetFirewallHyperVRule ", "ri", "rm", "sc", "iex",
        "Invoke-Expression",
        "NetSecurity\\Remove-NetFirewallHyperVRule", "Remove-NetFirewallHyperVRul", "", "Get-Thing", "& calc",
        "Remove\u2013NetFirewallHyperVRule", "R\u0435move-NetFirewallHyperVRule",
        "Get-Date; Remove-Item C:\\x",
    ],
)  # fmt: skip
def test_other_spellings_of_a_cmdlet_are_no_cmdlet(name: str) -> None:
    with pytest.raises(CallRefused, match="not the full name"):
        Call(name, {"Name": ["x"]})


@pytest.mark.parametrize("name", ["name", "Nam", "ID", "Name ", "-Name", "Name:", "", "N\u0430me"])
def test_abbreviations_aliases_and_other_cases_of_parameters_are_refused(name: str) -> None:
    with pytest.raises(CallRefused, match="full names only"):
        Call("Remove-NetFirewallHyperVRule", {name: ["x"]})


def test_singular_names_that_would_bind_as_abbreviations_are_refused() -> None:
    for name in ("LocalPort", "Profile", "RemoteAddress"):
        with pytest.raises(CallRefused, match="full names only"):
            Call("New-NetFirewallHyperVRule", {"DisplayName": "x", name: "y"})


def test_one_write_alone_or_reads_together() -> None:
    write, read = firewall.remove_rule("x"), network.interfaces()
    assert "alone" in refused(write, write)
    assert "alone" in refused(read, write)
    assert "nothing" in refused()
    assert len(Batch([read, network.routes()]).statements) == 2
    with pytest.raises(CallRefused, match="side by side"):
        Wiretap().run_each([read, write], deadline_s=1)


class LyingText(str):
    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return hash("Name")

    def strip(self, *_: Any) -> str:
        return "something"


class LyingList(list[Any]):
    def __iter__(self) -> Any:
        return iter(["wslnet-x"])


class Sort(StrEnum):
    IN = "Inbound"


class Number(IntEnum):
    ONE = 1


@pytest.mark.parametrize(
    "value",
    [
        LyingText(""), LyingList([]), Sort.IN, Number.ONE, UserString("x"), ("x",), {"x"}, frozenset({"x"}),
        {"x": 1}, 1.5, float("nan"), float("inf"), None, object(), bytearray(b"x"), [["x"]], [("x",)], [None],
        lambda: "x", iter(["x"]), 2**64, -(2**63) - 1, "a\ufffe", "a\uffff", "a\ud800", "a\0b",
    ],
)  # fmt: skip
def test_values_that_cannot_cross_or_could_change_are_refused(value: object) -> None:
    with pytest.raises(CallRefused):
        crossed(value)
    with pytest.raises(CallRefused):
        send(Call("Remove-NetFirewallHyperVRule", {"Name": value}))


def test_what_crosses_arrives_as_it_left() -> None:
    assert crossed(value=True) is True
    assert crossed(2**31 - 1) == 2**31 - 1
    assert crossed(2**31) == Wide("I64", 2**31)
    assert crossed(2**63) == Wide("U64", 2**63)
    assert crossed("以太网 😀") == "以太网 😀"
    assert crossed(b"\xff\x00") == b"\xff\x00"


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (timedelta(seconds=10), "0.00:00:10.0000000"),
        (timedelta(seconds=90), "0.00:01:30.0000000"),
        (timedelta(days=2, hours=3, microseconds=5), "2.03:00:00.0000050"),
        (-timedelta(minutes=1), "-0.00:01:00.0000000"),
    ],
)
def test_time_spans_travel_as_text(span: timedelta, text: str) -> None:
    assert crossed(span) == text


def test_what_is_checked_is_what_is_sent() -> None:
    names = ["wslnet-x"]
    call = Call("Remove-NetFirewallHyperVRule", {"Name": names})
    names.clear()
    assert send(call)["Name"] == ["wslnet-x"]
    held = call.parameters["Name"]
    assert isinstance(held, list)
    held.clear()
    assert "empty" in refused(call)


def test_a_call_forged_past_its_own_check_is_refused() -> None:
    forged = object.__new__(Call)
    object.__setattr__(forged, "cmdlet", "Remove-NetRoute")
    object.__setattr__(forged, "parameters", MappingProxyType({}))
    assert "not a write" in refused(forged)
    object.__setattr__(forged, "cmdlet", "Remove-NetFirewallHyperVRule")
    refused(forged)
    object.__setattr__(forged, "cmdlet", LyingText("Get-NetRoute"))
    refused(forged)


def test_look_alikes_of_a_call_are_refused() -> None:
    class Sneaky(Call):
        pass

    refused(Sneaky("Get-NetRoute"))
    refused("Get-NetRoute")
    refused({"cmdlet": "Get-NetRoute"})


def test_a_mapping_that_answers_twice_differently_does_not_pass() -> None:
    class TwoFaced(dict[str, Any]):
        reads = 0

        def items(self) -> Any:
            self.reads += 1
            return [("Name", ["wslnet-x"])] if self.reads == 1 else []

    call = Call("Remove-NetFirewallHyperVRule", TwoFaced({"Name": ["*"]}))
    assert send(call)["Name"] == ["wslnet-x"]


def test_a_bridge_cannot_be_handed_calls_directly() -> None:
    with pytest.raises(TypeError):
        Batch(statements=(), writes=False)  # type: ignore[call-arg]
    with pytest.raises(CallRefused):
        Batch(Batch([network.routes()]).statements)  # type: ignore[arg-type]


def test_the_list_of_writes_holds_only_writes_and_their_real_parameters() -> None:
    for name, selectors in SELECTORS.items():
        assert is_write(name)
        assert set(selectors) <= set(cmdlet(name).parameters)


IPV4 = {"AddressFamily": ["IPv4"], "Forwarding": "Enabled"}


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("Set-NetIPInterface", {"InterfaceIndex": [3], "AddressFamily": ["IPv4"], "Forwarding": True}),
        ("Set-NetIPInterface", {**IPV4, "InterfaceIndex": [3], "AddressFamily": ["IPv5"]}),
        ("Set-NetIPInterface", {**IPV4, "InterfaceIndex": ["3"]}),
        ("Set-NetIPInterface", {**IPV4, "InterfaceIndex": [-1]}),
        ("Set-NetIPInterface", {**IPV4, "InterfaceIndex": [2**32]}),
        ("Set-NetIPInterface", {**IPV4, "InterfaceIndex": [True]}),
        ("Set-NetFirewallHyperVVMSetting", {"Name": [WSL], "LoopbackEnabled": True}),
        ("Set-NetFirewallHyperVVMSetting", {"Name": [WSL], "DefaultInboundAction": "allow"}),
        ("New-NetFirewallHyperVRule", {"Name": "x", "VMCreatorId": WSL}),
        ("New-NetFirewallHyperVRule", {"DisplayName": "x", "Profiles": "Domain,Home"}),
        ("New-NetFirewallHyperVRule", {"DisplayName": ["x"]}),
        ("Test-NetConnection", {"ComputerName": "x", "Port": 22, "TraceRoute": True}),
        ("Get-NetAdapter", {"Name": ["x"], "InterfaceIndex": [3]}),
    ],
)
def test_values_that_windows_would_not_bind_are_refused_before_sending(
    name: str, parameters: dict[str, Any]
) -> None:
    with pytest.raises(CallRefused):
        Call(name, parameters)
