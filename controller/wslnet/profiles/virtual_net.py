"""What a net of wslnet's own is made of on its machine, as resources; and what it takes to be rid of it.

Pure. Creating and destroying are the same list, read forwards and backwards; rules are taken away by the
comment that names the net, wherever they stand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.model.change import Risk
from wslnet.model.families import IPV4, MAIN_TABLE
from wslnet.model.virtual_net import Declaration, Kept, NetMode, VirtualNet, declarations
from wslnet.netfilter.rules import Place
from wslnet.netfilter.view import tables
from wslnet.resources.absent_rule import AbsentRule
from wslnet.resources.bridge_forward import BridgeForward, Way
from wslnet.resources.bridged_uplink import BridgedUplink
from wslnet.resources.forward_accept import forward_places
from wslnet.resources.masquerade import Masquerade
from wslnet.resources.own_bridge import OwnBridge
from wslnet.resources.own_tap import OwnTap
from wslnet.resources.persistent_file import Form, PersistentFile, run_of
from wslnet.resources.run_marker import AbsentMarker
from wslnet.resources.sysctl import Sysctl, turned_with
from wslnet.resources.unmanaged_links import UnmanagedLinks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.change import Resource
    from wslnet.model.linux_facts import LinuxFacts

NEEDS = frozenset({"links", "addresses", "routes", "sysctls", "firewall", "bridging", "files", "wsl"})
"""Facts of the machine that has the net."""

FORWARDING = "net.ipv4.ip_forward"

_CALLS_IPTABLES = "net.bridge.bridge-nf-call-iptables"
_WSL_OWN = "WSLPOSTROUTING"
"""It is there in every mirrored guest, whether somebody is behind it or not (wsl-guest-facts 2)."""
_ANY_SUBNET = "192.0.2.0/24"
_NO_ANSWER_FOR_OTHERS = "8"
_CLOSED = frozenset({NetMode.PRIVATE, NetMode.ROUTED})


def before(facts: LinuxFacts, net: VirtualNet) -> Kept:
    """What is there before a new net and must be there again after it.

    A net that finds forwarding on because of another one keeps what that one found.
    """
    values = facts.sysctls or {}
    if net.mode is not NetMode.NAT:
        return Kept()
    if values.get(FORWARDING) == "1":
        others = [one for one in declarations(facts).values() if one.kept.sysctls]
        return others[0].kept if others else Kept()
    turned = turned_with(FORWARDING, values.get(FORWARDING, "0"), facts).get("also", {})
    also = {str(key): str(value) for key, value in turned.items()} if isinstance(turned, dict) else {}
    return Kept({FORWARDING: values.get(FORWARDING, "0"), **also})


def running(machine: str, net: VirtualNet, facts: LinuxFacts) -> tuple[Resource, ...]:
    """What of a net lives in the running system, in the order in which it is made."""
    why = f"net {net.name} ({net.mode})"
    return tuple(
        one
        for part in (_links(machine, net, why), _rules(machine, net, facts, why), _ports(machine, net, why))
        for one in part
    )


def declared(machine: str, declaration: Declaration) -> PersistentFile:
    """The file that says so."""
    net = declaration.net
    why = "so that it comes back after a reboot" if net.persist else "so that it can be taken down again"
    rows = ("S4-13", "S4-34")
    return PersistentFile(machine, net.path, Form.DECLARATION, declaration.body(), why, rows=rows)


def gone(machine: str, declaration: Declaration, facts: LinuxFacts) -> tuple[Resource, ...]:
    """The resources that leave nothing of a net, and the machine as it was before it."""
    net, why = declaration.net, f"net {declaration.net.name} goes"
    ports = (*(tap.name for tap in net.taps), *([net.uplink] if net.uplink else []))
    found: list[Resource] = [
        OwnTap(machine, tap.name, tap.mac, net.name, net.name, why, net.owner, present=False)
        for tap in reversed(net.taps)
    ]
    found += rules_with_comment(machine, net.comment, facts, why)
    found += _put_back(machine, declaration, facts, why)
    if net.mode is NetMode.L2 and net.uplink is not None:
        found.append(BridgedUplink(machine, net.uplink, net.name, why, net.client, present=False))
    risk = Risk.CUTS_LINK if net.mode is NetMode.L2 else Risk.SAFE
    found.append(_bridge(machine, net, why, ports=ports, present=False, risk=risk))
    if net.mode is NetMode.L2:
        found.append(UnmanagedLinks(machine, net.name, _all_links(net), why, present=False))
    if declaration.run not in _runs_of_others(net, facts):
        found.append(AbsentMarker(machine, declaration.run, why))
    found.append(PersistentFile(machine, net.path, Form.DECLARATION, "", why, present=False))
    return tuple(found)


def _links(machine: str, net: VirtualNet, why: str) -> Iterator[Resource]:
    if net.mode is NetMode.L2:
        yield UnmanagedLinks(machine, net.name, _all_links(net), why)
    yield _bridge(machine, net, why)


def _bridge(
    machine: str,
    net: VirtualNet,
    why: str,
    *,
    ports: tuple[str, ...] = (),
    present: bool = True,
    risk: Risk = Risk.SAFE,
) -> OwnBridge:
    addresses = () if net.address is None else (net.address,)
    settings = _settings(net)
    return OwnBridge(machine, net.name, net.mac, net.name, why, addresses, settings, ports, present, risk)


def _settings(net: VirtualNet) -> tuple[tuple[str, str], ...]:
    """Who has no way out through this machine does not get one by another net's forwarding.

    A private net has not even this machine behind its bridge: it answers there for none of its addresses.
    """
    key = net.name.replace(".", "/")
    values: list[tuple[str, str]] = []
    if net.mode in _CLOSED:
        values.append((f"net.ipv4.conf.{key}.forwarding", "0"))
    if net.mode is NetMode.PRIVATE:
        values.append((f"net.ipv4.conf.{key}.arp_ignore", _NO_ANSWER_FOR_OTHERS))
        values.append((f"net.ipv6.conf.{key}.disable_ipv6", "1"))
    return tuple(values)


def _rules(machine: str, net: VirtualNet, facts: LinuxFacts, why: str) -> Iterator[Resource]:
    ways = [Way.INSIDE] if (facts.sysctls or {}).get(_CALLS_IPTABLES) == "1" else []
    if net.mode is NetMode.NAT:
        closed = tuple((key, "0") for key in _closed_bridges(facts))
        why_forward = "guests reach others through this machine"
        yield Sysctl(machine, FORWARDING, "1", why_forward, closed, rows=("S4-11", "S4-13"))
        ways += [Way.OUT, Way.BACK]
    uplink = net.uplink or way_out(facts) or "lo"
    for place in forward_places(facts.firewall):
        for way in ways:
            subnet = net.subnet or _ANY_SUBNET
            yield BridgeForward(machine, net.name, subnet, uplink, way, net.comment, why, place)
    if net.mode is NetMode.NAT and net.subnet is not None:
        yield Masquerade(machine, net.subnet, net.comment, why, net.uplink)


def _ports(machine: str, net: VirtualNet, why: str) -> Iterator[Resource]:
    for tap in net.taps:
        yield OwnTap(machine, tap.name, tap.mac, net.name, net.name, why, net.owner)
    if net.mode is NetMode.L2 and net.uplink is not None:
        moved = f"{net.uplink} becomes a port of {net.name}, which takes its addresses"
        yield BridgedUplink(machine, net.uplink, net.name, moved, net.client)


def _all_links(net: VirtualNet) -> tuple[str, ...]:
    return (*([net.uplink] if net.uplink else []), net.name, *(tap.name for tap in net.taps))


def _closed_bridges(facts: LinuxFacts) -> tuple[str, ...]:
    """Switches of nets without a way out, which turning on forwarding for all would turn with it."""
    closed = (one.net for one in declarations(facts).values() if one.net.mode in _CLOSED)
    keys = (f"net.ipv4.conf.{net.name.replace('.', '/')}.forwarding" for net in closed)
    return tuple(key for key in keys if (facts.sysctls or {}).get(key) == "0")


def way_out(facts: LinuxFacts) -> str | None:
    """The link of the default route that is taken."""
    routes = (one for one in facts.routes or () if one.dst == "default" and one.family == IPV4 and one.dev)
    best = min((one for one in routes if one.table == MAIN_TABLE), key=lambda one: one.metric, default=None)
    return best.dev if best is not None else None


def _runs_of_others(net: VirtualNet, facts: LinuxFacts) -> frozenset[str]:
    """The runs that left the other files of ours, which are inert without their run's marker."""
    files = facts.files.found if facts.files is not None else ()
    return frozenset(run for one in files if one.path != net.path and (run := run_of(one)) is not None)


