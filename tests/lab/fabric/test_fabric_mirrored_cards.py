"""Mirrored mode by packets: cards that are sent again, renumbered, pulled, or are several."""

from __future__ import annotations

import dataclasses
import re
import time
from typing import TYPE_CHECKING

import pytest

from wslnet_lab.fabric import lan, mirrored, windows_ip
from wslnet_lab.fabric.model import MirroredHost, Nic
from wslnet_lab.fabric.netns import FabricError

from .conftest import ETHERNET, HOST, LAN_ADDRESS, LOCAL, OUTSIDE, admit, rule

if TYPE_CHECKING:
    from tests.lab.fabric.conftest import World

    from wslnet_lab.fabric.mirrored import Mirroring

pytestmark = pytest.mark.lab


def test_a_resent_card_loses_what_the_user_added_and_nothing_of_ours(
    office: World, mirror: Mirroring
) -> None:
    add = ["addr add 172.24.21.200/24 dev eth1", "route add 10.50.0.0/16 via 172.24.21.10"]
    add += [
        "rule add pref 100 from 192.168.122.0/24 lookup 200",
        "route add 10.60.0.0/16 via 172.24.21.10 table 200",
    ]
    for words in add:
        office.run("wsl", "ip", *words.split())
    office.run("windows", "ip", "link", "set", "ethernet", "mtu", "1400")
    assert mirror.refresh()
    assert "172.24.21.200" not in office.run("wsl", "ip", "addr")
    assert "10.50.0.0" not in office.run("wsl", "ip", "route")
    assert "100:" in office.run("wsl", "ip", "rule")
    assert "mtu 1400" in office.run("wsl", "ip", "link", "show", "eth1")
    assert office.ping("wsl", OUTSIDE)
    office.run("wsl", *["ip", "addr", "add", "172.24.21.200/24", "dev", "eth1"])
    mirror.resend("ethernet")
    assert "172.24.21.200" not in office.run("wsl", "ip", "addr")
    with pytest.raises(FabricError, match="no card wlan"):
        mirror.resend("wlan")


def test_windows_gets_another_address_and_the_guest_follows(office: World, mirror: Mirroring) -> None:
    office.run("windows", "ip", "addr", "add", "172.24.21.111/24", "dev", "ethernet")
    office.run("windows", "ip", "addr", "del", f"{HOST}/24", "dev", "ethernet")
    office.run("windows", "ip", "addr", "replace", "172.24.21.111/24", "dev", "ethernet")
    office.run("windows", "ip", "route", "replace", "default", "via", "172.24.21.254")
    assert mirror.refresh()
    assert not mirror.refresh()
    office.serve("wsl", "tcp", 8080)
    admit(office, rule("TCP", "8080"))
    mirror.refresh()
    assert office.ask("lan", "tcp", "172.24.21.111", 8080).startswith("wsl")
    assert office.ping("wsl", OUTSIDE)
    assert HOST not in office.run("wsl", "ip", "addr")


def test_a_route_of_windows_appears_in_the_guest_and_goes_again(office: World, mirror: Mirroring) -> None:
    shown = "10.50.0.0/16 via 172.24.21.10 dev eth1 proto kernel metric 30"
    office.run("windows", *f"ip route add 10.50.0.0/16 via {LAN_ADDRESS} metric 5".split())
    mirror.refresh()
    assert shown in office.run("wsl", "ip", "route")
    office.run("windows", *f"ip route del 10.50.0.0/16 via {LAN_ADDRESS}".split())
    mirror.refresh()
    assert shown not in office.run("wsl", "ip", "route")
    assert office.ping("wsl", OUTSIDE)


def test_a_pulled_cable_takes_the_card_down_and_back(office: World, mirror: Mirroring) -> None:
    before = office.run("wsl", "ip", "-4", "route")
    lan.set_cable(office.names["gw"], ETHERNET.mac, connected=False)
    wait_for(mirror)
    assert "state DOWN" in office.run("wsl", "ip", "link", "show", "eth1")
    assert HOST not in office.run("wsl", "ip", "addr")
    lan.set_cable(office.names["gw"], ETHERNET.mac, connected=True)
    wait_for(mirror)
    assert office.run("wsl", "ip", "-4", "route") == before
    assert office.ping("wsl", OUTSIDE)
    with pytest.raises(FabricError, match="no card 02:00:00:00:00:77"):
        lan.set_cable(office.names["gw"], "02:00:00:00:00:77", connected=False)


def wait_for(mirror: Mirroring) -> None:
    """Until the next change is followed: a carrier comes and goes some time after the cable."""
    deadline = time.monotonic() + 3
    while not mirror.refresh():
        assert time.monotonic() < deadline, "nothing changed"
        time.sleep(0.05)


