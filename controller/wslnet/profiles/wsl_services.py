"""Services of Windows that WSL comes to in NAT mode: a rule of Windows' own firewall for WSL's network alone.

The rules are made where doctor finds one missing, and say by their names what they are; a start of Windows
and a change of the network give them the prefix that WSL's network has then (wsl-facts 4).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from wslnet.model.allow import Allow
from wslnet.model.grant import OWN_PREFIX
from wslnet.model.portproxy import networks
from wslnet.profiles.firewall import own_host_rules
from wslnet.resources.host_rule import HostAllowRule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.snapshot import Snapshot

PURPOSE = "from-wsl"
"""Stands in the names of these rules."""

_NAME = re.compile(rf"{OWN_PREFIX}{PURPOSE}-tcp-(?P<port>[0-9]{{1,5}})")
_ROWS = ("S1-06",)


def service_rule(windows: str, port: int, prefix: str) -> HostAllowRule:
    """What lets WSL's network, and nobody else, come to a TCP port of Windows."""
    why = f"so that WSL ({prefix}) comes to port {port} of Windows"
    return HostAllowRule(windows, PURPOSE, Allow("tcp", port), (prefix,), (), why, rows=_ROWS)


def renewed_service_rules(snapshot: Snapshot, windows: str) -> Iterator[HostAllowRule]:
    """The rules of this kind that are there, by the prefix of now; none while WSL has no network itself."""
    facts = snapshot.windows
    prefixes = networks(facts)[0] if facts is not None else ()
    for port in _ports(snapshot) if prefixes else ():
        yield service_rule(windows, port, str(prefixes[0]))


def ended_service_rules(
    snapshot: Snapshot, windows: str, keys: set[tuple[str, int]]
) -> Iterator[HostAllowRule]:
    """The rules of this kind for these protocols and ports, declared not to be there."""
    for port in _ports(snapshot):
        if ("tcp", port) in keys:
            allow = Allow("tcp", port)
            yield HostAllowRule(windows, PURPOSE, allow, (), (), "it is revoked", present=False, rows=_ROWS)


def _ports(snapshot: Snapshot) -> tuple[int, ...]:
    found = (_NAME.fullmatch(one.name) for one in own_host_rules(snapshot))
    return tuple(int(one["port"]) for one in found if one is not None)
