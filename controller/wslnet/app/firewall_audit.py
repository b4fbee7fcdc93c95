"""`wslnet firewall audit`: what the LAN can reach now, what lets it in, what was left open. Reads only."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from wslnet.app.firewall import WINDOWS_NEEDS, firewall_of, see
from wslnet.engine.exposure import (
    EVERYBODY,
    Exposure,
    default_inbound,
    exposures_of_windows,
    exposures_of_wsl,
    guarding,
)
from wslnet.model.topology import lan_prefixes
from wslnet.profiles import mirrored
from wslnet.profiles.firewall import managed, own_rules, uplink_category

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from wslnet.engine.fleet import Fleet
    from wslnet.model.snapshot import Snapshot
    from wslnet.model.windows_facts import HyperVFirewall

SCHEMA_VERSION = 1
_CLOSE = "wslnet firewall revoke --open-all"


@dataclass(frozen=True, slots=True)
class Audit:
    """The answer; `open_default`: everything that no rule names is let into WSL."""

    mode: str | None
    category: str | None
    lan: tuple[str, ...]
    open_default: bool
    exposed: tuple[Exposure, ...]
    warnings: tuple[str, ...]
    managed: tuple[str, ...]
    unread: tuple[str, ...]

    def to_json(self) -> dict[str, object]:
        """The document of `firewall audit --json`."""
        return {
            "schema_version": SCHEMA_VERSION,
            **asdict(self),
            "exposed": [asdict(one) for one in self.exposed],
        }

    def lines(self) -> Iterator[str]:
        """The same for people."""
        network = f"{', '.join(self.lan) or 'none'} ({self.category or 'category not known'})"
        yield f"mode {self.mode or 'not known'}; LAN {network}"
        if not self.exposed:
            yield "The LAN reaches no listener that was seen."
        for one in self.exposed:
            who = f"{one.machine} {one.process or 'a process that was not read'}"
            yield f"{one.proto}/{one.port:<6} {who}: from {', '.join(one.sources)}, by {one.by}"
        yield from (f"warning: {text}" for text in self.warnings)
        yield from (f"managed: {text}" for text in self.managed)
        yield from (f"not read: {text}" for text in self.unread)


def firewall_audit(fleet: Fleet, say: Callable[[str, str], None]) -> Audit:
    """Reads it.

    Raises:
        InputError: no Windows in the inventory.
        Unsupported: there is no Hyper-V firewall.
        Unreachable: Windows cannot be seen.
    """
    snapshot, windows = see(fleet, say)
    firewall = firewall_of(snapshot, windows)
    category = uplink_category(snapshot)
    exposed = (*exposures_of_wsl(snapshot, firewall), *exposures_of_windows(snapshot))
    return Audit(
        snapshot.mode,
        category,
        lan_prefixes(snapshot),
        default_inbound(firewall, category) == "allow",
        exposed,
        tuple(_warnings(snapshot, firewall, exposed)),
        managed(firewall),
        tuple(_unread(snapshot, windows)),
    )


def _warnings(snapshot: Snapshot, firewall: HyperVFirewall, exposed: tuple[Exposure, ...]) -> Iterator[str]:
    category, now = uplink_category(snapshot), datetime.now(UTC)
    off = guarding(firewall, category)
    if off is not None:
        yield f"{off}: every port of WSL is open to every network"
    if default_inbound(firewall, category) == "allow":
        yield f"DefaultInboundAction is Allow: whatever WSL listens on is open at once; back: {_CLOSE}"
    reached = {(one.proto, one.port) for one in exposed}
    for one in own_rules(snapshot):
        allow = one.grant.allow
        if one.grant.is_over(now):
            yield f"{allow} was granted until {one.grant.until} and is still there: rule {one.rule.name}"
        elif snapshot.mode == mirrored.MODE and (allow.proto, allow.port) not in reached:
            yield f"{allow} is allowed (rule {one.rule.name}), and nobody listens there for the LAN"
    for found in exposed:
        if found.sources == EVERYBODY and off is None and category == "Public":
            yield f"{found.proto}/{found.port} is open to any source, and the network is Public"


def _unread(snapshot: Snapshot, windows: str) -> Iterator[str]:
    facts, wsl = snapshot.windows, snapshot.inventory.wsl
    for name in sorted((facts.errors if facts is not None else None) or {}):
        if name in WINDOWS_NEEDS:
            yield f"{windows}: {name}"
    if wsl is None:
        return
    inside = snapshot.linux(wsl.name)
    if wsl.name in snapshot.unseen:
        yield f"{wsl.name}: {snapshot.unseen[wsl.name].reason}"
    elif inside is not None and inside.listeners is None:
        yield f"{wsl.name}: listeners"
