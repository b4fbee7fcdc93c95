"""Do Windows' Hyper-V adapters forward packets between each other? Matters in NAT mode, between switches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.checks.parts.findings import MODE_KNOWN_BY, Findings, graded
from wslnet.checks.parts.windows import on_windows
from wslnet.model.finding import Check, Finding, Fix
from wslnet.model.machine import Kind
from wslnet.model.topology import behind_switch
from wslnet.profiles.forwarding import NEEDS, choose, resource_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.snapshot import Snapshot
    from wslnet.model.windows_facts import WindowsFacts

_SAY = Findings(
    "forwarding.adapters", docs="https://learn.microsoft.com/powershell/module/nettcpip/set-netipinterface"
)


def _judge(snapshot: Snapshot, machine: str, windows: WindowsFacts) -> Iterator[Finding]:
    if snapshot.mode is None:
        yield _SAY.skip(machine, "WSL's mode is not known", depends_on=MODE_KNOWN_BY)
    elif snapshot.mode == "mirrored":
        yield _SAY.skip(
            machine,
            "not applicable in mirrored mode",
            "WSL's packets pass no vEthernet adapter then, and vEthernet (FSE HostVnic) takes no setting",
        )
    elif snapshot.mode != "nat":
        yield _SAY.skip(machine, f"not applicable in {snapshot.mode} mode")
    elif windows.adapters is None or windows.interfaces is None or windows.routes is None:
        yield _SAY.unread(machine, "adapters, interfaces and routes")
    else:
        yield _nat(snapshot, machine, windows)


def _nat(snapshot: Snapshot, machine: str, windows: WindowsFacts) -> Finding:
    choices = choose(windows, match=snapshot.inventory.forwarding_match)
    switches = [choice.interface for choice in choices if choice.chosen]
    if not switches:
        return _SAY.skip(machine, "there is no Hyper-V adapter yet; WSL makes its own at its first NAT start")
    evidence = [
        f"{one.alias} (index {one.index}, IPv4): Forwarding {'Enabled' if one.forwarding else 'Disabled'}"
        for one in switches
    ]
    closed = [one for one in switches if not one.forwarding]
    if not closed:
        return _SAY.ok(machine, "the Hyper-V adapters forward packets", *evidence)
    cut = [f"wished: {source} -> {target}" for source, target in _across_switches(snapshot)]
    return _SAY.problem(
        graded(wished=bool(cut)),
        machine,
        f"forwarding is off on {', '.join(one.alias for one in closed)}",
        evidence=(*evidence, *cut),
        cause="Windows makes these adapters anew with forwarding off; it is needed only to route between "
        "Hyper-V switches, for instance from WSL to a VM on the Default Switch, not for WSL's way out",
        fix=Fix(
            "wslnet forwarding enable",
            tuple(
                f"Set-NetIPInterface -InterfaceIndex {one.index} -AddressFamily IPv4 -Forwarding Enabled "
                f"(note 003; {one.alias})"
                for one in closed
            ),
            tuple(resource_of(machine, one) for one in closed),
        ),
        # With mirrored mode wished, the NAT adapters are on their way out.
        depends_on=("mode.actual",) if snapshot.inventory.wish.mode == "mirrored" else (),
    )


def _across_switches(snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    """The wished pairs of a VM on a Hyper-V switch and something in WSL: Windows must route between them."""
    inventory, wsl = snapshot.inventory, snapshot.inventory.wsl
    inside = {wsl.name, *(one.name for one in inventory.descendants(wsl.name))} if wsl is not None else set()
    on_switch = {
        peer.name
        for peer in inventory.of_kind(Kind.PEER)
        if peer.address is not None and behind_switch(snapshot, peer.address)
    }
    for pair in inventory.wish.reach:
        if inside & {*pair} and on_switch & {*pair}:
            yield pair


CHECK = Check(
    code=_SAY.code,
    title="Windows forwards between its Hyper-V switches",
    needs={Kind.WINDOWS: NEEDS | {"wsl"}, Kind.WSL: frozenset({"wsl"})},
    judge=on_windows(_SAY, _judge),
    depends_on=("mode.actual", *MODE_KNOWN_BY),
    docs=_SAY.docs,
)
