"""The switch of the local network: a bridge in the router's namespace that machines are plugged into."""

from __future__ import annotations

from . import links
from .model import Nic
from .netns import FabricError, Namespace

_COUPLING, _COUPLING_MAC = "uplink", "00:1b:21:7c:54:01"
"""The port on each switch to which the cable to the other one goes."""


def build_switch(gw: str, switch: Nic) -> None:
    """Make the bridge `switch.device` in the router with the router's addresses on it, forwarding on.

    Raises:
        FabricError: The bridge exists already.
    """
    with Namespace(gw) as ns:
        links.make_bridge(ns, switch.device, switch.mac)
        links.configure(ns, switch)
        # Frames between two machines on a switch are no business of the router's packet filter.
        ns.set_sysctls({"ipv4/ip_forward": 1, **unfiltered_bridges(ns)})


def plug(gw: str, switch: str, machine: str, nic: Nic) -> None:
    """Lay a cable from the switch to `nic` in `machine` and give the card its addresses and default route.

    Raises:
        FabricError: No such switch, or the card exists already.
    """
    with Namespace(gw) as switch_ns, Namespace(machine) as machine_ns:
        port = _port_name(nic.mac)
        links.lay_cable(switch_ns, port, machine_ns, nic)
        links.silence_ipv6(switch_ns, port)
        links.join(switch_ns, port, switch)
        links.configure(machine_ns, nic)
        links.settle(machine_ns, nic.device)
        links.settle(switch_ns, port, switch)


def couple(gw: str, other: str, switch: str) -> None:
    """Lay a cable between the switches of that name in two routers: their machines are on one network.

    Coupled already: nothing.

    Raises:
        FabricError: No such switch.
    """
    with Namespace(gw) as here, Namespace(other) as there:
        if here.index(_COUPLING) is not None:
            return
        links.lay_cable(here, _COUPLING, there, Nic(_COUPLING, _COUPLING_MAC))
        for ns in (here, there):
            links.silence_ipv6(ns, _COUPLING)
            links.join(ns, _COUPLING, switch)
        for ns in (here, there):
            links.settle(ns, _COUPLING, switch)


def unplug(gw: str, mac: str) -> None:
    """Take the cable of the card with that MAC address away; a missing one is fine."""
    with Namespace(gw) as ns:
        links.remove(ns, _port_name(mac))


def set_cable(gw: str, mac: str, *, connected: bool) -> None:
    """Pull out or put back the cable of the card with that MAC address; the card loses or gets its carrier.

    Raises:
        FabricError: No such card is plugged in.
    """
    with Namespace(gw) as ns:
        port = _port_name(mac)
        index = ns.index(port)
        if index is None:
            raise FabricError(f"no card {mac} is plugged into {gw}")
        ns.netlink("link", "set", index=index, state="up" if connected else "down")


def unfiltered_bridges(ns: Namespace) -> dict[str, object]:
    """Sysctls that keep bridged frames out of iptables, where the kernel has br_netfilter at all."""
    keys = [f"bridge/bridge-nf-call-{tables}" for tables in ("iptables", "ip6tables")]
    try:
        ns.read_sysctl(keys[0])
    except FabricError:
        return {}
    return dict.fromkeys(keys, 0)


def _port_name(mac: str) -> str:
    return "p" + mac.replace(":", "")
