"""A rule of Windows' own firewall that lets one port of Windows be reached, for one program of it.

Being bound to a program it does not hold for WSL itself, into which rules of ports alone are merged
(wsl-facts 2.3). Our rules are known by their name; rules of others, and those of a policy, are never touched.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.model.change import Action, Change, Op
from wslnet.model.grant import OWN_PREFIX
from wslnet.model.windows_facts import HostRule, WindowsFacts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wslnet.model.allow import Allow
    from wslnet.model.snapshot import MachineFacts

_LOCAL = "Local"
_NUMBERS = {"icmp": "1", "icmp6": "58"}


@dataclass(frozen=True, slots=True)
class HostAllowRule:
    """Inbound allow for one port of a program, from these prefixes (none: any) in these profiles (none: any).

    Not `present`: our rule of this name is not there. `program` None: whoever listens there; `service`: the
    one of a program that runs several.
    """

    machine: str
    purpose: str
    allow: Allow
    remote_addresses: tuple[str, ...]
    profiles: tuple[str, ...]
    why: str
    program: str | None = None
    service: str | None = None
    present: bool = True
    rows: tuple[str, ...] = ("N-19",)
    needs: frozenset[str] = frozenset({"host_rules"})
    volatile: bool = False

    @property
    def rule_name(self) -> str:
        """The rule's unique name in the store."""
        return f"{OWN_PREFIX}{self.purpose}-{self.allow.proto}-{self.allow.port}"

    @property
    def name(self) -> str:
        """Its identity: the rule's name."""
        return f"host-rule {self.rule_name}"

    def diff(self, facts: MachineFacts) -> tuple[Change, ...]:
        """The rule to put there or to remove; the one that is there is its undo."""
        rules = facts.host_rules if isinstance(facts, WindowsFacts) else None
        if rules is None:
            return ()
        found = next((one for one in rules if (one.name, one.source) == (self.rule_name, _LOCAL)), None)
        if not self.present:
            return () if found is None else (self._change(Action.REMOVE, found),)
        if found is not None and self._is_declared(found):
            return ()
        return (self._change(Action.ADD if found is None else Action.CHANGE, found),)

    def _change(self, action: Action, found: HostRule | None) -> Change:
        remove = Op("host_rule.remove", {"name": self.rule_name})
        return Change(
            machine=self.machine,
            resource=self.name,
            action=action,
            before=None if found is None else _text(found),
            after=_text(self._wanted()) if self.present else "gone",
            why=self.why,
            do=_put(self._wanted()) if self.present else remove,
            undo=remove if found is None else _put(found),
            rows=self.rows,
        )

    def _wanted(self) -> HostRule:
        return HostRule(
            name=self.rule_name,
            display_name=f"wslnet: {self.allow} of Windows",
            action="Allow",
            profiles=self.profiles,
            protocol=self.allow.proto,
            local_ports=(str(self.allow.port),),
            remote_addresses=self.remote_addresses,
            program=self.program,
            service=self.service,
        )

    def _is_declared(self, found: HostRule) -> bool:
        return _terms(found) == _terms(self._wanted())


def _terms(rule: HostRule) -> tuple[object, ...]:
    """What decides about packets, in one spelling: Windows writes a prefix with its mask."""
    return (
        rule.display_name,
        (rule.action or "").lower(),
        frozenset(rule.profiles),
        rule.protocol,
        rule.local_ports,
        frozenset(_prefixes(rule.remote_addresses)),
        (rule.program or "").lower(),
        (rule.service or "").lower(),
        rule.interfaces,
    )


def _prefixes(texts: Iterable[str]) -> Iterable[str]:
    for text in texts:
        try:
            yield str(ipaddress.ip_network(text, strict=False))
        except ValueError:
            yield text


def _put(rule: HostRule) -> Op:
    """What makes this rule; names of adapters are not among it, for ours never has any."""
    return Op(
        "host_rule.put",
        {
            "name": rule.name,
            "display_name": rule.display_name or rule.name,
            "action": rule.action or "Allow",
            "protocol": _NUMBERS.get(rule.protocol or "", (rule.protocol or "Any").upper()),
            "local_ports": list(rule.local_ports),
            "remote_addresses": list(rule.remote_addresses),
            "profiles": list(rule.profiles),
            "program": rule.program,
            "service": rule.service,
        },
    )


def _text(rule: HostRule) -> str:
    who = ", ".join(rule.remote_addresses) or "any source"
    where = ", ".join(rule.profiles) or "any profile"
    for_whom = f", for {rule.service or rule.program}" if rule.service or rule.program else ""
    return f"{rule.action} {rule.protocol} {', '.join(rule.local_ports)} from {who} ({where}){for_whom}"
