"""Do the networks of VMs serve their guests: does libvirt's dnsmasq live, and answer DHCP and DNS?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.checks.parts.findings import REACHABLE, Findings, look_again
from wslnet.checks.parts.wires import routers
from wslnet.model.finding import Check, Finding, Status
from wslnet.model.machine import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.guest_facts import VirtualRouter
    from wslnet.model.snapshot import Snapshot

_SAY = Findings("dhcp.dnsmasq", docs="https://wiki.libvirt.org/VirtualNetworking.html")

_FINE = frozenset({"ok", None})


def _judge(snapshot: Snapshot) -> Iterator[Finding]:
    for machine in routers(snapshot):
        facts = snapshot.linux(machine.name)
        if facts is None:
            yield _SAY.unseen(snapshot, machine.name)
        elif facts.routers is None:
            yield _SAY.skip(machine.name, f"{machine.name} told no networks of libvirt")
        else:
            yield _machine(machine.name, [one for one in facts.routers if one.active])


def _machine(machine: str, active: list[VirtualRouter]) -> Finding:
    silent = [one for one in active if one.dhcp not in _FINE or one.dns not in _FINE]
    told = [f"{machine}: {_words(one)}" for one in active]
    if silent:
        gone = [one.network for one in silent if one.server is None]
        if gone:
            title = f"no server lives for {', '.join(gone)}"
            cause = (
                "libvirt starts dnsmasq with the network; it was ended since, or another program has its port"
            )
            steps = [f"on {machine}: virsh net-destroy {name}, then virsh net-start {name}" for name in gone]
        else:
            title = f"the server of {', '.join(one.network for one in silent)} does not answer"
            cause = "a firewall of the machine closes UDP 67 or 53 towards its own bridge, or it hangs"
            steps = [
                f"what stands before libvirt's accepts: wslnet rules show --machine {machine} --chain INPUT"
            ]
        return _SAY.problem(
            Status.WARN,
            machine,
            title,
            evidence=[f"{machine}: {_words(one)}" for one in silent],
            cause=f"{cause}; guests lose their address when the lease ends, within an hour",
            fix=look_again(_SAY.code, *steps),
        )
    damaged = [one.lease_file for one in active if one.lease_file is not None]
    if damaged:
        return _SAY.problem(
            Status.WARN,
            machine,
            "the file with the leases cannot be read",
            evidence=[f"{machine}: {line}" for line in damaged],
            cause="libvirt cannot tell the addresses of guests by it, and `vm list` knows them by ARP only",
            fix=look_again(_SAY.code, "move the file away and start the network anew"),
        )
    if not active:
        return _SAY.skip(machine, f"no network of libvirt is active on {machine}")
    return _SAY.ok(machine, f"the networks of {machine} serve their guests", *told)


def _words(one: VirtualRouter) -> str:
    ranges = ", ".join(f"{each.first}-{each.last}" for each in one.ranges)
    leases = "leases not told" if one.leases is None else f"{len(one.leases)} leases"
    return (
        f"{one.network} ({one.bridge}): server {one.server or 'not found'}, "
        f"DHCP {one.dhcp or 'off'}{f' for {ranges}' if ranges else ''}, DNS {one.dns or 'off'}, {leases}"
    )


CHECK = Check(
    code=_SAY.code,
    title="Networks of VMs answer DHCP and DNS",
    needs={kind: frozenset({"routers"}) for kind in (Kind.WSL, Kind.VM)},
    judge=_judge,
    depends_on=(REACHABLE,),
    docs=_SAY.docs,
)
