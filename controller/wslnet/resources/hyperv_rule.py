"""A Hyper-V firewall rule that lets one port into WSL.

Rules hold without a registered creator (wsl-facts 9), so they are written before WSL's first start. Our
rules are known by their name; rules of others, WSL's own among them, are never touched.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.model.change import Action, Change, Op
from wslnet.model.grant import OWN_PREFIX, Grant
from wslnet.model.windows_facts import HyperVRule, WindowsFacts

if TYPE_CHECKING:
    from wslnet.model.allow import Allow
    from wslnet.model.snapshot import MachineFacts

WSL_CREATOR = "{40E0AC32-46A5-438A-A0B2-2B479E8F2E90}"
"""VMCreatorId of WSL; the braces are part of it (windows-facts 2)."""


@dataclass(frozen=True, slots=True)
class HyperVAllowRule:
    """Inbound allow for one protocol and port, from the given prefixes (none: any) in the given profiles.

    Not `present`: our rule of this name is not there. `until` (UTC, see `Grant`): when it is to go.
    """

    machine: str
    allow: Allow
    remote_addresses: tuple[str, ...]
    profiles: tuple[str, ...]
    why: str
    rows: tuple[str, ...] = ("S3-09", "S3-12")
    needs: frozenset[str] = frozenset({"hyperv_firewall"})
    volatile: bool = False
    purpose: str = "allow"
    present: bool = True
    until: str | None = None

    @property
    def rule_name(self) -> str:
        """The rule's unique name in the store."""
        return f"{OWN_PREFIX}{self.purpose}-{self.allow.proto}-{self.allow.port}"

    @property
    def name(self) -> str:
        """Its identity: the rule's name."""
        return f"hyperv-rule {self.rule_name}"

    def diff(self, facts: MachineFacts) -> tuple[Change, ...]:
        """The rule to create, and before it the own rule to remove when it is not as declared."""
        firewall = facts.hyperv_firewall if isinstance(facts, WindowsFacts) else None
        found = next(
            (rule for rule in (firewall.rules if firewall else ()) if rule.name == self.rule_name), None
        )
        if found is not None and self.present and self._is_declared(found):
            return ()
        stale = () if found is None else (self._change(Action.REMOVE, rule_args(found), _text(found)),)
        return (*stale, self._change(Action.ADD, self._args(), self._text())) if self.present else stale

    def _change(self, action: Action, args: dict[str, object], text: str) -> Change:
        create, remove = Op("hyperv_rule.create", args), Op("hyperv_rule.remove", {"name": self.rule_name})
        return Change(
            machine=self.machine,
            resource=self.name,
            action=action,
            before=text if action is Action.REMOVE else None,
            after=text if action is Action.ADD else "gone",
            why="it is not as declared" if action is Action.REMOVE and self.present else self.why,
            do=create if action is Action.ADD else remove,
            undo=remove if action is Action.ADD else create,
            rows=self.rows,
        )

    def _args(self) -> dict[str, object]:
        return {
            "name": self.rule_name,
            "display_name": self._display_name,
            "direction": "Inbound",
            "action": "Allow",
            "protocol": self.allow.proto.upper(),
            "local_ports": [str(self.allow.port)],
            "remote_addresses": list(self.remote_addresses),
            "profiles": list(self.profiles),
            "creator": WSL_CREATOR,
        }

    @property
    def _display_name(self) -> str:
        return Grant(self.allow, self.until).display_name

    def _is_declared(self, found: HyperVRule) -> bool:
        any_source = {"Any", "*", ""}
        return (
            found.enabled
            and found.display_name == self._display_name
            and (found.direction, found.action) == ("Inbound", "Allow")
            and (found.protocol or "").upper() in {self.allow.proto.upper(), _NUMBERS[self.allow.proto]}
            and found.local_ports == (str(self.allow.port),)
            and set(found.remote_addresses) - any_source == set(self.remote_addresses)
            and set(found.profiles) - {"Any"} == set(self.profiles)
        )

    def _text(self) -> str:
        who = ", ".join(self.remote_addresses) or "any source"
        where = ", ".join(self.profiles) or "any profile"
        ends = f" until {self.until}" if self.until else ""
        return f"Allow {self.allow.proto} {self.allow.port} from {who} ({where}){ends}"


_NUMBERS = {"tcp": "6", "udp": "17"}


def rule_args(rule: HyperVRule) -> dict[str, object]:
    """A rule that was read, as the arguments that would create it again."""
    return {
        "name": rule.name,
        "display_name": rule.display_name or rule.name,
        "direction": rule.direction,
        "action": rule.action,
        "enabled": rule.enabled,
        "protocol": rule.protocol,
        "local_ports": list(rule.local_ports),
        "remote_addresses": list(rule.remote_addresses),
        "profiles": list(rule.profiles),
        "creator": rule.creator,
    }


def _text(rule: HyperVRule) -> str:
    who = ", ".join(rule.remote_addresses) or "any source"
    state = "" if rule.enabled else " (disabled)"
    return f"{rule.action} {rule.protocol} {', '.join(rule.local_ports)} from {who}{state}"
