"""`wslnet forward add` and `remove` up to the plan; running it is `wslnet.app.execute`'s part.

The plan carries the list of what is published after it, so that a start of WSL, one of Windows and an undo
know it (`wslnet.app.forward_wish`). `loaded` is the inventory as it was read, the fleet's is what
`inventory_for` gives.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from wslnet.app.forward_boot import boot_resources
from wslnet.app.forward_wish import declared, profile_of
from wslnet.app.result import Result, RunResult
from wslnet.app.setup import Prepared
from wslnet.engine.gather import gather
from wslnet.engine.journal import FOLDER, Journal, new_run_id
from wslnet.engine.lock import only_run
from wslnet.engine.planner import make_plan
from wslnet.engine.run_log import refuse_beside_pending
from wslnet.engine.unseen import demand_seen
from wslnet.errors import InputError, PlanRefused
from wslnet.model.machine import Kind
from wslnet.model.topology import segment
from wslnet.profiles.forward_conflicts import range_notes, refuse_conflicts, refuse_foreign_rules
from wslnet.profiles.forward_removal import removal_resources
from wslnet.profiles.forwards import linux_resources, refuse_unsupported, windows_resources
from wslnet.profiles.modes import SetupOptions
from wslnet.profiles.nested import NEEDS as LINUX_NEEDS
from wslnet.profiles.persistence import with_kept

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from wslnet.engine.fleet import Fleet
    from wslnet.model.change import Resource
    from wslnet.model.forward import Forward
    from wslnet.model.machine import Inventory
    from wslnet.model.snapshot import Needs, Snapshot

_WINDOWS_NEEDS = frozenset(
    {
        "adapters",
        "addresses",
        "boot",
        "elevated",
        "host_rules",
        "hyperv_firewall",
        "listeners",
        "port_ranges",
        "portproxy",
        "profiles",
        "routes",
        "wsl",
    }
)


def inventory_for(loaded: Inventory, forwards: Iterable[Forward]) -> Inventory:
    """The inventory with the wish that such a run stands for: these forwards, and no pair or port beside.

    Raises:
        InputError: it has no Windows or WSL, or a forward leads to what is neither WSL nor a VM of it.
    """
    chosen, wsl = tuple(forwards), loaded.wsl
    if loaded.windows is None or wsl is None:
        raise InputError(f"{loaded.path}: forward needs a windows and a wsl machine")
    known = [wsl.name, *(machine.name for machine in loaded.descendants(wsl.name))]
    for one in chosen:
        if one.target not in known:
            raise InputError(
                f"--to {one.target}: no machine of that name in WSL; there is {', '.join(known)}"
            )
    return replace(loaded, wish=replace(loaded.wish, reach=(), allow=(), forward=chosen))


def prepare_add(
    fleet: Fleet, loaded: Inventory, say: Callable[[str, str], None], *, seen: Snapshot | None = None
) -> Prepared:
    """The plan that publishes what the fleet's wish says, beside all that is published already.

    `seen`: the facts, where they have been read; None reads them.

    Raises:
        InputError: somebody has the port; says who.
        PlanRefused: it is not known how a VM hangs on the machine above it, or `@lan` has no private LAN.
        Unsupported: no means of this mode can publish it.
        Unreachable: a machine on the way cannot be seen.
    """
    new, old = fleet.inventory.wish.forward, declared(loaded)
    snapshot = seen or see(fleet, new, say)
    mode = mode_of(snapshot)
    for one in new:
        refuse_unsupported(mode, one)
        refuse_conflicts(snapshot, one, (*old, *new))
        if one.key not in {known.key for known in old}:
            refuse_foreign_rules(snapshot, one)
        _demand_wire(snapshot, one)

    def behind(seen: Snapshot) -> tuple[Resource, ...]:
        return linux_resources(seen, mode, new)

    published = {one.key: one for one in (*old, *new)}.values()
    resources = (*windows_resources(snapshot, mode, new), *behind(snapshot))
    notes = [note for one in new for note in range_notes(snapshot, one)]
    return prepared_with(fleet, snapshot, resources, published, notes)


def prepare_remove(
    fleet: Fleet, loaded: Inventory, keys: Collection[tuple[str, int]], say: Callable[[str, str], None]
) -> Prepared:
    """The plan that takes published ports back: only rules, holders and entries that carry their names.

    Raises:
        InputError: one is not published, or it is by the inventory itself.
        Unreachable: WSL or Windows cannot be seen.
    """
    old = declared(loaded)
    gone = tuple(one for one in old if one.key in keys)
    for proto, port in sorted(set(keys) - {one.key for one in old}):
        listed = ", ".join(one.listen for one in old) or "nothing"
        raise InputError(f"{proto}/{port} is not published by wslnet; published is: {listed}")
    for one in loaded.wish.forward:
        if one.key in keys:
            raise InputError(f"{one} stands in {loaded.path} under wish.forward: take it out there first")
    left = tuple(one for one in old if one not in gone)
    snapshot = see(fleet, (), say)
    return prepared_with(fleet, snapshot, removal_resources(snapshot, gone, left), left)


def prepared_with(
    fleet: Fleet,
    snapshot: Snapshot,
    resources: Iterable[Resource],
    published: Iterable[Forward],
    notes: Iterable[str] = (),
) -> Prepared:
    """The plan of these resources, after which `published` is the list; what boot reads goes with it."""
    published = tuple(published)
    declared_ones = (*with_kept(snapshot, resources), *boot_resources(snapshot, published))
    plan = make_plan(snapshot, declared_ones, notes=tuple(notes))
    plan = replace(plan, profile=profile_of(published))
    return Prepared(fleet, SetupOptions(), snapshot, declared_ones, plan, lambda _: ())


def record(prepared: Prepared, loaded: Inventory) -> RunResult | None:
    """Writes down what is published where nothing else changes: an empty run, which undo takes back.

    Returns:
        None when the list is what it was.

    Raises:
        PlanRefused: another run is at work or waits for its confirmation.
    """
    if prepared.plan.profile == profile_of(declared(loaded)):
        return None
    refuse_beside_pending(loaded.state)
    with only_run(loaded.state), Journal(loaded.state / FOLDER, new_run_id()) as journal:
        journal.open_run(prepared.plan, ())
        journal.write("committed")
        return RunResult(journal.run, Result.COMMITTED, notes=prepared.plan.notes)


def see(fleet: Fleet, forwards: Iterable[Forward], say: Callable[[str, str], None]) -> Snapshot:
    """The facts of Windows, WSL and all machines on the way to the targets.

    Raises:
        Unreachable: one of them cannot be seen.
    """
    say("all", "reading the machines")
    snapshot = gather(fleet, _needs(fleet.inventory, forwards), say=say)
    demand_seen(snapshot)
    return snapshot


def mode_of(snapshot: Snapshot) -> str:
    """WSL's mode as measured.

    Raises:
        PlanRefused: it does not run.
    """
    if snapshot.mode is None:
        raise PlanRefused("WSL does not run, so its mode is not known", hint="wslnet doctor --wake")
    return snapshot.mode


def _needs(inventory: Inventory, forwards: Iterable[Forward]) -> Needs:
    on_the_way = {
        machine.name
        for one in forwards
        for machine in (inventory[one.target], *inventory.ancestors(one.target))
        if machine.is_linux
    }
    needs = dict.fromkeys(on_the_way, LINUX_NEEDS)
    if inventory.windows is not None and inventory.wsl is not None:
        needs[inventory.windows.name] = _WINDOWS_NEEDS
        needs[inventory.wsl.name] = LINUX_NEEDS | {"holders"}
    return needs


def _demand_wire(snapshot: Snapshot, forward: Forward) -> None:
    inventory, wsl = snapshot.inventory, snapshot.inventory.wsl
    if wsl is None or inventory[forward.target].kind is Kind.WSL:
        return
    branch = inventory.branch(wsl.name, forward.target)
    if segment(snapshot, branch.name) is None:
        raise PlanRefused(
            f"{branch.name}: no link of {wsl.name} has an address in its subnet, {branch.address}",
            machine=branch.name,
        )
