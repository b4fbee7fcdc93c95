"""A Linux machine as `status` tells it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.engine.overview_link import BridgeView, LinkView, VmView
from wslnet.model.families import IPV4, MAIN_TABLE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wslnet.model.linux_facts import LinuxFacts
    from wslnet.model.linux_network import Link
    from wslnet.model.machine import Inventory
    from wslnet.model.mirror import Mirrored

NEEDS = frozenset({"identity", "links", "addresses", "routes", "neighbours", "sysctls", "domains", "wsl"})
_DEFAULT = "default"
_TOLD_FLAGS = frozenset({"noprefixroute", "nodad", "dynamic", "tentative", "deprecated", "dadfailed"})


def system_of(facts: LinuxFacts) -> str | None:
    """Distribution and kernel in one line."""
    if facts.identity is None:
        return None
    one = facts.identity
    release = " ".join(word for word in (one.os_id, one.os_version) if word) or "Linux"
    return f"{release}, kernel {one.kernel}"


def linux_links(facts: LinuxFacts, mirrored: Mapping[str, Mirrored]) -> tuple[LinkView, ...]:
    """All links in the kernel's order; `mirrored` tells which Windows adapter stands behind one."""
    return tuple(_link(link, facts, mirrored.get(link.name)) for link in facts.links or ())


def _link(link: Link, facts: LinuxFacts, mirrored: Mirrored | None) -> LinkView:
    addresses = [one for one in facts.addresses or () if one.link == link.name]
    flags = sorted({flag for one in addresses for flag in one.flags if flag in _TOLD_FLAGS})
    gateways = [
        route
        for route in facts.routes or ()
        if route.dev == link.name
        and route.dst == _DEFAULT
        and route.family == IPV4
        and route.table == MAIN_TABLE
    ]
    switch = (facts.sysctls or {}).get(f"net.ipv4.conf.{link.name.replace('.', '/')}.forwarding")
    adapter = mirrored.adapter if mirrored is not None else None
    return LinkView(
        name=link.name,
        role="loopback" if "LOOPBACK" in link.flags else link.kind or "ethernet",
        up=link.up,
        status="up" if link.up and link.carrier else "no carrier" if link.up else "down",
        mac=None if "LOOPBACK" in link.flags else link.mac,
        mtu=link.mtu,
        addresses=tuple(f"{one.address}/{one.prefix}" for one in addresses),
        flags=tuple(flags),
        gateway=min(gateways, key=lambda route: route.metric).via if gateways else None,
        master=link.master,
        forwarding=None if switch is None else switch == "1",
        mirrors=adapter.name if adapter is not None else None,
        mirrors_by=mirrored.by if mirrored is not None and adapter is not None else None,
        qdisc=link.qdisc,
    )


def bridges(facts: LinuxFacts) -> tuple[BridgeView, ...]:
    """All bridges with their ports."""
    return tuple(
        BridgeView(
            link.name,
            tuple(f"{one.address}/{one.prefix}" for one in facts.addresses or () if one.link == link.name),
            tuple(port.name for port in facts.links or () if port.master == link.name),
        )
        for link in facts.links or ()
        if link.kind == "bridge"
    )


def vms(facts: LinuxFacts, host: str, inventory: Inventory) -> tuple[VmView, ...] | None:
    """The VMs that libvirt knows there; None when it has no libvirt."""
    if facts.domains is None:
        return None
    below = {machine.name for machine in inventory.children(host)}
    return tuple(
        VmView(one.name, one.state, one.name if one.name in below else None) for one in facts.domains
    )
