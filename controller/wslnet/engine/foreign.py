"""What others wrote while a run was at work: whether our changes still win, and what came or went meanwhile.

A rule that somebody puts above ours leaves ours in place and takes its effect; so the end of a run looks at
what was declared, not at what is there. Foreign things are told and never touched.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from wslnet.engine.fact_lines import FactLines, difference, fact_lines, facts_read
from wslnet.engine.gather import gather
from wslnet.engine.unseen import demand_seen
from wslnet.errors import AgentError
from wslnet.model.linux_facts import LinuxFacts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from wslnet.engine.fleet import Fleet
    from wslnet.model.change import Change, Resource
    from wslnet.model.snapshot import MachineFacts, Needs, Snapshot

Foreign = dict[str, dict[str, tuple[str, ...]]]
"""Machine → fact → lines that came (`+ …`) or went (`- …`)."""

_MARKS = ("wslnet:", "wslnet-", "proto=119")
"""How what wslnet makes is told in a line: comments, names of Hyper-V rules, the protocol of routes."""

_OF_LINKS = frozenset({"bridge", "tap", "uplink"})
_OURS_ALONE = ("files", "bridging")
"""Facts in which only what wslnet makes comes and goes."""
_MADE_FOR = {"networks": ("network", "mac"), "guest_keys": ("domain", "folder")}
"""Facts whose lines are told by arguments of the op that changes them."""

_LOOK_S = 10.0
_SWITCH = "forward"
_TURNED = (_SWITCH, "all.accept_redirects")
"""Switching forwarding turns these with it (net/ipv4/devinet.c, inet_forward_change)."""


def demand_winning(
    fleet: Fleet, before: Snapshot, changes: Sequence[Change], resources: Iterable[Resource]
) -> Foreign:
    """Looks again at every machine that was changed; gives what others changed since `before`.

    Raises:
        AgentError: a change does not have its effect any more; says what decides now.
        WslnetError: a machine cannot be seen.
    """
    declared = {(one.machine, one.name): one for one in resources}
    mine = [declared[one.machine, one.resource] for one in changes if (one.machine, one.resource) in declared]
    after = gather(fleet, _needs(before, changes, mine))
    demand_seen(after)
    for resource in mine:
        for change in resource.diff(after.facts[resource.machine]):
            raise AgentError(
                f"{resource.machine}: {resource.name} was made and has no effect any more: "
                f"{change.before or 'it is gone'}",
                machine=resource.machine,
            )
    return _beside(before, after, changes)


def changed_by_others(fleet: Fleet, before: Snapshot, changes: Sequence[Change]) -> Foreign:
    """What others changed since `before`, as far as the machines can be seen; nothing is judged."""
    return _beside(before, gather(fleet, _needs(before, changes, ()), deadline_s=_LOOK_S), changes)


def _needs(before: Snapshot, changes: Iterable[Change], mine: Iterable[Resource]) -> Needs:
    """All facts of Linux machines that were read before; of Windows, where reading is dear, only ours."""
    needs: dict[str, frozenset[str]] = {}
    for machine in {one.machine for one in changes}:
        facts = before.facts.get(machine)
        if isinstance(facts, LinuxFacts):
            needs[machine] = facts_read(facts)
    for resource in mine:
        needs[resource.machine] = needs.get(resource.machine, frozenset()) | resource.needs
    return needs


def _beside(before: Snapshot, after: Snapshot, changes: Sequence[Change]) -> Foreign:
    found: Foreign = {}
    for machine, facts in after.facts.items():
        old = before.facts.get(machine)
        lines = _foreign_lines(old, facts, [one for one in changes if one.machine == machine]) if old else {}
        if lines:
            found[machine] = lines
    return found


def _links(changes: Iterable[Change]) -> frozenset[str]:
    """The links that were made, deleted or moved from one to another."""
    args = [change.do.args for change in changes if change.do.verb.partition(".")[0] in _OF_LINKS]
    return frozenset(str(one[key]) for one in args for key in ("name", "source", "target") if key in one)


def _foreign_lines(
    before: MachineFacts, after: MachineFacts, changes: Sequence[Change]
) -> dict[str, tuple[str, ...]]:
    written = {str(change.do.args["key"]) for change in changes if "key" in change.do.args}
    switched = any(_SWITCH in key for key in written)
    links = re.compile("|".join(rf"(?<![\w-]){re.escape(link)}(?![\w-])" for link in _links(changes)) or "$.")
    made = [
        [str(change.do.args[key]) for key in keys]
        for change in changes
        for keys in _MADE_FOR.values()
        if all(key in change.do.args for key in keys)
    ]

    def is_ours(name: str, line: str) -> bool:
        if links.search(line):
            return True
        if name == "sysctls":
            return any(key in line for key in written) or (switched and any(word in line for word in _TURNED))
        if name in _MADE_FOR:
            return any(all(word in line for word in words) for words in made)
        return any(mark in line for mark in _MARKS)

    def theirs(facts: MachineFacts) -> FactLines:
        found = {name: lines for name, lines in fact_lines(facts).items() if name not in _OURS_ALONE}
        if not isinstance(facts, LinuxFacts):
            # Of Windows' other facts a line does not say whose it is.
            found = {name: lines for name, lines in found.items() if name == "hyperv_firewall"}
        return {name: tuple(one for one in lines if not is_ours(name, one)) for name, lines in found.items()}

    # Ours go before the comparison: what was only put in another order is told by lines that are the same.
    return difference(theirs(before), theirs(after))
