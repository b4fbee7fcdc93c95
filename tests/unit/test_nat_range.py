"""Ranges for WSL's NAT network: what is one, who else has it, which one is free; and a pin as a plan."""

from __future__ import annotations

import ipaddress
from dataclasses import replace

import pytest

from wslnet.errors import InputError
from wslnet.model.nat_range import conflicts, free_range, gateway_of, parse_range
from wslnet.model.windows_facts import Adapter, WindowsAddress, WindowsFacts, WindowsRoute
from wslnet.model.windows_wsl import WslNat
from wslnet.resources.nat_range import NatRange

WSL = "vEthernet (WSL (Hyper-V firewall))"
WINDOWS = WindowsFacts(
    adapters=(
        Adapter(12, "Ethernet", "Realtek"),
        Adapter(45, WSL, "Hyper-V Virtual Ethernet Adapter", virtual=True),
    ),
    addresses=(
        WindowsAddress(12, "Ethernet", 4, "172.24.21.109", 24),
        WindowsAddress(45, WSL, 4, "172.23.96.1", 20),
    ),
    routes=(
        WindowsRoute(12, "Ethernet", 4, "0.0.0.0/0", "172.24.21.254"),
        WindowsRoute(45, WSL, 4, "172.23.96.0/20", "0.0.0.0"),
    ),
)


def through_vpn(dst: str) -> WindowsFacts:
    return replace(WINDOWS, routes=(*(WINDOWS.routes or ()), WindowsRoute(30, "vpn", 4, dst, "10.0.0.1")))


@pytest.mark.parametrize(
    "text", ["", "172.23.96.1/20", "8.8.8.0/24", "172.16.0.0/12", "fd00::/64", "127.0.0.0/16"]
)
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse_range(text)


def test_a_range_has_its_gateway_at_the_first_host() -> None:
    assert gateway_of(parse_range("172.30.96.0/20")) == "172.30.96.1"


@pytest.mark.row("S1-28")
def test_wsls_own_range_is_no_conflict_and_the_lans_is() -> None:
    assert conflicts(WINDOWS, parse_range("172.23.96.0/20")) == ()
    assert conflicts(WINDOWS, parse_range("172.24.16.0/20")) == ("172.24.21.0/24",)
    assert conflicts(through_vpn("172.30.0.0/16"), parse_range("172.30.96.0/20")) == ("172.30.0.0/16",)


@pytest.mark.row("S1-28")
def test_a_free_range_is_found_beside_a_vpn_that_has_the_usual_ones() -> None:
    assert free_range(WINDOWS) == ipaddress.IPv4Network("172.16.0.0/20")
    assert free_range(through_vpn("172.16.0.0/12")) == ipaddress.IPv4Network("192.168.0.0/20")
    everything = replace(through_vpn("172.16.0.0/12"), addresses=(*(WINDOWS.addresses or ()),
        WindowsAddress(12, "Ethernet", 4, "192.168.0.9", 16)))  # fmt: skip
    assert free_range(everything) is None


@pytest.mark.row("S1-28")
def test_a_pin_takes_back_to_what_was_remembered() -> None:
    pin = NatRange("windows", "172.30.96.0/20", "172.30.96.1", "test")
    (change,) = pin.diff(replace(WINDOWS, wsl_nat=WslNat("172.23.96.0/20", "172.23.96.1")))
    assert change.undo is not None
    assert change.undo.args == {"network": "172.23.96.0/20", "gateway": "172.23.96.1"}
    assert pin.diff(replace(WINDOWS, wsl_nat=WslNat("172.30.96.0/20", "172.30.96.1"))) == ()
