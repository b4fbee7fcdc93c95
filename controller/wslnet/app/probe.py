"""`wslnet probe`: one machine asks another by packets, with a test server of our own where nobody listens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.engine.gather import gather
from wslnet.engine.probes import measure
from wslnet.errors import InputError, WslnetError
from wslnet.model.machine import Kind
from wslnet.model.probe import Probe
from wslnet.model.topology import address_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from wslnet.engine.fleet import Fleet
    from wslnet.model.probe import Measured

_NEEDS = frozenset({"addresses", "routes", "wsl"})
_LAST_PORT = 65535


def probe(
    fleet: Fleet, source: str, target: str, proto: str, say: Callable[[str, str], None]
) -> tuple[Measured, ...]:
    """Measures an echo to `target`, and where it names a port (`wsl:8081`) a connection by `proto`.

    Raises:
        InputError: a machine is unknown, or the port is none.
        WslnetError: it is not known under which address `source` would reach the target.
    """
    name, port = _ends(fleet, source, target)
    needs = {
        machine.name: _NEEDS
        for machine in fleet.inventory.machines.values()
        if machine.kind in {Kind.WINDOWS, Kind.WSL} or (machine.kind is Kind.VM and name == machine.name)
    }
    snapshot = gather(fleet, needs, say=say)
    address = address_of(snapshot, name, source)
    if address is None:
        unseen = "; ".join(f"{one}: {why.reason}" for one, why in snapshot.unseen.items())
        raise WslnetError(f"under which address {source} reaches {name} is not known: {unseen or 'no facts'}")
    probes = [Probe(source, name, "icmp", address, expected=True)]
    if port is not None:
        probes.append(Probe(source, name, proto, address, port, expected=True, listen=True))
    say("all", "probing with real packets")
    return measure(fleet, probes, attempts=2)


def _ends(fleet: Fleet, source: str, target: str) -> tuple[str, int | None]:
    name, colon, port = target.partition(":")
    known = fleet.inventory.machines
    for one in (source, name):
        if one not in known:
            raise InputError(f"unknown machine {one!r}; {fleet.inventory.path} has {', '.join(known)}")
    if not colon:
        return name, None
    if not port.isascii() or not port.isdecimal() or not 1 <= int(port) <= _LAST_PORT:
        raise InputError(f"{target!r}: expected MACHINE or MACHINE:PORT, such as wsl:8081")
    return name, int(port)
