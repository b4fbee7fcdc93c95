"""The guest half against recordings of WSL's own guest service: the same events, the same state.

Each recorded step is replayed as events of `guest.service` and every section of the recorded state compared.
What may differ is in `TOLERATED`, with the reason; everything else must be equal.
"""

from __future__ import annotations

import difflib
import itertools
import json
import os
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from wslnet_lab.fabric import links, netns
from wslnet_lab.fabric.guest import events
from wslnet_lab.fabric.guest.service import Guest
from wslnet_lab.fabric.model import Nic, PortBlock
from wslnet_lab.fabric.netns import FabricError, Namespace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.lab.fabric.conftest import World

SHARED = Path(os.environ.get("WSLNET_SHARED", Path(__file__).parents[4] / "shared"))
CORPUS = SHARED / "corpus" / "wsl-guest"

pytestmark = [
    pytest.mark.lab,
    pytest.mark.corpus,
    pytest.mark.skipif(not CORPUS.is_dir(), reason="no ../shared beside this clone"),
]

TOLERATED = [
    (r"@if\d+(?=:)", "", "a veth shows its far end's index; the recorder took it out"),
    (r" link-netns(id)? \S+", "", "the same"),
    (r"counter packets \d+ bytes \d+", "counter packets N bytes N", "traffic is not compared"),
    (r" # handle \d+", "", "the service runs one nft command a rule, we one transaction: other numbers"),
    (r"^\d+: ", "", "indexes depend on how many interfaces came and went before"),
    (
        r"(link/ether )(?!02:)[0-9a-f][26ae](:[0-9a-f]{2}){5}",
        r"\1RANDOM",
        "a bridge or port by hand gets any",
    ),
    (r"^    bridge(_slave)? .*$", "", "details of a bridge made by hand, shown by -d alone"),
    (r"^\S+ dev .* (REACHABLE|STALE|DELAY|PROBE|FAILED|INCOMPLETE|NOARP)\s*$", "", "learnt from packets"),
]

# Up to this step: what follows asks the service's parser or waits for its time-outs, and changes no network.
LAST_STEP = {"errors": "prefix-with-host-bits"}

SCENARIOS = [
    "mirrored-wifi",
    "nat-dns-tunneling",
    "nat-dns-proxy",
    "consomme",
    "mirrored-two-nics",
    "mirrored-wifi-and-disconnected-ethernet",
    "mirrored-changes",
    "mirrored-hostaddressloopback",
    "mirrored-user-changes",
    "errors",
    "nested-behind-virbr0",
]

SECTIONS = {
    "link": "ip link",
    "addr": "ip addr",
    "rule4": "ip -4 rule",
    "rule6": "ip -6 rule",
    "route4": "ip -4 route show table all",
    "route6": "ip -6 route show table all",
    "neigh": "ip neigh",
    "nft": "nft -a list ruleset",
}
OK_ANYWAY = frozenset({"VmNicCreatedNotification", "NoOp"})


class Replay:
    """One recorded scenario, replayed into a namespace; `far` holds the other ends of the wires."""

    def __init__(self, guest: str, far: str, nested: str, tunnel: str | None) -> None:
        self.guest = Guest(guest)
        self.far = far
        # What the recorder's commands call the namespace behind virbr0, and its folder.
        self.names = [f"N={nested}", "T=/tmp"]
        self.devices: dict[str, str] = {}
        self.guest.apply(events.Boot(tunnel))

    def do(self, item: dict[str, Any]) -> list[str]:
        """Replay one item; gives the messages that the service refused."""
        with Namespace(self.guest.namespace) as ns, Namespace(self.far) as far:
            if "nic" in item:
                self._plug(ns, far, item["nic"], item["mac"])
                return []
            if "unnic" in item:
                links.remove(ns, self.devices.pop(item["unnic"]))
                return []
            if "lan" in item or "probe " in item.get("sh", ""):
                return []  # the recorder's own servers and packets: states are compared here
            if "sh" in item:
                # As recorded: some of these commands fail, which is what they show.
                ns.run(["env", *self.names, "sh", "-c", f"{item['sh']}\n:"])
                return []
        try:
            self.guest.apply(*self._events(item))
        except FabricError:
            again = [row for other in item.get("onfail", ()) for row in self.do(other)]
            return [item.get("why", item["msg"]), *again]
        return []

    def _plug(self, ns: Namespace, far: Namespace, adapter: str, mac: str) -> None:
        device = next(name for n in itertools.count() if ns.index(name := f"eth{n}") is None)
        port = f"pc{adapter[1:9]}"
        links.lay_cable(far, port, ns, Nic(device, mac))
        far.netlink("link", "set", index=far.require(port), state="up")
        self.devices[adapter] = device

    def _events(self, item: dict[str, Any]) -> list[events.Event]:  # noqa: PLR0911 - one return a message
        message, body = item["msg"], item["json"]
        if message in OK_ANYWAY:
            return []
        if message == "SetupIpv6":
            return [events.SetupIpv6()]
        if message == "GlobalNetFilter":
            return [events.GlobalFilter()]
        if message == "InterfaceConfiguration":
            address = f"{body['IPAddress']}/{body['PrefixLength']}" if body["IPAddress"] else None
            return [events.Card(self.devices[body["ID"]], address)]
        if message == "CreateDeviceRequest":
            adapter = body["lowerEdgeAdapterId"]
            device, self.devices[adapter] = self.devices[adapter], "loopback0"
            return [events.Loopback(device, consomme=body["flags"] == 1)]
        device = self.devices[item.get("adapter") or body["targetDeviceName"]]
        if message == "InterfaceNetFilter":
            block = None
            if body["operation"] == "Create":
                block = PortBlock(body["ephemeralPortRangeStart"], body["ephemeralPortRangeEnd"])
            return [events.CardFilter(device, block)]
        if message == "InitialIpConfigurationNotification":
            return [events.Settle(device)]
        if message == "LoopbackRoutesRequest":
            change = "Add" if body["operation"] == "Create" else "Remove"
            return [events.LoopbackRoute(device, change, body["ipAddress"])]
        return [setting(device, body, mirrored=message != "Notification")]


