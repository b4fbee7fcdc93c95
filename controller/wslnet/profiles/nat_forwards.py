"""Ports published in NAT mode: portproxy rules of Windows to WSL's address of now, a relay of ours for UDP.

Who comes from outside meets Windows' own firewall first: each has a rule there, for what listens.
`@lan` listens on Windows' own addresses in the LAN and on its loopback, never on a VPN's or a switch's: a
rule of portproxy knows no sources. All follow WSL's address and those of Windows, so what an earlier address
left behind goes with them.
"""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from typing import TYPE_CHECKING

from wslnet.model.allow import Allow
from wslnet.model.families import IPV4
from wslnet.model.forward import HOST, LAN
from wslnet.model.machine import Kind
from wslnet.model.portproxy import leads_to_wsl, networks
from wslnet.model.ports import OF_WSL_ITSELF
from wslnet.model.topology import lan_addresses
from wslnet.profiles.lan_scope import lan_scope
from wslnet.resources.host_rule import HostAllowRule
from wslnet.resources.port_proxy import FAMILY, PortProxyRule
from wslnet.resources.udp_relay import UdpRelay

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.forward import Forward
    from wslnet.model.snapshot import Snapshot
    from wslnet.model.windows_facts import PortProxy, WindowsFacts

MODE = "nat"
Means = PortProxyRule | UdpRelay | HostAllowRule
PURPOSE = "publish"
"""Stands in the names of the rules of published ports."""

IP_HELPER = (r"%SystemRoot%\System32\svchost.exe", "iphlpsvc")
"""Program and service that listen for rules of portproxy (windows-facts 3)."""

_LOOPBACK, _ANY_ADDRESS = "127.0.0.1", "0.0.0.0"  # noqa: S104 - what Windows is told to listen on, for anybody
_STALE = "what an earlier address of Windows left"
_WITHDRAWN = "the network is not one that it is published to"


def nat_resources(snapshot: Snapshot, windows: str, forward: Forward) -> Iterator[Means]:
    """The rules or the relay of one forward, and no rule of its port that an earlier address left.

    Raises:
        PlanRefused: the LAN was asked for and there is none, or it is public.
    """
    facts = snapshot.windows
    if facts is None:
        return
    yield host_rule(snapshot, windows, forward)
    wanted = tuple(dict.fromkeys(_listeners(snapshot, facts, forward)))
    if forward.proto == "udp":
        yield _relay(snapshot, windows, forward, wanted)
        return
    for rule in published_rules(snapshot, forward):
        if rule.listen_address not in {*wanted, _LOOPBACK}:
            yield _absent(windows, rule, _STALE)
    for address in wanted:
        yield PortProxyRule(
            windows,
            address,
            forward.port,
            _address(snapshot),
            to_port(snapshot, forward),
            f"{forward}: by WSL's address of now",
            moves=any(
                rule.listen_address == address and leads_to_wsl(facts, rule) for rule in facts.portproxy or ()
            ),
            volatile=True,
        )


def host_rule(snapshot: Snapshot, windows: str, forward: Forward) -> HostAllowRule:
    """What lets in whom it is published to, and nobody where that is Windows itself: loopback needs no rule.

    Raises:
        PlanRefused: the LAN was asked for and there is none, or it is public.
    """
    prefixes, profiles = lan_scope(snapshot, forward.listen) if forward.scope == LAN else ((), ())
    boot = snapshot.windows.boot if snapshot.windows is not None else None
    relay = boot.program.path if boot is not None else None, None
    program, service = IP_HELPER if forward.proto == "tcp" else relay
    return HostAllowRule(
        windows,
        PURPOSE,
        _allow(forward),
        prefixes,
        profiles,
        f"{forward}: past Windows' own firewall, for {', '.join(prefixes) or 'any source'}",
        program=program,
        service=service,
        present=forward.scope != HOST,
        rows=("S1-12", "N-19"),
    )


def withdrawn_resources(snapshot: Snapshot, windows: str, forward: Forward) -> Iterator[Means]:
    """What keeps a forward for the LAN from others while there is none: only Windows itself may use it."""
    if forward.scope != LAN:
        return
    yield _closed(windows, forward, _WITHDRAWN)
    if forward.proto == "udp":
        yield _relay(snapshot, windows, forward, (_LOOPBACK,))
    for rule in published_rules(snapshot, forward):
        if rule.listen_address != _LOOPBACK:
            yield _absent(windows, rule, _WITHDRAWN)


