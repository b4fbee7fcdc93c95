"""Captures what a restart of WSL would lose of others' state, and puts back what is missing after it.

Through the same ops as every change, with a read-back; but nothing here is a change of the run: it is not
undone, gets no mark, and what is there again by itself is left alone.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from wslnet.engine.gather import gather
from wslnet.errors import WslnetError
from wslnet.model import hand_made
from wslnet.model.captured import Captured, KeptPolicy, KeptRoute, KeptRules, Lost
from wslnet.model.change import Op
from wslnet.model.linux_network import Firewall
from wslnet.netfilter.hand_made import chains, insertions
from wslnet.netfilter.rules import NFT
from wslnet.netfilter.ruleset import parse_save
from wslnet.netfilter.view import tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from wslnet.engine.fleet import Fleet
    from wslnet.model.linux_facts import LinuxFacts
    from wslnet.model.snapshot import Snapshot

NEEDS = frozenset({"links", "routes", "rules", "sysctls", "firewall", "domains", "wsl"})
_DEADLINE_S = 30.0
_THERE = "exists"


def capture(fleet: Fleet) -> Captured:
    """What is there now on the machines in WSL; one that cannot be seen gives nothing."""
    return captured_in(gather(fleet, dict.fromkeys(_in_wsl(fleet), NEEDS), deadline_s=_DEADLINE_S))


def _in_wsl(fleet: Fleet) -> tuple[str, ...]:
    inventory = fleet.inventory
    wsl = inventory.wsl
    return () if wsl is None else (wsl.name, *(one.name for one in inventory.descendants(wsl.name)))


def captured_in(snapshot: Snapshot) -> Captured:
    """The same, of facts that were read already."""
    wsl = snapshot.inventory.wsl
    names = [] if wsl is None else [wsl.name, *(one.name for one in snapshot.inventory.descendants(wsl.name))]
    found = Captured()
    for name in names:
        facts = snapshot.linux(name)
        if facts is not None:
            mode = (snapshot.mode or "unknown") if wsl is not None and name == wsl.name else None
            routes = list(hand_made.routes(name, facts, mode))
            found = Captured(
                (*found.routes, *(one for one in routes if isinstance(one, KeptRoute))),
                (*found.rules, *chains(name, facts)),
                (*found.sysctls, *hand_made.sysctls(name, facts, mode)),
                (*found.lost, *(one for one in routes if isinstance(one, Lost))),
                (*found.policies, *hand_made.policies(name, facts, mode)),
            )
    return found


def put_back(
    fleet: Fleet, captured: Captured, mode: str | None, say: Callable[[str, str], None]
) -> tuple[str, ...]:
    """Makes what is missing of `captured`, parents first; gives one line for each thing that is not back.

    `mode`: the one that WSL runs in now.
    """
    problems: list[str] = []
    snapshot = gather(fleet, dict.fromkeys(captured.machines, NEEDS))
    for machine in captured.machines:
        facts = snapshot.linux(machine)
        if facts is None:
            problems.append(f"{machine}: not seen: {snapshot.unseen[machine].reason}")
            continue
        todo = list(missing(machine, captured, facts, mode))
        if todo:
            say(machine, f"putting back {len(todo)} routes, rules or settings that are not wslnet's")
            problems += _do(fleet, machine, todo)
    return tuple(problems)


def missing(
    machine: str, captured: Captured, facts: LinuxFacts, mode: str | None
) -> Iterator[tuple[str, Op]]:
    """What is not there again on one machine, and the op that makes it, in the order to run them."""
    for sysctl in captured.sysctls:
        now = (facts.sysctls or {}).get(sysctl.key)
        if sysctl.machine == machine and sysctl.mode in {None, mode} and now not in {None, sysctl.value}:
            op = Op("sysctl.set", {"key": sysctl.key, "value": sysctl.value})
            yield f"sysctl {sysctl.key} = {sysctl.value}", op
    taken = {KeptRoute(machine, route).key for route in facts.routes or ()}
    # Routes on a link before routes through a gateway that stands on it.
    for kept in sorted(captured.routes, key=lambda one: one.route.via is not None):
        if kept.machine == machine and kept.mode in {None, mode} and kept.key not in taken:
            taken.add(kept.key)
            yield kept.what, Op("route.add", _route_args(kept))
    for policy in captured.policies:
        there = policy.rule in (facts.rules or ())
        if policy.machine == machine and policy.mode in {None, mode} and not there:
            yield policy.what, Op("policy.add", _policy_args(policy))
    mine = [one for one in captured.rules if one.machine == machine]
    for chain in mine:
        if chain.made and _present(facts, chain) is None:
            yield f"chain {chain.table} {chain.chain}", Op("chain.add", _chain_args(chain))
    for chain in mine:
        yield from _missing_rules(chain, _present(facts, chain))


def _missing_rules(chain: KeptRules, present: list[tuple[str, ...]] | None) -> Iterator[tuple[str, Op]]:
    wanted = (*chain.foreign, *chain.own)
    for position, spec in insertions(chain.order, wanted, present or []):
        text = f"rule {chain.table} {chain.chain}: {' '.join(spec)}"
        if chain.backend == NFT:
            family, _, table = chain.table.partition(" ")
            where = {"family": family, "table": table, "chain": chain.chain}
            yield text, Op("nft.insert", {**where, "position": position, "rule": spec[0]})
        else:
            yield text, Op("rule.insert", {**_chain_args(chain), "position": position, "spec": list(spec)})


def _present(facts: LinuxFacts, chain: KeptRules) -> list[tuple[str, ...]] | None:
    backends = facts.firewall.backends if facts.firewall is not None else {}
    if chain.backend == NFT:
        native = (one for one in tables(facts.firewall or Firewall()) if one.title == chain.table)
        there = next((one.chains[chain.chain] for one in native if chain.chain in one.chains), None)
        return None if there is None else [(rule.text,) for rule in there.listed]
    table = parse_save(backends.get(chain.backend, {}).get(str(chain.family), "")).get(chain.table)
    found = table.chains.get(chain.chain) if table is not None else None
    return None if found is None else [rule.spec for rule in found.rules]


def _chain_args(chain: KeptRules) -> dict[str, object]:
    return {"backend": chain.backend, "family": chain.family, "table": chain.table, "chain": chain.chain}


def _route_args(kept: KeptRoute) -> dict[str, object]:
    one = kept.route
    unicast = one.type == "unicast"
    args: dict[str, object] = {
        "family": one.family,
        "dst": one.dst,
        "via": one.via,
        "dev": one.dev if unicast else None,
        "table": one.table,
        "proto": one.proto,
        "metric": one.metric,
    }
    args |= {} if one.src is None else {"src": one.src}
    args |= {} if unicast else {"type": one.type}
    return args | ({"onlink": True} if "onlink" in one.flags else {})


def _policy_args(policy: KeptPolicy) -> dict[str, object]:
    return {key: value for key, value in asdict(policy.rule).items() if value is not None}


def _do(fleet: Fleet, machine: str, todo: list[tuple[str, Op]]) -> Iterator[str]:
    """Runs all; one that is refused does not keep the others from being made."""
    while todo:
        try:
            results = fleet.execute(machine, [op for _, op in todo], deadline_s=_DEADLINE_S)
        except WslnetError as error:
            yield from (f"{machine}: {text}: {error.message}" for text, _ in todo)
            return
        failed = next((place for place, result in enumerate(results) if not result.ok), None)
        if failed is None:
            return
        if results[failed].code != _THERE:
            yield f"{machine}: {todo[failed][0]}: {results[failed].message}"
        todo = todo[failed + 1 :]