def setting(device: str, body: dict[str, Any], *, mirrored: bool) -> events.Event:
    change, values = body["RequestType"], body["Settings"]
    if body["ResourceType"] == "Interface":
        return events.LinkState(device, connected=values["Connected"], mtu=values["NlMtu"], mirrored=mirrored)
    if body["ResourceType"] == "IPAddress":
        return events.AddressChange(
            device,
            change,
            f"{values['Address']}/{values['OnLinkPrefixLength']}",
            values["PrefixOrigin"],
            values["SuffixOrigin"],
            values["PreferredLifetime"],
        )
    if body["ResourceType"] == "Route":
        via = None if values["NextHop"] in ("0.0.0.0", "::") else values["NextHop"]
        return events.RouteChange(device, change, values["DestinationPrefix"], via, values.get("Metric", 0))
    servers = tuple(filter(None, values["ServerList"].split(",")))
    return events.Dns(servers, tuple(filter(None, values["Search"].split(","))), values["Options"])


def recorded(scenario: str, number: int) -> dict[str, list[str]]:
    (path,) = (CORPUS / scenario).glob(f"{number:02}-*.txt")
    sections: dict[str, list[str]] = {}
    for line in path.read_text().splitlines():
        if line.startswith("### "):
            sections[line[4:]] = current = []
        else:
            current.append(line)
    sections["neigh"].sort()
    return sections


def found(replay: Replay, keys: list[str]) -> dict[str, list[str]]:
    with Namespace(replay.guest.namespace) as ns:
        sections = {name: ns.run(command.split()).splitlines() for name, command in SECTIONS.items()}
        sections["neigh"].sort()  # a hash table: its order says nothing
        sections["sysctl"] = [f"{key}={ns.read_sysctl(key.replace('.', '/')[4:])}" for key in keys]
    sections["resolv.conf"] = replay.guest.resolv_conf.splitlines()
    return sections


def plain(lines: list[str]) -> list[str]:
    text = "\n".join(lines)
    for pattern, replacement, _reason in TOLERATED:
        text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
    return [line.rstrip() for line in text.splitlines() if line.strip()]


def settled_differences(replay: Replay, expected: dict[str, list[str]]) -> dict[str, list[str]]:
    """Sections that differ, as difference lines, once the kernel has said the state of its links."""
    keys = [line.partition("=")[0] for line in expected["sysctl"]]
    deadline = time.monotonic() + 3
    while True:
        actual = found(replay, keys)
        differences = {
            section: list(difflib.unified_diff(plain(lines), plain(actual[section]), lineterm="", n=0))[2:]
            for section, lines in expected.items()
            if section != "messages" and plain(lines) != plain(actual[section])
        }
        if not differences or time.monotonic() > deadline:
            return differences
        time.sleep(0.05)


@pytest.fixture
def spaces(empty: World) -> Iterator[tuple[str, str, str]]:
    guest, far, nested = (empty.add(role) for role in ("guest", "far", "nested"))
    # The far end answers nothing, and says nothing by itself.
    empty.sysctl("far", "ipv6/conf/default/disable_ipv6", 1)
    yield guest, far, nested
    assert netns.exists(guest)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_scenario_ends_each_step_as_recorded(scenario: str, spaces: tuple[str, str, str]) -> None:
    script = json.loads((CORPUS / "messages" / f"{scenario}.json").read_text())
    replay = Replay(*spaces, script["dns_tunneling"])
    for number, step in enumerate(script["steps"]):
        expected = recorded(scenario, number)
        refused = [row for item in step["do"] for row in replay.do(item)]
        rows = [json.loads(line) for line in expected.get("messages", ()) if '"result"' in line]
        assert refused == [row.get("why", row["msg"]) for row in rows if row["result"] == -1], step["name"]
        assert settled_differences(replay, expected) == {}, f"{number:02} {step['name']}"
        if step["name"] == LAST_STEP.get(scenario):
            break
