"""Can the LAN come to WSL at all? In NAT mode nobody there has a route to it, whatever firewalls let in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.checks.parts.findings import MODE_KNOWN_BY, Findings
from wslnet.checks.parts.windows import on_windows
from wslnet.model.finding import Check, Finding, Fix, Status
from wslnet.model.machine import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.machine import Inventory
    from wslnet.model.snapshot import Snapshot
    from wslnet.model.windows_facts import WindowsFacts

_SAY = Findings("lan.reach", docs="https://learn.microsoft.com/windows/wsl/networking")

_NAT = "nat"


def _judge(snapshot: Snapshot, machine: str, windows: WindowsFacts) -> Iterator[Finding]:
    mode, wish = snapshot.mode, snapshot.inventory.wish
    if snapshot.inventory.wsl is None:
        yield _SAY.ok(machine, "there is no WSL for the LAN to reach")
    elif mode is None:
        yield _SAY.skip(machine, "WSL's mode is not known", depends_on=MODE_KNOWN_BY)
    elif mode != _NAT:
        yield _SAY.ok(machine, f"in {mode} mode no address of WSL's own stands between it and the LAN")
    elif wish.mode not in {None, _NAT}:
        yield _SAY.skip(machine, f"WSL shall run in {wish.mode} mode and does not yet")
    elif windows.portproxy is None or windows.wsl is None:
        yield _SAY.unread(machine, "portproxy rules")
    else:
        yield _behind_nat(snapshot, machine, windows, windows.wsl.address or "an address of its own")


def _behind_nat(snapshot: Snapshot, machine: str, windows: WindowsFacts, address: str) -> Finding:
    evidence = f"{machine}: WSL has {address}, which only Windows itself can reach"
    published = [
        f"{machine}: {one.listen_address}:{one.listen_port} leads to WSL"
        for one in windows.portproxy or ()
        if one.connect_address == address
    ]
    wished = _wished(snapshot.inventory)
    if published or not wished:
        title = "the LAN reaches WSL by published ports" if published else "the LAN has no route to WSL"
        return _SAY.ok(machine, title, evidence, *published)
    return _SAY.problem(
        Status.WARN,
        machine,
        "the LAN has no route to WSL, and is wished to reach it",
        evidence=(evidence, *(f"wished: {source} -> {target}" for source, target in wished)),
        cause="in NAT mode WSL's network is one of Windows' own: no router of the LAN knows the way, and a "
        "firewall rule makes none",
        fix=Fix(
            "wslnet forward add --to wsl:PORT --listen PORT@lan",
            (
                "publish the port on Windows: wslnet forward add --to wsl:PORT --listen PORT@lan",
                "or give WSL the addresses of Windows: wslnet setup --mirrored --allow tcp/PORT@lan",
            ),
        ),
    )


def _wished(inventory: Inventory) -> tuple[tuple[str, str], ...]:
    """The wished pairs from other PCs to WSL."""
    return tuple(
        (source, target)
        for source, target in inventory.wish.reach
        if source in inventory.machines
        and inventory[source].kind is Kind.PEER
        and inventory.wsl is not None
        and target == inventory.wsl.name
    )


CHECK = Check(
    code=_SAY.code,
    title="The LAN has a way to WSL where that is wished",
    needs={Kind.WINDOWS: frozenset({"portproxy", "wsl"}), Kind.WSL: frozenset({"wsl"})},
    judge=on_windows(_SAY, _judge),
    depends_on=MODE_KNOWN_BY,
    docs=_SAY.docs,
)