def rules_with_comment(machine: str, comment: str, facts: LinuxFacts, why: str) -> list[Resource]:
    """That no rule is there with this comment, or with one that goes on behind a colon."""
    found: list[Resource] = []
    for table in tables(facts.firewall) if facts.firewall is not None else ():
        for chain in table.chains.values():
            gone_before: tuple[str, ...] = ()
            for rule in chain.listed:
                if rule.comment == comment or (rule.comment or "").startswith(f"{comment}:"):
                    place = Place(table.backend, table.family, table.name, chain.name)
                    found.append(AbsentRule(machine, place, rule.text, why, earlier=gone_before))
                    gone_before = (*gone_before, rule.text)
    return found


def _put_back(machine: str, declaration: Declaration, facts: LinuxFacts, why: str) -> list[Resource]:
    """Forwarding as it was, if nobody else rests on it: another net of ours, or what others masquerade."""
    kept = declaration.kept.sysctls
    if FORWARDING not in kept or rests_on_forwarding(declaration.net, facts):
        return []
    also = tuple((key, value) for key, value in kept.items() if key != FORWARDING)
    return [Sysctl(machine, FORWARDING, kept[FORWARDING], why, also, rows=("S4-13",))]


def rests_on_forwarding(net: VirtualNet, facts: LinuxFacts) -> bool:
    """Whether somebody beside the net needs this machine to forward."""
    nats = [one for one in declarations(facts).values() if one.net.mode is NetMode.NAT]
    if any(one.net.name != net.name for one in nats):
        return True
    return any(
        (rule.target or "").upper() == "MASQUERADE" and not rule.ours
        for table in (tables(facts.firewall) if facts.firewall is not None else ())
        for chain in table.chains.values()
        if chain.name != _WSL_OWN
        for rule in chain.listed
    )
