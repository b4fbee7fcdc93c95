"""`wslnet net`: the four modes on any machine, proven by packets of guests, and gone without a trace."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .canonical.snapshot import differences, take
from .conftest import RunningLab, wslnet
from .tap_guest import Guest, guest_on

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [pytest.mark.lab, pytest.mark.timeout(240)]

NET = "gefyra0"
PAIR = Path(__file__).with_name("dhcp_pair.py")
LAN, INTERNET = "172.24.21.50", "172.24.21.254"
OWNER = 1000
CARDS = {"wsl": "eth0", "vm1": "enp1s0", "vm2": "ens3"}
ADDRESSES = {"vm1": "192.168.122.191", "vm2": "192.168.124.91"}
# The neighbour on the card's own wire, and the prefix of both.
ABOVE = {"vm1": ("wsl", "192.168.122.1", "192.168.122"), "vm2": ("vm1", "192.168.124.1", "192.168.124")}


def run(lab: RunningLab, *arguments: str) -> tuple[int, dict[str, Any]]:
    done = wslnet("--inventory", str(lab.inventory), "net", *arguments, "--json")
    assert "Traceback" not in done.stderr
    return done.returncode, json.loads(done.stdout)


def own_address(lab: RunningLab, machine: str) -> str:
    shown = lab.outside(machine, ["ip", "-4", "-j", "address", "show", "dev", CARDS[machine]])
    return str(json.loads(shown.stdout)[0]["addr_info"][0]["local"])


class Made:
    """A net that is up with two guests on it, each started as its owner."""

    def __init__(self, lab: RunningLab, machine: str, mode: str, *more: str) -> None:
        self.lab, self.machine = lab, machine
        self.stack = ExitStack()
        self.ended = False
        self.before = take(lab, machine)
        self.create = ["create", NET, "--on", machine, "--mode", mode, "--taps", "2", "--owner", str(OWNER)]
        code, said = run(lab, *self.create, *more, "--yes")
        assert (code, said.get("result")) == (0, "committed"), said
        assert said["foreign"] == [], said["foreign"]
        _, told = run(lab, "args", NET, "--on", machine)
        self.macs = {tap: vector[-1].rpartition("mac=")[2] for tap, vector in told["args"].items()}

    def guests(self) -> tuple[Guest, Guest]:
        one, two = (
            self.stack.enter_context(guest_on(self.lab.netns(self.machine), tap, mac, OWNER))
            for tap, mac in self.macs.items()
        )
        return one, two

    def end(self) -> None:
        """Takes all away, and holds the machine against what it was."""
        self.stack.close()
        self.ended = True
        code, said = run(self.lab, *self.create, "--yes")
        assert (code, said["result"], said["changes"]) == (0, "unchanged", []), said
        code, said = run(self.lab, "destroy", NET, "--on", self.machine, "--yes")
        assert (code, said.get("result")) == (0, "committed"), said
        assert differences(self.before, take(self.lab, self.machine)) == []


@pytest.fixture
def made(shared_lab: RunningLab) -> Iterator[Callable[..., Made]]:
    """Makes nets; one that its test did not end is taken down."""
    nets: list[Made] = []

    def make(machine: str, mode: str, *more: str) -> Made:
        nets.append(Made(shared_lab, machine, mode, *more))
        return nets[-1]

    yield make
    for net in nets:
        net.stack.close()
        if not net.ended:
            run(shared_lab, "destroy", NET, "--on", net.machine, "--yes")


def on(ordinary: str) -> Any:
    full = [pytest.param(name, marks=pytest.mark.full) for name in CARDS if name != ordinary]
    return pytest.mark.parametrize("machine", [ordinary, *full])


Standing = tuple[Made, Guest, Guest]


@pytest.mark.row("S4-01", "S4-07", "S4-36")
@on("wsl")
def test_a_private_net_has_its_guests_and_nobody_else(
    made: Callable[..., Made], shared_lab: RunningLab, machine: str
) -> None:
    net = made(machine, "private", "--subnet", "192.168.223.0/24")
    one, two = net.guests()
    one.address("192.168.223.10/24", "192.168.223.1")
    two.address("192.168.223.11/24")
    assert one.pings("192.168.223.11")
    assert two.pings("192.168.223.10")
    # Not the machine: by none of its addresses, on its own link or as if they were on this one, nor by IPv6.
    host = own_address(shared_lab, machine)
    one.exec("ip", "route", "add", host, "dev", "ens3")
    assert not one.pings(host)
    answers = one.exec("ping", "-6", "-n", "-c", "2", "-W", "1", "-I", "ens3", "ff02::1").stdout
    sources = set(re.findall(r"from (fe80[0-9a-f:]+)", answers))
    assert sources <= {link_local(mac) for mac in net.macs.values()}, answers
    assert not one.pings(LAN)
    assert not shared_lab.pings(machine, "192.168.223.10")
    net.end()


@pytest.mark.row("S4-08", "S2-01", "S4-36")
@on("vm2")
def test_a_routed_net_has_its_guests_and_the_machine(
    made: Callable[..., Made], shared_lab: RunningLab, machine: str
) -> None:
    net = made(machine, "routed", "--subnet", "192.168.223.0/24")
    one, two = net.guests()
    one.address("192.168.223.10/24", "192.168.223.1")
    two.address("192.168.223.11/24")
    assert one.pings("192.168.223.11")
    assert one.pings("192.168.223.1")
    assert shared_lab.pings(machine, "192.168.223.10")
    assert not one.pings(LAN)
    assert not one.pings(INTERNET)
    net.end()


def on_machines(ordinary: str, *others: str) -> Any:
    """A fixture for a net with two guests on one machine in ordinary runs, on the others in long ones."""
    names = [ordinary, *(pytest.param(name, marks=pytest.mark.full) for name in others)]
    return pytest.fixture(scope="class", params=names)


def standing(lab: RunningLab, machine: str, mode: str, *more: str) -> Iterator[Standing]:
    """A net with two guests for several tests; when they are through, nothing of it is left."""
    net = Made(lab, machine, mode, *more)
    try:
        one, two = net.guests()
        yield net, one, two
        net.end()
    finally:
        net.stack.close()
        if not net.ended:
            run(lab, "destroy", NET, "--on", machine, "--yes")


@on_machines("vm1", "wsl", "vm2")
def nat(request: Any, shared_lab: RunningLab) -> Iterator[Standing]:
    for net, one, two in standing(shared_lab, request.param, "nat", "--subnet", "192.168.223.0/24"):
        one.address("192.168.223.10/24", "192.168.223.1")
        two.address("192.168.223.11/24", "192.168.223.1")
        yield net, one, two


class TestNat:
    """One net of mode nat, which is gone when they are through."""

    @pytest.mark.row("S4-11", "S2-02", "S2-10")
    def test_guests_of_a_nat_net_get_out(self, nat: Standing, shared_lab: RunningLab) -> None:
        net, one, _ = nat
        assert one.pings("192.168.223.11")
        assert one.pings("192.168.223.1")
        assert one.pings(own_address(shared_lab, net.machine))
        assert one.pings(LAN)
        assert one.pings(INTERNET)
        # One subnet only is hidden (note 004 hid everybody), and never by the mark that WSL's own rules know.
        rules = shared_lab.outside(net.machine, ["iptables-save", "-t", "nat"]).stdout.splitlines()
        own = [line for line in rules if "wslnet:" in line]
        source = "-s 192.168.223.0/24 ! -d 192.168.223.0/24"
        comment = f'-m comment --comment "wslnet:net:{NET}"'
        assert own == [f"-A POSTROUTING {source} {comment} -j MASQUERADE"]

    @pytest.mark.row("S2-07", "S2-09", "S2-11")
    def test_only_the_machine_itself_gets_in(self, nat: Standing, shared_lab: RunningLab) -> None:
        net, _, two = nat
        assert two.pings("192.168.223.10")
        assert shared_lab.pings(net.machine, "192.168.223.10")
        assert not shared_lab.pings("lan", "192.168.223.10")


@on_machines("vm1", "vm2")
def l2(request: Any, shared_lab: RunningLab) -> Iterator[Standing]:
    _, neighbour, prefix = ABOVE[request.param]
    for net, one, two in standing(shared_lab, request.param, "l2"):
        one.address(f"{prefix}.201/24", neighbour)
        yield net, one, two


class TestL2:
    """One net of mode l2, which is gone when they are through."""

    @pytest.mark.row("S2-18", "S4-24")
    def test_a_guest_of_an_l2_net_is_offered_an_address_by_the_lan(
        self, l2: Standing, shared_lab: RunningLab
    ) -> None:
        net, _, two = l2
        above, neighbour, prefix = ABOVE[net.machine]
        mac = list(net.macs.values())[1]
        inside = ["ip", "netns", "exec", shared_lab.netns(above), sys.executable, str(PAIR)]
        with subprocess.Popen(
            [*inside, "server", "virbr0", f"{prefix}.211"], stdout=subprocess.PIPE
        ) as server:
            assert server.stdout is not None
            assert server.stdout.readline() == b"listening\n"
            asked = two.exec(sys.executable, str(PAIR), "client", "ens3", mac)
            assert asked.stdout.split() == [f"{prefix}.211", neighbour], asked
            assert server.stdout.readline() == f"{mac}\n".encode()

    @pytest.mark.row("S4-15", "S2-14", "S2-19")
    def test_guests_of_an_l2_net_are_on_the_wire(self, l2: Standing, shared_lab: RunningLab) -> None:
        net, one, two = l2
        above, neighbour, prefix = ABOVE[net.machine]
        two.address(f"{prefix}.202/24", neighbour)
        assert one.pings(f"{prefix}.202")
        assert one.pings(neighbour)
        assert one.pings(ADDRESSES[net.machine])
        assert shared_lab.pings(above, f"{prefix}.201")
        assert shared_lab.pings(above, ADDRESSES[net.machine])
        shown = shared_lab.outside(above, ["ip", "neigh", "show", f"{prefix}.201"]).stdout
        assert next(iter(net.macs.values())) in shown

    @pytest.mark.row("S2-13", "S2-20")
    def test_the_bridge_of_an_l2_net_knows_whose_mac_is_where(
        self, l2: Standing, shared_lab: RunningLab
    ) -> None:
        net, _, _ = l2
        code, said = run(shared_lab, "list", "--on", net.machine, "--fdb")
        assert code == 0
        (bridge,) = (each for each in said["machines"][net.machine]["bridges"] if each["name"] == NET)
        assert {port["name"] for port in bridge["ports"]} == {CARDS[net.machine], *net.macs}
        ports = {entry["mac"]: entry["port"] for entry in bridge["fdb"] if not entry["own"]}
        assert {mac: ports.get(mac) for mac in net.macs.values()} == {
            mac: tap for tap, mac in net.macs.items()
        }


@pytest.mark.row("S4-02", "S4-25")
def test_who_may_open_a_tap_and_what_wsl_cannot_bridge(
    made: Callable[..., Made], shared_lab: RunningLab
) -> None:
    code, said = run(shared_lab, "create", NET, "--on", "wsl", "--mode", "l2", "--yes")
    assert (code, said["error"]["code"]) == (15, "unsupported")
    assert "WSL" in said["error"]["message"]
    assert "--mode nat" in said["error"]["hint"]
    net = made("wsl", "private", "--subnet", "192.168.223.0/24")
    tap, mac = next(iter(net.macs.items()))
    with pytest.raises(PermissionError), guest_on(shared_lab.netns("wsl"), tap, mac, OWNER + 1):
        pass
    net.end()


@pytest.mark.full
@pytest.mark.row("S4-20")
def test_an_l2_net_that_nobody_confirms_is_taken_back_by_the_machine(shared_lab: RunningLab) -> None:
    before = take(shared_lab, "vm1")
    create = ["create", NET, "--on", "vm1", "--mode", "l2", "--yes", "--confirm-within", "20s"]
    code, said = run(shared_lab, *create)
    assert (code, said.get("result")) == (0, "pending"), said
    links = ["ip", "-br", "link", "show", "dev", NET]
    until = time.monotonic() + 60
    while shared_lab.outside("vm1", links).returncode == 0 and time.monotonic() < until:
        time.sleep(1)
    done = wslnet("--inventory", str(shared_lab.inventory), "resume", "--json")
    assert json.loads(done.stdout)["result"] == "rolled-back", done.stdout
    assert differences(before, take(shared_lab, "vm1")) == []


def link_local(mac: str) -> str:
    """The IPv6 address that a card makes of its MAC address (EUI-64)."""
    octets = [int(each, 16) for each in mac.split(":")]
    eui = [octets[0] ^ 2, *octets[1:3], 0xFF, 0xFE, *octets[3:]]
    words = [f"{eui[at] << 8 | eui[at + 1]:x}" for at in range(0, 8, 2)]
    return "fe80::" + ":".join(words)
