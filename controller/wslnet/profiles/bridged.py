"""Whether a card can be a port of a bridge: guests behind it are then on its LAN with MACs of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.errors import InputError, PlanRefused, Unsupported
from wslnet.model.machine import Kind

if TYPE_CHECKING:
    from wslnet.model.linux_facts import LinuxFacts
    from wslnet.model.linux_network import Link
    from wslnet.model.machine import Machine

_HYPERV = "hv_netvsc"
_NEVER = frozenset({"bridge", "tun", "wireguard", "vxlan", "ipip", "gre", "sit"})
_INSTEAD = "--mode nat lets the guests out, --mode routed with a route on the other machines lets others in"


def demand_bridgeable(
    machine: Machine,
    facts: LinuxFacts,
    uplink: str,
    bridge: str,
    *,
    spoofing: bool = False,
    forced: bool = False,
) -> Link:
    """The card of that name, if frames with foreign MAC addresses get through it.

    `spoofing`: the user says that the Hyper-V port of this VM lets them through. `forced`: the user wants it
    although it is WSL's own or Wi-Fi.

    Raises:
        InputError: there is no such link.
        Unsupported: it is WSL's own, Wi-Fi, a port of Hyper-V's switch, or no card at all; says what instead.
        PlanRefused: it is in use by another bridge, has no carrier, or a route over several links.
    """
    link = next((one for one in facts.links or () if one.name == uplink), None)
    if link is None:
        raise InputError(f"{machine.name} has no link {uplink!r}", machine=machine.name)
    reason = _no_card(link) or (None if forced else _why_not(machine, facts, link, spoofing=spoofing))
    if reason is not None:
        raise Unsupported(
            f"{machine.name}: {uplink} cannot be bridged: {reason}", machine=machine.name, hint=_INSTEAD
        )
    if link.master is not None and link.master != bridge:
        raise PlanRefused(
            f"{machine.name}: {uplink} is a port of {link.master} already", machine=machine.name
        )
    if not link.carrier:
        raise PlanRefused(
            f"{machine.name}: {uplink} has no carrier: guests of an l2 net have a LAN only while it has one",
            machine=machine.name,
        )
    if any(hop.dev == uplink for route in facts.routes or () for hop in route.hops):
        raise PlanRefused(f"{machine.name}: a multipath route uses {uplink}", machine=machine.name)
    return link


def _no_card(link: Link) -> str | None:
    if "LOOPBACK" in link.flags or link.kind in _NEVER:
        return f"it is no card but {link.kind or 'the loopback'}"
    return None


def _why_not(machine: Machine, facts: LinuxFacts, link: Link, *, spoofing: bool) -> str | None:
    device = facts.device(link.name)
    if machine.kind is Kind.WSL or facts.wsl is not None:
        return (
            "it is WSL's own, on a port of Hyper-V's switch that lets no MAC address through but its own "
            "(no spoofing in WSL2, whatever the networking mode)"
        )
    if device.wireless:
        return "it is Wi-Fi, whose frames to an access point have no place for a guest's MAC address"
    if device.driver == _HYPERV and not spoofing:
        return (
            "it is on a port of Hyper-V's switch; if that allows foreign MAC addresses "
            "(Set-VMNetworkAdapter -MacAddressSpoofing On), say --mac-spoofing"
        )
    return None
