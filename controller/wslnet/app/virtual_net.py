"""`wslnet net`: nets of bridges and taps on any Linux machine, planned and run like every other change.

All machines are read for an address that nobody uses; only the one that gets the net is changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Interface, IPv4Network
from typing import TYPE_CHECKING

from wslnet.app.setup import Prepared
from wslnet.engine.gather import gather
from wslnet.engine.planner import make_plan
from wslnet.errors import AgentError, InputError, PlanRefused
from wslnet.model.address_plan import free_subnet
from wslnet.model.families import IPV4
from wslnet.model.machine import Kind
from wslnet.model.virtual_net import (
    Declaration,
    NetMode,
    VirtualNet,
    declarations,
    host_address,
    mac_of,
    sound_name,
    tap_names,
    taps_of,
)
from wslnet.profiles.bridged import demand_bridgeable
from wslnet.profiles.modes import SetupOptions
from wslnet.profiles.virtual_net import (
    FORWARDING,
    NEEDS,
    before,
    declared,
    gone,
    rests_on_forwarding,
    running,
    way_out,
)
from wslnet.resources.sysctl import Sysctl

if TYPE_CHECKING:
    from collections.abc import Callable

    from wslnet.engine.fleet import Fleet
    from wslnet.model.change import Op, Resource
    from wslnet.model.linux_facts import LinuxFacts
    from wslnet.model.machine import Inventory
    from wslnet.model.snapshot import Snapshot

_ADDRESS_NEEDS = frozenset({"addresses", "routes"})
_LINUX = frozenset({Kind.WSL, Kind.VM})
_DHCP, _KEEP = "dhcp", "keep"


@dataclass(frozen=True, slots=True)
class NetWish:
    """What the user asks for.

    `subnet` None: chosen. `uplink` None: by the default route. `addr` is for an l2 bridge: `keep` what the
    card has (its DHCP client goes with it), `dhcp`, or an address with its prefix for a card that has none.
    """

    machine: str
    name: str
    mode: NetMode
    subnet: str | None = None
    taps: int = 0
    tap: tuple[str, ...] = ()
    owner: str | None = None
    uplink: str | None = None
    addr: str = _KEEP
    mac_spoofing: bool = False
    persist: bool = True


def prepare_create(fleet: Fleet, wish: NetWish, say: Callable[[str, str], None]) -> Prepared:
    """Reads all machines and plans the net. Changes nothing.

    Raises:
        InputError: a name, address or prefix is wrong, or the prefix is used already; says by whom.
        Unsupported: the card cannot be bridged; says why and what can be done instead.
        PlanRefused: a net of that name is there and is another one.
        Unreachable: the machine cannot be seen.
    """
    machine = wish.machine
    _demand_linux(fleet.inventory, machine)
    sound_name(wish.name)
    names = tap_names(wish.name, wish.taps, wish.tap)
    snapshot, facts = observe(fleet, machine, say, everywhere=True)
    notes = [f"not read, so its addresses are not known: {name}" for name in snapshot.unseen]
    existing = declarations(facts).get(wish.name)
    if existing is not None and existing.net.mode is not wish.mode:
        raise _another(machine, existing.net)
    net, more = _net(wish, names, snapshot, facts, existing.net if existing is not None else None)
    if existing is not None and existing.net != net:
        raise _another(machine, existing.net)
    parts = running(machine, net, facts)
    declaration = existing or Declaration(
        net,
        before(facts, net),
        tuple(op.to_json() for one in parts for op in _again(one, facts)),
    )
    resources = (declared(machine, declaration), *parts)
    return _prepared(fleet, snapshot, resources, [*notes, *more])


def prepare_destroy(fleet: Fleet, machine: str, name: str, say: Callable[[str, str], None]) -> Prepared:
    """Plans to take down a net, of which nothing is left then. Changes nothing.

    Raises:
        InputError: the machine has no net of that name; names those that it has.
        PlanRefused: somebody else is plugged into its bridge.
        Unreachable: the machine cannot be seen.
    """
    snapshot, facts = observe(fleet, machine, say)
    declaration = _named(machine, name, facts)
    notes = []
    if FORWARDING in declaration.kept.sysctls and rests_on_forwarding(declaration.net, facts):
        notes.append(f"{machine}: forwarding stays on: somebody else beside net {name} needs it")
    return _prepared(fleet, snapshot, gone(machine, declaration, facts), notes)


def one_net(fleet: Fleet, machine: str, name: str, say: Callable[[str, str], None]) -> VirtualNet:
    """A net as its machine declares it.

    Raises:
        InputError: the machine has none of that name.
        Unreachable: it cannot be seen.
    """
    _, facts = observe(fleet, machine, say)
    return _named(machine, name, facts).net


def survey(fleet: Fleet, machines: tuple[str, ...], *, fdb: bool) -> Snapshot:
    """Reads what `net list` shows, of all Linux machines without names.

    Raises:
        InputError: a name is no Linux machine's.
        Unreachable: nothing could be seen.
    """
    for name in machines:
        _demand_linux(fleet.inventory, name)
    known = [name for name, one in fleet.inventory.machines.items() if one.kind in _LINUX]
    needs = frozenset({"links", "addresses", "bridging", "files"}) | ({"fdb"} if fdb else set())
    wanted = [name for name in known if not machines or name in machines]
    snapshot = gather(fleet, dict.fromkeys(wanted, needs))
    if wanted and len(snapshot.unseen) == len(wanted):
        name, unseen = next(iter(snapshot.unseen.items()))
        raise unseen.error(name)
    return snapshot


def _again(part: Resource, facts: LinuxFacts) -> tuple[Op, ...]:
    """What makes a part of the net again; what is turned on already may be off after a restart."""
    if isinstance(part, Sysctl):
        op = part.keep(facts)
        return () if op is None else (op,)
    return tuple(change.do for change in part.diff(facts))


def _another(machine: str, net: VirtualNet) -> PlanRefused:
    there = f"{net.mode}, {net.subnet or 'no subnet'}, {len(net.taps)} taps, of {net.owner or 'root'}"
    return PlanRefused(
        f"{machine}: net {net.name} is there already and is another one ({there})",
        machine=machine,
        hint=f"wslnet net destroy {net.name} --on {machine}",
    )


def _prepared(
    fleet: Fleet, snapshot: Snapshot, resources: tuple[Resource, ...], notes: list[str]
) -> Prepared:
    plan = make_plan(snapshot, resources, notes=notes)
    return Prepared(fleet, SetupOptions(), snapshot, resources, plan, lambda _: resources)


def observe(
    fleet: Fleet, machine: str, say: Callable[[str, str], None], *, everywhere: bool = False
) -> tuple[Snapshot, LinuxFacts]:
    """Reads the machine that is to have a net; `everywhere`: and the addresses of all others.

    Raises:
        InputError: it is no Linux machine.
        Unreachable: it cannot be seen.
    """
    _demand_linux(fleet.inventory, machine)
    say("all" if everywhere else machine, "reading")
    others = {
        name: _ADDRESS_NEEDS for name, one in fleet.inventory.machines.items() if one.kind is not Kind.PEER
    }
    snapshot = gather(fleet, {**(others if everywhere else {}), machine: NEEDS}, say=say)
    if machine in snapshot.unseen:
        raise snapshot.unseen[machine].error(machine)
    facts = snapshot.linux(machine)
    if facts is None or facts.files is None or facts.bridging is None or facts.links is None:
        raise AgentError(f"{machine}: did not tell its links and files", machine=machine)
    return snapshot, facts


def _demand_linux(inventory: Inventory, machine: str) -> None:
    known = [name for name, one in inventory.machines.items() if one.kind in _LINUX]
    if machine not in known:
        raise InputError(f"{machine!r} is no Linux machine of {inventory.path}: {', '.join(known)}")


def _named(machine: str, name: str, facts: LinuxFacts) -> Declaration:
    nets = declarations(facts)
    if name not in nets:
        raise InputError(
            f"{machine} has no net {name!r} of wslnet's; it has {', '.join(sorted(nets)) or 'none'}",
            machine=machine,
        )
    return nets[name]


def _net(
    wish: NetWish, names: tuple[str, ...], snapshot: Snapshot, facts: LinuxFacts, existing: VirtualNet | None
) -> tuple[VirtualNet, list[str]]:
    """The net that is wished for, and what the user should know about it."""
    if wish.mode is NetMode.L2:
        return _l2_net(wish, names, snapshot, facts, existing)
    if wish.addr != _KEEP:
        raise InputError(f"--addr {wish.addr}: only an l2 net has another address than its subnet's first")
    if wish.uplink is not None and wish.mode is not NetMode.NAT:
        raise InputError(f"--uplink {wish.uplink}: a {wish.mode} net has no way out")
    known = existing.subnet if existing is not None else None
    subnet = free_subnet(snapshot, wish.subnet or known, own={(wish.machine, wish.name)})
    net = VirtualNet(
        wish.name,
        wish.mode,
        mac_of("bridge", wish.machine, wish.name),
        str(subnet),
        None if wish.mode is NetMode.PRIVATE else host_address(subnet),
        taps_of(wish.machine, wish.name, names, subnet),
        wish.owner,
        wish.uplink,
        persist=wish.persist,
    )
    notes = []
    if wish.mode is NetMode.NAT:
        out = wish.uplink or way_out(facts)
        if wish.uplink is not None and wish.uplink not in {one.name for one in facts.links or ()}:
            raise InputError(f"{wish.machine} has no link {wish.uplink!r}", machine=wish.machine)
        notes.append(f"the way out is {out} now" if out else f"{wish.machine} has no default route now")
    return net, notes


def _l2_net(
    wish: NetWish, names: tuple[str, ...], snapshot: Snapshot, facts: LinuxFacts, existing: VirtualNet | None
) -> tuple[VirtualNet, list[str]]:
    if wish.subnet is not None:
        raise InputError(f"--subnet {wish.subnet}: the guests of an l2 net are in the LAN's")
    uplink = wish.uplink or (existing.uplink if existing is not None else way_out(facts))
    if uplink is None:
        raise InputError(
            f"{wish.machine} has no default route: name the card (--uplink)", machine=wish.machine
        )
    machine = snapshot.inventory[wish.machine]
    link = demand_bridgeable(machine, facts, uplink, wish.name, spoofing=wish.mac_spoofing)
    holder = wish.name if link.master == wish.name else uplink
    have = [f"{one.address}/{one.prefix}" for one in facts.addresses_of(holder) if one.family == IPV4]
    own = existing.address if existing is not None else None
    address = None
    if wish.addr not in {_DHCP, _KEEP}:
        if own is None and have:
            raise InputError(f"--addr {wish.addr}: {uplink} has {have[0]} already, which is kept")
        address = str(_interface(wish.addr))
    client = _client(facts, wish, uplink) if existing is None else existing.client
    subnet = IPv4Interface(address or have[0]).network if address or have else None
    net = VirtualNet(
        wish.name,
        wish.mode,
        link.mac or "",
        None if subnet is None else str(subnet),
        address,
        taps_of(wish.machine, wish.name, names, None),
        wish.owner,
        uplink,
        client,
        persist=wish.persist,
    )
    return net, _l2_notes(facts, uplink, client, moved=holder == wish.name)


def _l2_notes(facts: LinuxFacts, uplink: str, client: str | None, *, moved: bool) -> list[str]:
    if moved:
        return []
    notes = [f"{uplink} loses its addresses to the bridge; all happens in one step, under a guard"]
    served = facts.device(uplink).dhcp
    leased = any("permanent" not in one.flags for one in facts.addresses_of(uplink) if one.family == IPV4)
    if served:
        notes.append(f"{served} goes with them")
    elif leased and client is None:
        notes.append(f"the address of {uplink} is leased and no client of it was found: see --addr dhcp")
    return notes


def _client(facts: LinuxFacts, wish: NetWish, uplink: str) -> str | None:
    if wish.addr != _DHCP or facts.device(uplink).dhcp is not None:
        return None
    tools = facts.bridging.dhcp_tools if facts.bridging is not None else ()
    if not tools:
        raise InputError(
            f"--addr dhcp: {wish.machine} has none of dhclient, udhcpc, dhcpcd: install isc-dhcp-client",
            machine=wish.machine,
        )
    return tools[0]


def _interface(text: str) -> IPv4Interface:
    try:
        found = IPv4Interface(text)
    except ValueError:
        raise InputError(f"--addr {text!r} is not keep, dhcp or an address such as 10.9.8.1/24") from None
    if "/" not in text or found.network == IPv4Network(found.ip):
        raise InputError(f"--addr {text!r}: the length of the prefix is missing, as in 192.168.223.1/24")
    return found
