"""Volatile state that a restart of WSL loses and that no declaration of ours brings back.

Data only, as the journal keeps it: what was found, and where. `wslnet.engine.captured` finds it and puts it
back; it never becomes wslnet's own by that.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import msgspec

from wslnet.model.families import IPV4
from wslnet.model.linux_network import Route, Rule  # noqa: TC001 - msgspec resolves the fields' types
from wslnet.model.typed import typed

if TYPE_CHECKING:
    from collections.abc import Iterator

Spec = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KeptRoute:
    """A route; `mode`: the only mode of WSL in which it has a meaning; `own`: it carries wslnet's mark."""

    machine: str
    route: Route
    mode: str | None = None
    own: bool = False

    @property
    def key(self) -> tuple[object, ...]:
        """What the kernel allows only once."""
        return (self.machine, self.route.family, self.route.dst, self.route.table, self.route.metric)

    @property
    def what(self) -> str:
        """The route as one would type it."""
        one = self.route
        kind = "" if one.type == "unicast" else f"{one.type} "
        via = f" via {one.via}" if one.via else ""
        dev = f" dev {one.dev}" if one.dev else ""
        return f"route {kind}{one.dst}{via}{dev}"


@dataclass(frozen=True, slots=True)
class KeptRules:
    """Rules of one chain: `order` holds all of its rules, `foreign` and `own` are places (from 0) in it.

    `made`: the chain itself was made by hand. Of native nftables `table` begins with nft's word for the
    family (`inet firewalld`), and a rule is one word.
    """

    machine: str
    backend: str
    family: int
    table: str
    chain: str
    order: tuple[Spec, ...]
    foreign: tuple[int, ...] = ()
    own: tuple[int, ...] = ()
    made: bool = False


@dataclass(frozen=True, slots=True)
class KeptSysctl:
    """A kernel setting; `mode` as for routes."""

    machine: str
    key: str
    value: str
    mode: str | None = None


@dataclass(frozen=True, slots=True)
class KeptPolicy:
    """A policy rule (`ip rule`); `mode` as for routes."""

    machine: str
    rule: Rule
    mode: str | None = None

    @property
    def what(self) -> str:
        """The rule, near to how `ip` shows it."""
        one = self.rule
        matches = (("to", one.dst), ("iif", one.iif), ("oif", one.oif), ("ipproto", one.ipproto))
        said = "".join(f" {word} {value}" for word, value in matches if value is not None)
        mark = f" fwmark {one.fwmark:#x}" if one.fwmark is not None else ""
        target = f"lookup {one.table}" if one.action == "lookup" else one.action
        return f"policy rule {one.priority}: from {one.src or 'all'}{said}{mark} {target}"


@dataclass(frozen=True, slots=True)
class Lost:
    """Something that cannot be put back, and why."""

    machine: str
    what: str
    why: str


@dataclass(frozen=True, slots=True)
class Captured:
    """Everything that was found on the machines that a restart of WSL cuts."""

    routes: tuple[KeptRoute, ...] = ()
    rules: tuple[KeptRules, ...] = ()
    sysctls: tuple[KeptSysctl, ...] = ()
    lost: tuple[Lost, ...] = ()
    policies: tuple[KeptPolicy, ...] = ()

    @property
    def machines(self) -> tuple[str, ...]:
        """Where something is to be put back."""
        kept: tuple[KeptRoute | KeptRules | KeptSysctl | KeptPolicy, ...]
        kept = (*self.routes, *self.rules, *self.sysctls, *self.policies)
        return tuple(dict.fromkeys(one.machine for one in kept))

    @property
    def foreign(self) -> Captured:
        """Without what carries wslnet's mark: its own declaration brings that back."""
        rules = (replace(one, own=()) for one in self.rules)
        return replace(
            self,
            routes=tuple(one for one in self.routes if not one.own),
            rules=tuple(one for one in rules if one.foreign or one.made),
        )

    @property
    def lasting(self) -> Captured:
        """What an undo of a run that lasts must still bring back: the rest was there beside the run.

        That is what carries wslnet's mark, as an earlier run left it, and what belongs to the mode of then.
        """
        rules = (replace(one, foreign=(), made=False) for one in self.rules)
        return Captured(
            tuple(one for one in self.routes if one.own or one.mode is not None),
            tuple(one for one in rules if one.own),
            tuple(one for one in self.sysctls if one.mode is not None),
            policies=tuple(one for one in self.policies if one.mode is not None),
        )

    def beside(self, earlier: Captured) -> Captured:
        """This, and what was found earlier and is not contradicted by it."""
        routes = {one.key for one in self.routes}
        keys = {(one.machine, one.key) for one in self.sysctls}
        return Captured(
            (*self.routes, *(one for one in earlier.routes if one.key not in routes)),
            tuple(dict.fromkeys((*self.rules, *earlier.rules))),
            (*self.sysctls, *(one for one in earlier.sysctls if (one.machine, one.key) not in keys)),
            self.lost,
            tuple(dict.fromkeys((*self.policies, *earlier.policies))),
        )

    def to_json(self) -> dict[str, object]:
        """As the journal keeps it."""
        found: dict[str, object] = msgspec.to_builtins(self)
        return found

    def listed(self, mode: str | None) -> Iterator[dict[str, object]]:
        """One object for each thing, for people and plans; `mode`: the one that WSL will come up in."""
        for route in self.routes:
            yield _item(route.machine, route.what, _only_in(route.mode, mode))
        for chain in self.rules:
            where = f"{chain.backend if chain.family == IPV4 else 'ip6tables'} {chain.table} {chain.chain}"
            if chain.made:
                yield _item(chain.machine, f"chain {where}", None)
            for place in (*chain.foreign, *chain.own):
                yield _item(chain.machine, f"rule {where}: {shlex.join(chain.order[place])}", None)
        for policy in self.policies:
            yield _item(policy.machine, policy.what, _only_in(policy.mode, mode))
        for sysctl in self.sysctls:
            yield _item(sysctl.machine, f"sysctl {sysctl.key} = {sysctl.value}", _only_in(sysctl.mode, mode))
        for lost in self.lost:
            yield _item(lost.machine, lost.what, lost.why)


def captured_from_json(document: object) -> Captured:
    """What `Captured.to_json` gave.

    Raises:
        msgspec.ValidationError: it is not of that shape.
    """
    return typed(document, Captured)


def _only_in(mode: str | None, coming: str | None) -> str | None:
    return None if mode is None or mode == coming else f"it belongs to mode {mode}"


def _item(machine: str, what: str, why: str | None) -> dict[str, object]:
    return {"machine": machine, "what": what, "put_back": why is None, "why": why}
