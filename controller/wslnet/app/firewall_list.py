"""`wslnet firewall list`: the rules that wslnet owns, for WSL and for Windows, and what a policy decides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.app.firewall import firewall_of, see
from wslnet.model.grant import OWN_PREFIX
from wslnet.profiles.firewall import managed, own_host_rules, own_rules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from wslnet.engine.fleet import Fleet
    from wslnet.model.grant import OwnRule
    from wslnet.model.windows_facts import HostRule, HyperVFirewall

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class Listing:
    """The answer; `altered` are rules that bear our name and do not say any more what they are.

    `host_rules` let others come to ports of Windows itself, `rules` to WSL.
    """

    firewall: HyperVFirewall
    rules: tuple[OwnRule, ...]
    altered: tuple[str, ...]
    managed: tuple[str, ...]
    host_rules: tuple[HostRule, ...] = ()

    def to_json(self) -> dict[str, object]:
        """The document of `firewall list --json`."""
        setting, stored = self.firewall.setting, self.firewall.stored_setting
        return {
            "schema_version": SCHEMA_VERSION,
            "creator_registered": self.firewall.creator_registered,
            "default_inbound": setting.default_inbound if setting is not None else None,
            "default_inbound_stored": stored.default_inbound if stored is not None else None,
            "rules": [
                {
                    "name": one.rule.name,
                    "proto": one.grant.allow.proto,
                    "port": one.grant.allow.port,
                    "scope": one.grant.allow.scope,
                    "purpose": one.purpose,
                    "from": list(one.rule.remote_addresses),
                    "profiles": list(one.rule.profiles),
                    "until": one.grant.until,
                    "enabled": one.rule.enabled,
                }
                for one in self.rules
            ],
            "host_rules": [
                {
                    "name": one.name,
                    "proto": one.protocol,
                    "ports": list(one.local_ports),
                    "from": list(one.remote_addresses),
                    "profiles": list(one.profiles),
                    "program": one.program,
                    "service": one.service,
                }
                for one in self.host_rules
            ],
            "altered": list(self.altered),
            "managed": list(self.managed),
        }

    def lines(self) -> Iterator[str]:
        """The same for people."""
        if not self.rules:
            yield "wslnet has no rule in the Hyper-V firewall."
        for one in self.rules:
            who = ", ".join(one.rule.remote_addresses) or "any source"
            where = ", ".join(one.rule.profiles) or "any profile"
            ends = f" until {one.grant.until}" if one.grant.until else ""
            state = "" if one.rule.enabled else " (disabled)"
            yield f"{one.grant.allow!s:16} {one.purpose}: from {who} ({where}){ends}{state}  {one.rule.name}"
        for rule in self.host_rules:
            who = ", ".join(rule.remote_addresses) or "any source"
            where = ", ".join(rule.profiles) or "any profile"
            ports = f"{rule.protocol}/{','.join(rule.local_ports)}"
            yield f"{ports:16} of Windows itself: from {who} ({where})  {rule.name}"
        setting = self.firewall.setting
        yield f"default inbound: {(setting.default_inbound if setting is not None else None) or 'Block'}"
        yield from (f"altered by somebody: {name}" for name in self.altered)
        yield from (f"managed: {words}" for words in self.managed)


def firewall_list(fleet: Fleet, say: Callable[[str, str], None]) -> Listing:
    """Reads it.

    Raises:
        InputError: no Windows in the inventory.
        Unsupported: there is no Hyper-V firewall.
        Unreachable: Windows cannot be seen.
    """
    snapshot, windows = see(fleet, say)
    firewall = firewall_of(snapshot, windows)
    rules = own_rules(snapshot)
    known = {one.rule.name for one in rules}
    altered = (rule.name for rule in firewall.rules if rule.name.startswith(OWN_PREFIX))
    others = tuple(name for name in altered if name not in known)
    return Listing(firewall, rules, others, managed(firewall), own_host_rules(snapshot))