def removed_resources(snapshot: Snapshot, windows: str, forward: Forward, why: str) -> Iterator[Means]:
    """Nothing of a forward is there any more."""
    yield _closed(windows, forward, why)
    if forward.proto == "udp":
        yield UdpRelay(windows, forward.port, (), None, 0, why, present=False, volatile=False)
    for rule in published_rules(snapshot, forward):
        yield PortProxyRule.absent(windows, rule, why)


def published_rules(snapshot: Snapshot, forward: Forward) -> tuple[PortProxy, ...]:
    """The rules of portproxy that a forward has: of its port, and to its port of WSL as it is or was."""
    facts, ports = snapshot.windows, (forward.port, to_port(snapshot, forward))
    rules = facts.portproxy if facts is not None and forward.proto == "tcp" else None
    return tuple(
        rule
        for rule in rules or ()
        if rule.family == FAMILY
        and (rule.listen_port, rule.connect_port) == ports
        and facts is not None
        and leads_to_wsl(facts, rule)
    )


def to_port(snapshot: Snapshot, forward: Forward) -> int:
    """The port of WSL that answers: its own service's, or the one that it translates on to a VM."""
    to_wsl = snapshot.inventory[forward.target].kind is Kind.WSL
    return forward.target_port if to_wsl else forward.port


def _listeners(snapshot: Snapshot, facts: WindowsFacts, forward: Forward) -> Iterator[str]:
    if forward.scope == HOST:
        yield _LOOPBACK
    elif forward.scope == LAN:
        yield from lan_addresses(snapshot)
        if not _is_relayed(snapshot, facts, forward):
            yield _LOOPBACK
    elif forward.proto == "tcp":
        yield _ANY_ADDRESS
    else:
        # One by one, so that an answer leaves by the address that was asked.
        of_wsl, _ = networks(facts)
        for one in facts.addresses or ():
            if one.family == IPV4 and not any(ipaddress.IPv4Address(one.address) in net for net in of_wsl):
                yield one.address
        yield _LOOPBACK


def _is_relayed(snapshot: Snapshot, facts: WindowsFacts, forward: Forward) -> bool:
    """Whether WSL's own relay serves that port on Windows' loopback already; it knows no UDP.

    That of a holder which mirrored mode has left serves nobody, and goes with the holder.
    """
    wsl = snapshot.inventory.wsl
    inside = snapshot.linux(wsl.name) if wsl is not None else None
    holders = (inside.holders if inside is not None else None) or ()
    if any((one.proto, one.port) == forward.key for one in holders):
        return False
    return any(
        (one.proto, one.port, one.address) == (forward.proto, forward.port, _LOOPBACK)
        and (one.process or "").lower().removesuffix(".exe") in OF_WSL_ITSELF
        for one in facts.listeners or ()
    )


def _address(snapshot: Snapshot) -> str | None:
    """WSL's address; None while it has none of its own: it will have one when it has started in NAT mode."""
    wsl = snapshot.windows.wsl if snapshot.windows is not None else None
    return wsl.address if wsl is not None and snapshot.mode == MODE else None


def _relay(snapshot: Snapshot, windows: str, forward: Forward, listens: tuple[str, ...]) -> UdpRelay:
    why = f"{forward}: by WSL's address of now; portproxy carries TCP only"
    return UdpRelay(
        windows, forward.port, listens, _address(snapshot), to_port(snapshot, forward), why, volatile=True
    )


def _closed(windows: str, forward: Forward, why: str) -> HostAllowRule:
    return HostAllowRule(
        windows, PURPOSE, _allow(forward), (), (), why, present=False, rows=("S1-12", "N-19")
    )


def _allow(forward: Forward) -> Allow:
    return Allow(forward.proto, forward.port, forward.scope)


def _absent(windows: str, rule: PortProxy, why: str) -> PortProxyRule:
    return replace(PortProxyRule.absent(windows, rule, why), volatile=True)