def test_two_cards_and_one_without_a_cable(office: World) -> None:
    second = Nic("vpn", "02:00:4c:4f:4f:50", ("10.99.0.5/24",), metric=1, mtu=1400)
    idle = Nic("wlan", "a8:59:5f:53:19:d9", connected=False)
    far = office.add("vpnfar")
    lan.build_switch(far, Nic("vpnlan", "02:00:00:00:00:99", ("10.99.0.1/24",)))
    for nic in (second, idle):
        lan.plug(far, "vpnlan", office.names["windows"], nic)
    host = MirroredHost((second, ETHERNET, idle), ("eth0", "eth1", "eth2"))
    mirror = mirrored.start(office.names["windows"], office.names["wsl"], host)
    assert office.ping("wsl", "10.99.0.1")
    assert office.ping("wsl", OUTSIDE)
    office.serve("wsl", "tcp", 8080)
    admit(office, rule("TCP", "8080"))
    mirror.refresh()
    assert office.ask("vpnfar", "tcp", "10.99.0.5", 8080).startswith("wsl saw 10.99.0.1:")
    assert "state DOWN" in office.run("wsl", "ip", "link", "show", "eth2")
    rules = office.run("wsl", "ip", "-4", "rule").splitlines()
    assert sum("iif eth2" in line for line in rules) == 2


def test_a_card_comes_and_goes_while_wsl_runs(office: World, mirror: Mirroring) -> None:
    vpn = Nic("vpn", "02:00:4c:4f:4f:50", ("10.99.0.5/32",), metric=1, mtu=1400)
    far = office.add("vpnfar")
    lan.build_switch(far, Nic("vpnlan", "02:00:00:00:00:99", ("10.99.0.1/32",)))
    lan.plug(far, "vpnlan", office.names["windows"], vpn)
    for argv in (["windows", "10.99.0.1/32", "vpn"], ["vpnfar", "10.99.0.5/32", "vpnlan"]):
        office.run(argv[0], "ip", "route", "add", argv[1], "dev", argv[2])
    chains = office.run("wsl", "nft", "list", "ruleset")
    rules = office.run("wsl", "ip", "rule")
    mirror.add_card(vpn, "eth0")
    assert office.ping("wsl", "10.99.0.1")
    assert office.ping("wsl", OUTSIDE)
    assert office.run("wsl", "ip", "rule").count("iif eth0") == 2
    assert office.run("wsl", "nft", "list", "ruleset").count('oif "eth0"') == 4
    assert not mirror.refresh()
    with pytest.raises(FabricError):
        mirror.add_card(vpn, "eth0")
    mirror.remove_card("vpn")
    assert "eth0" not in office.run("wsl", "ip", "link")
    assert office.run("wsl", "ip", "rule") == rules
    counted = re.compile(r"packets \d+ bytes \d+")
    assert counted.sub("", office.run("wsl", "nft", "list", "ruleset")) == counted.sub("", chains)
    assert office.ping("wsl", OUTSIDE)
    with pytest.raises(FabricError, match="no card vpn"):
        mirror.remove_card("vpn")


def test_starting_anew_without_an_orderly_stop(office: World, mirror: Mirroring) -> None:
    office.remove("wsl")
    office.add("wsl")
    again = mirrored.start(office.names["windows"], office.names["wsl"], mirror.host)
    office.serve("wsl", "tcp", 2222)
    again.refresh()
    assert office.ask("windows", "tcp", LOCAL, 2222).startswith("wsl")
    assert office.ping("wsl", OUTSIDE)


def test_adapters_that_end_outside_the_lab(office: World) -> None:
    windows = office.names["windows"]
    tunnel = Nic("vpn", "00:15:5d:13:0c:12", ("10.61.2.254/32",), metric=1, mtu=1420)
    vmnet = Nic("vmnet1", "00:50:56:c0:00:01", ("192.168.198.1/24",), metric=35)
    for nic in (tunnel, vmnet):
        windows_ip.add_idle_adapter(windows, nic.device, nic.mac, *nic.addresses, mtu=nic.mtu)
    windows_ip.add_idle_adapter(windows, "fse", "00:15:5d:8a:40:02")
    known = [
        windows_ip.Adapter(device, device, kind, f"{{{device}}}", "")
        for device, kind in (("vpn", "vpn"), ("vmnet1", "vmware"), ("fse", "fse"))
    ]
    shown = {adapter["device"]: adapter for adapter in windows_ip.read_adapters(windows, known)}
    assert all(adapter["up"] and adapter["carrier"] for adapter in shown.values())
    assert shown["fse"]["addresses"] == []
    assert shown["vpn"]["mtu"] == 1420
    host = MirroredHost((tunnel, dataclasses.replace(vmnet, connected=False)), ("eth0", "eth1"))
    mirror = mirrored.start(windows, office.names["wsl"], host)
    listing = office.run("wsl", "ip", "-br", "-4", "addr")
    assert "10.61.2.254/32" in listing
    assert "192.168.198.1" not in listing
    assert not mirror.refresh()
