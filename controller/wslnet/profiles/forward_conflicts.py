"""Who has a port already that shall be published, named in one line before anything is changed. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.errors import PortTaken
from wslnet.model.machine import Kind
from wslnet.model.ports import NEVER_STEERED, OF_WSL_ITSELF, reserved_block
from wslnet.netfilter.rules import Field
from wslnet.netfilter.view import tables
from wslnet_win_agent.boot.relay_task import port_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.forward import Forward
    from wslnet.model.snapshot import Snapshot
    from wslnet.model.windows_facts import PortRanges

_PORTPROXY, _MIRRORED = "svchost", "mirrored"


def refuse_conflicts(snapshot: Snapshot, forward: Forward, others: tuple[Forward, ...]) -> None:
    """Refuses a forward whose port is somebody else's; what is of this forward itself is no conflict.

    Raises:
        PortTaken: names who has the port.
    """
    for reason in (
        *_declared(forward, others),
        *_never_steered(snapshot, forward),
        *_on_windows(snapshot, forward),
        *_inside(snapshot, forward),
    ):
        raise PortTaken(f"{forward.listen}: {reason}")


def range_notes(snapshot: Snapshot, forward: Forward) -> Iterator[str]:
    """What is to be known of a port that Windows may give away, or has not told about."""
    ranges = _ranges(snapshot, forward)
    if ranges is None or (ranges.excluded is None and ranges.dynamic is None):
        yield f"{forward.listen}: Windows did not tell its excluded and dynamic ports: not looked at"
        return
    if ranges.dynamic is not None and ranges.dynamic[0] <= forward.port <= ranges.dynamic[1]:
        first, last = ranges.dynamic
        yield (
            f"{forward.listen} is one of the ports that Windows gives to outgoing connections "
            f"({first}-{last}): one of them may have it when it is to be published again"
        )
    if snapshot.mode == _MIRRORED and (excluded := _excluded(ranges, forward)) is not None:
        yield f"{forward.listen} is in a range that Windows has excluded, {excluded}: WSL may not get it"


def refuse_foreign_rules(snapshot: Snapshot, forward: Forward) -> None:
    """Refuses a port of which portproxy has rules before it is published: they are somebody's.

    Raises:
        PortTaken: names the rule, and what takes it over.
    """
    rules = snapshot.windows.portproxy if snapshot.windows is not None and forward.proto == "tcp" else None
    for rule in rules or ():
        if rule.listen_port == forward.port:
            ends = f"{rule.listen_address}:{rule.listen_port} -> {rule.connect_address}:{rule.connect_port}"
            raise PortTaken(
                f"{forward.listen}: portproxy {ends} is there already and was not made by this; adopt it "
                "(wslnet forward adopt), remove it, or publish by another port"
            )


def _declared(forward: Forward, others: tuple[Forward, ...]) -> Iterator[str]:
    for one in others:
        if one.key == forward.key and one != forward:
            yield f"it is published already, as {one}; remove that first: wslnet forward remove {one.listen}"


def _never_steered(snapshot: Snapshot, forward: Forward) -> Iterator[str]:
    block = reserved_block(snapshot)
    ranges = _ranges(snapshot, forward)
    excluded = _excluded(ranges, forward) if ranges is not None else None
    # In mirrored mode the exclusions are also those by which WSL itself holds ports.
    if excluded is not None and snapshot.mode != _MIRRORED:
        yield (
            f"Windows has excluded {excluded} (winnat, Hyper-V or a program reserved it), so nobody can "
            "listen there; publish by another port"
        )
    if snapshot.mode == _MIRRORED and forward.key in NEVER_STEERED:
        yield "mirrored mode never gives this port to WSL; publish by another one"
    if block is not None and block[0] <= forward.port <= block[1]:
        yield f"Windows has reserved {block[0]}-{block[1]} for WSL's own connections; publish by another port"


def _ranges(snapshot: Snapshot, forward: Forward) -> PortRanges | None:
    found = snapshot.windows.port_ranges if snapshot.windows is not None else None
    return next((one for one in found or () if one.proto == forward.proto), None)


def _excluded(ranges: PortRanges, forward: Forward) -> str | None:
    """The range in which nobody can listen on that port; what an administrator excluded can be asked for."""
    for one in ranges.excluded or ():
        if one.first <= forward.port <= one.last and not one.administered:
            return f"{one.first}-{one.last}"
    return None


def _on_windows(snapshot: Snapshot, forward: Forward) -> Iterator[str]:
    windows = snapshot.windows
    if windows is None:
        return
    ours = {rule.listen_port for rule in windows.portproxy or ()}
    tasks = windows.boot.tasks if windows.boot is not None else ()
    carried = {("udp", port_of(task.name)) for task in tasks if task.state == "Running"}
    for one in windows.listeners or ():
        process = (one.process or "").lower().removesuffix(".exe")
        is_relay = process in OF_WSL_ITSELF or (process == _PORTPROXY and one.port in ours)
        is_relay = is_relay or (one.proto, one.port) in carried
        if (one.proto, one.port) == forward.key and not is_relay:
            yield (
                f"{one.process or 'a process'} (pid {one.pid}) of Windows holds {one.address}:{one.port}; "
                "stop it or publish by another port"
            )
    if snapshot.mode == _MIRRORED and forward.proto == "tcp":
        for rule in windows.portproxy or ():
            if rule.listen_port == forward.port:
                to = f"{rule.connect_address}:{rule.connect_port}"
                yield f"portproxy of Windows takes it to {to}; see wslnet forward prune"


def _inside(snapshot: Snapshot, forward: Forward) -> Iterator[str]:
    """Programs of WSL that would lose the port, and translations of others that are asked before ours."""
    inventory, wsl = snapshot.inventory, snapshot.inventory.wsl
    facts = snapshot.linux(wsl.name) if wsl is not None else None
    itself = inventory[forward.target].kind is Kind.WSL and forward.port == forward.target_port
    if facts is None or itself:
        return
    held = {(one.proto, one.port) for one in facts.holders or ()}
    for one in facts.listeners or ():
        if (one.proto, one.port) == forward.key and forward.key not in held:
            who = one.process or "a program"
            yield f"{who} in WSL listens on {one.address}:{one.port}; stop it or publish by another port"
    if facts.firewall is None:
        return
    for table in tables(facts.firewall):
        for chain in table.chains.values():
            for rule in chain.rules:
                is_port = (str(forward.port),) == rule.values(Field.DPORT)
                is_same = is_port and forward.proto in rule.values(Field.PROTO)
                if is_same and not rule.ours and (rule.target or "").upper() == "DNAT":
                    where = f"rule {rule.number} of {table.title} {chain.name}"
                    yield f"{where} in WSL publishes it already: {rule.text}"
