"""What a restart of WSL will cut, and what of others' state it loses and gets back: said before it.

Sessions and containers are read only for a plan that restarts; reading changes nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from wslnet.engine.captured import captured_in
from wslnet.engine.gather import gather
from wslnet.engine.planner import RESTART_VERB
from wslnet.engine.restart import running_vms

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.engine.fleet import Fleet
    from wslnet.model.plan import Plan
    from wslnet.model.snapshot import Snapshot

_IN_USE = frozenset({"sessions", "containers", "rules"})
_DEADLINE_S = 20.0
_DOCKER_DESKTOP = "docker-desktop"


def with_forecast(fleet: Fleet, snapshot: Snapshot, plan: Plan) -> Plan:
    """The plan with `cut` and `captured`; the same plan when it does not restart WSL."""
    restart = next((change for change in plan.changes if change.do.verb == RESTART_VERB), None)
    wsl = snapshot.inventory.wsl
    if restart is None or wsl is None:
        return plan
    inside = [wsl.name, *(one.name for one in snapshot.inventory.descendants(wsl.name))]
    in_use = gather(
        fleet, {name: _IN_USE for name in inside if name in snapshot.facts}, deadline_s=_DEADLINE_S
    )
    mode = restart.do.args.get("mode")
    listed = captured_in(_with_rules(snapshot, in_use)).foreign.listed(str(mode) if mode else snapshot.mode)
    captured = (one for one in listed if not snapshot.inventory.keeps_memory(str(one["machine"])))
    cut = (*_distros(snapshot), *_vms(snapshot), *_users(in_use))
    return replace(plan, cut=cut, captured=tuple(captured))


def _with_rules(snapshot: Snapshot, in_use: Snapshot) -> Snapshot:
    """The snapshot with the policy rules, which no plan rests on and so no other gather reads."""
    facts = dict(snapshot.facts)
    for name in in_use.facts:
        found, extra = snapshot.linux(name), in_use.linux(name)
        if found is not None and extra is not None:
            facts[name] = replace(found, rules=extra.rules)
    return replace(snapshot, facts=facts)


def _distros(snapshot: Snapshot) -> Iterator[str]:
    service = snapshot.windows.wsl if snapshot.windows is not None else None
    running = [one.name for one in service.distros if one.state == "Running"] if service is not None else []
    for name in running:
        yield f"distro {name} and everything that runs in it"
    if any(name.startswith(_DOCKER_DESKTOP) for name in running):
        yield "Docker Desktop, which does not come back by itself: start it again on Windows"


def _vms(snapshot: Snapshot) -> Iterator[str]:
    vms = running_vms(snapshot)
    saved = {vm.domain for vm in vms if vm.saved}
    for vm in vms:
        around = {vm.host, *(one.name for one in snapshot.inventory.ancestors(vm.host))}
        if vm.saved:
            fate = "saved with its memory, and goes on where it was"
        elif around & saved:
            fate = "goes on with the saved VM that it runs in"
        else:
            fate = "started again"
        yield f"VM {vm.domain} (in {vm.host}); {fate}"


def _users(in_use: Snapshot) -> Iterator[str]:
    for name in in_use.facts:
        facts = in_use.linux(name)
        for session in (facts.sessions if facts is not None else None) or ():
            origin = f" from {session.origin}" if session.origin else ""
            yield f"session of {session.user or 'an unknown user'} on {name} {session.terminal}{origin}"
        for one in (facts.containers if facts is not None else None) or ():
            yield f"container {one.name} ({one.image}) of {one.engine} on {name}"
