"""Do Windows' Hyper-V adapters forward packets between each other? Matters in NAT mode, between switches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.checks.parts.findings import MODE_KNOWN_BY, Findings
from wslnet.checks.parts.routing import IPV4
from wslnet.model.finding import Check, Finding, Fix, Status
from wslnet.model.machine import Kind
from wslnet.model.topology import uplinks
from wslnet.resources.interface_forwarding import InterfaceForwarding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.snapshot import Snapshot
    from wslnet.model.windows_facts import Interface

_SAY = Findings(
    "forwarding.adapters", docs="https://learn.microsoft.com/powershell/module/nettcpip/set-netipinterface"
)

_SWITCH = "vEthernet ("
_NEVER = "vEthernet (FSE HostVnic)"
"""Carries mirrored mode's own traffic and takes no IP settings (wsl-facts 9)."""


def _judge(snapshot: Snapshot) -> Iterator[Finding]:
    machine = snapshot.inventory.windows
    if machine is None:
        return
    windows = snapshot.windows
    if windows is None:
        yield _SAY.unseen(snapshot, machine.name)
    elif snapshot.mode is None:
        yield _SAY.skip(machine.name, "WSL's mode is not known", depends_on=MODE_KNOWN_BY)
    elif snapshot.mode == "mirrored":
        yield _SAY.skip(
            machine.name,
            "not applicable in mirrored mode",
            "WSL's packets pass no vEthernet adapter then, and vEthernet (FSE HostVnic) takes no setting",
        )
    elif snapshot.mode != "nat":
        yield _SAY.skip(machine.name, f"not applicable in {snapshot.mode} mode")
    elif windows.interfaces is None or windows.routes is None:
        yield _SAY.unread(machine.name, "interfaces and routes")
    else:
        yield _nat(snapshot, machine.name, windows.interfaces)


def _nat(snapshot: Snapshot, machine: str, interfaces: tuple[Interface, ...]) -> Finding:
    outwards = set(uplinks(snapshot))
    switches = [
        one
        for one in interfaces
        if one.family == IPV4
        and one.alias.startswith(_SWITCH)
        and one.alias != _NEVER
        # An adapter with a default gateway is an External switch: forwarding there opens the office network.
        and one.index not in outwards
    ]
    if not switches:
        return _SAY.skip(machine, "there is no Hyper-V adapter yet; WSL makes its own at its first NAT start")
    evidence = [
        f"{one.alias} (index {one.index}, IPv4): Forwarding {'Enabled' if one.forwarding else 'Disabled'}"
        for one in switches
    ]
    closed = [one for one in switches if not one.forwarding]
    if not closed:
        return _SAY.ok(machine, "the Hyper-V adapters forward packets", *evidence)
    return _SAY.problem(
        Status.WARN,
        machine,
        f"forwarding is off on {', '.join(one.alias for one in closed)}",
        evidence=evidence,
        cause="Windows makes these adapters anew with forwarding off; it is needed only to route between "
        "Hyper-V switches, for instance from WSL to a VM on the Default Switch, not for WSL's way out",
        fix=Fix(
            "wslnet forwarding enable",
            tuple(
                f"Set-NetIPInterface -InterfaceIndex {one.index} -AddressFamily IPv4 -Forwarding Enabled "
                f"(note 003; {one.alias})"
                for one in closed
            ),
            tuple(
                InterfaceForwarding(
                    machine, one.index, one.alias, f"route between {one.alias} and other switches"
                )
                for one in closed
            ),
        ),
        # With mirrored mode wished, the NAT adapters are on their way out.
        depends_on=("mode.actual",) if snapshot.inventory.wish.mode == "mirrored" else (),
    )


CHECK = Check(
    code=_SAY.code,
    title="Windows forwards between its Hyper-V switches",
    needs={Kind.WINDOWS: frozenset({"interfaces", "routes", "wsl"}), Kind.WSL: frozenset({"wsl"})},
    judge=_judge,
    depends_on=("mode.actual", *MODE_KNOWN_BY),
    docs=_SAY.docs,
)
